package fakezk

// A session is what the ensemble knows of one beside what is replicated.
type session struct {
	id      int64
	timeout int64  // milliseconds, as granted
	conn    *conn  // nil while no connection holds it
	client  string // address of its latest connection
	endsAt  int64  // deadline in the expiry queue
	owned   bool   // it has had ephemerals, of which dump tells even when they are gone
}

// firstSessionID is where a server's session ids begin: its id, and the clock,
// so that ids do not come back after a restart.
func firstSessionID(serverID, milliseconds int64) int64 {
	return int64(uint64(milliseconds)<<24>>8) | serverID<<56
}

// newSession begins a session in a transaction of its own.
func (e *Ensemble) newSession(requested int32) *session {
	e.state.next()
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
	zxid = e.state.closeSession(s.id)
	e.fire(fx)
	return zxid
}

// grant is the timeout in milliseconds that a client gets for what it asks.
func (c *config) grant(requested int32) int64 {
	return min(max(int64(requested), c.minTimeout.Milliseconds()), c.maxTimeout.Milliseconds())
}
