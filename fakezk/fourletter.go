package fakezk

// fourLetterWord answers a command, if word is one that the server knows.
func (s *Server) fourLetterWord(c *conn, word [4]byte) (answer string, ok bool) {
	if string(word[:]) == "ruok" {
		return "imok", true
	}
	return "", false
}
