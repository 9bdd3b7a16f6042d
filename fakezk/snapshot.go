package fakezk

import (
	"iter"
)

// A Snapshot is the content of an ensemble at one moment: its znodes and
// sessions. It costs nothing to take, and does not change.
type Snapshot struct{ state *state }

// Snapshot takes one.
func (e *Ensemble) Snapshot() *Snapshot {
	e.mu.Lock()
	defer e.mu.Unlock()
	return &Snapshot{e.state.clone()}
}

// Tree is every znode by path, parents before children.
func (s *Snapshot) Tree() iter.Seq2[string, Znode] {
	return func(yield func(string, Znode) bool) {
		s.state.tree.nodes.Ascend(func(n *znode) bool { return yield(wirePath(n.path), n.export()) })
	}
}

// Restore puts back what the snapshot has, as if the server had been stopped,
// its data directory put back, and started: all connections end, sessions that
// the snapshot does not know are expired, and those that it knows begin their
// timeouts anew. Only zxids go on, so that no client is ahead of the server.
func (e *Ensemble) Restore(s *Snapshot) {
	var fx effects
	e.mu.Lock()
	zxid := e.state.next()
	e.state = s.state.clone()
	e.state.zxid, e.state.lost = zxid, 0
	for _, server := range e.servers {
		for c := range server.conns {
			e.cut(c, &fx)
		}
	}
	for _, old := range e.sessions {
		e.expiry.remove(old, &old.endsAt)
	}
	clear(e.sessions)
	e.reaper.queue = nil
	e.state.sessions.Ascend(func(r sessionRecord) bool {
		s := &session{id: r.id, timeout: int64(r.timeout), client: r.client}
		e.state.eachEphemeral(s.id, func(string) { s.owned = true })
		e.sessions[s.id] = s
		e.touch(s, e.now(), s.timeout)
		return true
	})
	e.fire(&fx)
	e.mu.Unlock()
	fx.run()
}

// Sessions is how many sessions the snapshot has.
func (s *Snapshot) Sessions() int { return s.state.sessions.Len() }
