package proto

import "encoding/binary"

// SessionPassword derives a session's password from its id, as all servers do,
// so that each can check it without being told (spec/sessions, A.2).
func SessionPassword(id int64) []byte {
	const mask = 1<<48 - 1
	seed := (uint64(id^0xB3415C00) ^ 0x5DEECE66D) & mask
	password := make([]byte, 0, PasswordLen)
	for range PasswordLen / 4 {
		seed = (seed*0x5DEECE66D + 0xB) & mask
		password = binary.LittleEndian.AppendUint32(password, uint32(seed>>16))
	}
	return password
}
