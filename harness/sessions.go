package harness

import (
	"cmp"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/zookit/zookit/chaos"
)

// sessions are those that the fronts of a real ensemble have seen, and that
// are not known to have ended.
type sessions struct {
	mu   sync.Mutex // guards all below
	byID map[int64]*seenSession
	taps map[*tap]struct{} // of connections that are open
}

// A seenSession is what the handshakes say of a session.
type seenSession struct {
	timeout time.Duration
	client  string // address of its latest connection
	conn    *chaos.ProxyConn
	lost    time.Time // when that one ended; zero while it has not
}

func newSessions() *sessions {
	return &sessions{byID: map[int64]*seenSession{}, taps: map[*tap]struct{}{}}
}

func (s *sessions) opened(t *tap) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.taps[t] = struct{}{}
}

func (s *sessions) closed(t *tap) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.taps, t)
	for _, seen := range s.byID {
		if seen.conn == t.conn {
			seen.lost = time.Now()
		}
	}
}

// began notes that a connection has a session, a new one or one resumed.
func (s *sessions) began(t *tap, id int64, timeout time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.byID[id] = &seenSession{timeout: timeout, client: t.client, conn: t.conn}
}

func (s *sessions) ended(id int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.byID, id)
}

// all are the sessions by id, but for those that are not alive. Where nobody
// says which are (alive is nil), one that has been without a connection for its
// timeout is not.
func (s *sessions) all(alive []int64) (all []Session) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for id, seen := range s.byID {
		connected := seen.lost.IsZero()
		gone := alive != nil && !slices.Contains(alive, id) ||
			alive == nil && !connected && time.Since(seen.lost) > seen.timeout
		if !gone {
			all = append(all, Session{ID: id, Timeout: seen.timeout, Client: seen.client, Connected: connected})
		}
	}
	slices.SortFunc(all, func(a, b Session) int { return cmp.Compare(a.ID, b.ID) })
	return all
}

// cut ends the connection that has a session.
func (s *sessions) cut(id int64) error {
	s.mu.Lock()
	seen := s.byID[id]
	s.mu.Unlock()
	if seen == nil {
		return fmt.Errorf("there is no session %#x that has come by the harness without TLS", uint64(id))
	}
	seen.conn.Reset()
	return nil
}

// watches are those of all open connections, by session, path and kind.
func (s *sessions) watches() (all []Watch) {
	s.mu.Lock()
	taps := make([]*tap, 0, len(s.taps))
	for t := range s.taps {
		taps = append(taps, t)
	}
	s.mu.Unlock()
	for _, t := range taps {
		t.mu.Lock()
		for key := range t.watches {
			all = append(all, Watch{Session: t.session, Client: t.client, Path: key.path, Kind: key.kind})
		}
		t.mu.Unlock()
	}
	slices.SortFunc(all, func(a, b Watch) int {
		return cmp.Or(cmp.Compare(a.Session, b.Session), cmp.Compare(a.Path, b.Path), cmp.Compare(a.Kind, b.Kind))
	})
	return all
}
