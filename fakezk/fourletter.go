package fakezk

import (
	"encoding/binary"
	"slices"
	"strconv"
	"strings"
	"time"
)

// telnetClose is what telnet sends when it is told to close. To a server it is
// one of the words, which nobody can enable by its name.
const telnetClose = "\xff\xf4\xff\xfd"

// maskTime is how long stmk waits for its argument, which a real server wants
// to have come with the word.
const maskTime = 100 * time.Millisecond

// firstMask is ZooKeeper's trace mask to begin with.
const firstMask = 306

// answerChunk is how much of an answer a real server counts as one packet.
const answerChunk = 8192

// words are the commands that can be answered from the state alone.
var words = map[string]func(s *Server, b *strings.Builder){
	"ruok": func(_ *Server, b *strings.Builder) { b.WriteString("imok") },
	"isro": func(_ *Server, b *strings.Builder) { b.WriteString("rw") },
	"gtmk": func(s *Server, b *strings.Builder) { b.WriteString(strconv.FormatInt(s.traceMask, 10)) },
	"dirs": func(_ *Server, b *strings.Builder) { b.WriteString("datadir_size: 0\nlogdir_size: 0\n") },
	"hash": func(*Server, *strings.Builder) {}, // digests of trees, which a fake does not keep
	"srst": func(s *Server, b *strings.Builder) {
		s.resetStats()
		b.WriteString("Server stats reset.\n")
	},
	"srvr": (*Server).reportServer,
	"conf": (*Server).reportConfig,
	"dump": (*Server).reportSessions,
	"wchs": (*Server).reportWatchSummary,
	"wchc": (*Server).reportWatchesBySession,
	"wchp": (*Server).reportWatchesByPath,
}

// portWords are about the connections of one of the ports: of that where they
// are asked.
var portWords = map[string]func(s *Server, secure bool, b *strings.Builder){
	"crst": (*Server).clearConnections,
	"stat": (*Server).reportStat,
	"cons": (*Server).reportConnections,
}

// otherWords need more than the state.
var otherWords = []string{"stmk", "mntr", "envi", "telnet close"}

// fourLetterWord answers a command, if word is one that the server knows. What
// it does not know is the length of a frame, and a bad one.
func (s *Server) fourLetterWord(c *conn, word [4]byte) (answer string, ok bool) {
	name := string(word[:])
	if name == telnetClose {
		name = "telnet close"
	}
	known := words[name] != nil || portWords[name] != nil || slices.Contains(otherWords, name)
	if !known || slices.Contains(s.ensemble.cfg.quirks.lacksWords, name) {
		return "", false
	}
	s.countWord(c, func() { c.forWord = true; c.stats.request(0) })
	switch {
	case !s.ensemble.cfg.enabled(name):
		answer = name + " is not executed because it is not in the whitelist.\n"
	case name == "telnet close":
		return "", true
	case name == "stmk":
		answer = s.setTraceMask(c)
	case name == "mntr":
		open, limit := fileDescriptors() // not under the lock
		answer = s.run(func(s *Server, b *strings.Builder) { s.reportMetrics(b, open, limit) })
	case name == "envi":
		answer = reportEnvironment(s.ensemble.cfg)
	case portWords[name] != nil:
		answer = s.run(func(s *Server, b *strings.Builder) { portWords[name](s, c.secure, b) })
	default:
		answer = s.run(words[name])
	}
	s.ensemble.cfg.logger.Debug("four-letter word", "word", name, "client", c.net.RemoteAddr())
	s.countWord(c, func() { c.stats.sent += (int64(len(answer)) + answerChunk - 1) / answerChunk })
	return answer, true
}

func (s *Server) countWord(c *conn, count func()) {
	s.ensemble.mu.Lock()
	defer s.ensemble.mu.Unlock()
	count()
}

// run runs a command under the lock.
func (s *Server) run(report func(*Server, *strings.Builder)) string {
	var b strings.Builder
	s.ensemble.mu.Lock()
	defer s.ensemble.mu.Unlock()
	report(s, &b)
	return b.String()
}

// setTraceMask is stmk, which has an argument of eight bytes. Without it the
// connection ends silently.
func (s *Server) setTraceMask(c *conn) string {
	c.net.SetReadDeadline(time.Now().Add(maskTime))
	b, err := c.frames.Peek(12)
	if err != nil {
		return ""
	}
	c.net.SetReadDeadline(time.Time{})
	mask := int64(binary.BigEndian.Uint64(b[4:]))
	s.ensemble.mu.Lock()
	defer s.ensemble.mu.Unlock()
	s.traceMask = mask
	return strconv.FormatInt(mask, 10)
}
