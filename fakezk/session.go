package fakezk

import (
	"encoding/binary"

	"github.com/zookit/zookit/internal/proto"
)

// A session is what the ensemble knows of one beside what is replicated.
type session struct {
	id      int64
	timeout int64  // milliseconds, as granted
	conn    *conn  // nil while no connection holds it
	client  string // address of its latest connection
	endsAt  int64  // deadline in the expiry queue
}

// passwordOf derives a session's password from its id, as servers do, so that
// any of them can check it without being told (spec/sessions, A.2).
func passwordOf(id int64) []byte {
	const mask = 1<<48 - 1
	seed := (uint64(id^0xB3415C00) ^ 0x5DEECE66D) & mask
	password := make([]byte, 0, proto.PasswordLen)
	for range proto.PasswordLen / 4 {
		seed = (seed*0x5DEECE66D + 0xB) & mask
		password = binary.LittleEndian.AppendUint32(password, uint32(seed>>16))
	}
	return password
}

// firstSessionID is where a server's session ids begin: its id, and the clock,
// so that ids do not come back after a restart.
func firstSessionID(serverID, milliseconds int64) int64 {
	return int64(uint64(milliseconds)<<24>>8) | serverID<<56
}

// newSession begins a session in a transaction of its own.
func (e *Ensemble) newSession(requested int32) *session {
	e.state.zxid++
	s := &session{id: e.nextSession, timeout: e.cfg.grant(requested)}
	e.nextSession++
	if e.nextSession == ownerContainer {
		e.nextSession++
	}
	e.sessions[s.id] = s
	e.recordSession(s)
	return s
}

func (e *Ensemble) recordSession(s *session) {
	e.state.sessions.ReplaceOrInsert(sessionRecord{id: s.id, timeout: int32(s.timeout), client: s.client})
	e.touch(s, e.now(), s.timeout)
}

// touch begins a timeout of the session anew, in milliseconds.
func (e *Ensemble) touch(s *session, now, timeout int64) {
	e.expiry.touch(s, &s.endsAt, now, timeout)
	e.wakeFor(s.endsAt)
}

// endSession ends a session: its ephemerals go, and its connection, which is
// told nothing.
func (e *Ensemble) endSession(s *session, fx *effects) (zxid int64) {
	e.expiry.remove(s, &s.endsAt)
	delete(e.sessions, s.id)
	zxid = e.state.zxid + 1
	e.state.closeSession(s.id, zxid)
	e.fire(fx)
	return zxid
}

// grant is the timeout in milliseconds that a client gets for what it asks.
func (c *config) grant(requested int32) int64 {
	return min(max(int64(requested), c.minTimeout.Milliseconds()), c.maxTimeout.Milliseconds())
}
