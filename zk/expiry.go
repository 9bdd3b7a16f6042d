package zk

import "time"

// LostAfter is how long the client waits for word from a server before it
// counts its session as lost: the factor times the session's timeout as
// granted, since the last byte from the server that had the session. The
// factor is between 0.5 and 10, or 0, with which only a server can say so. The
// default is 1, as Curator's: the servers, which count from when they heard the
// client, come to the same end within a round trip and one of their ticks.
//
// With more than 1 the servers may have given the session's ephemeral nodes to
// others while this client still waits: that suits who would rather keep a
// session than know early. With less, who depends on a session stops before it
// is over. With 0, a client of servers whose data was wiped waits for ever, as
// none of them has a word for one that has seen more than they.
func LostAfter(factor float64) Option { return func(c *config) { c.lostAfter = factor } }

// OneSession ends the Conn when its session is lost: the states are [Lost] and
// [Closed], and all calls fail with [ErrSessionExpired]. By default the Conn
// begins another session.
func OneSession() Option { return func(c *config) { c.oneSession = true } }

// Deadline is when the session will be given up, if no server is heard until
// then: see [LostAfter]. Each reply, event or answer to a ping moves it on. It
// is on the monotonic clock. It is false where there is no such time.
func (s *Session) Deadline() (time.Time, bool) {
	heard := s.heard.Load()
	factor := s.client.cfg.lostAfter
	if heard == nil || factor == 0 {
		return time.Time{}, false
	}
	life := time.Duration(factor * float64(s.Timeout()))
	return s.client.epoch.Add(time.Duration(heard.Load()) + life), true
}
