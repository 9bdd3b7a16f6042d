package zk

import (
	"context"
	"errors"
	"io"
	"slices"
	"time"

	"github.com/zookit/zookit/internal/wire"
)

// CanBeReadOnly lets a Conn that has no session begin one at a server that has
// lost its ensemble and serves reads only. The state is then [ReadOnly], and a
// write fails with [ErrNotReadOnly]. By default such a server is passed by. It
// must be started with readonlymode.enabled and, of 3.8 and later, have
// localSessionsEnabled.
//
// While the state is ReadOnly the Conn asks all servers, after 100 ms and then
// ever more rarely, at last every minute, whether they are read-write (the word
// isro, which servers that have a read-only mode allow). It moves to the first
// that is: the states are ReadOnly, Suspended, Connected. The session is another
// one then, since a read-only server's is not known elsewhere: the Context of
// the old one ends, but the state is not Lost, as nothing is. Calls and watches
// go over to the new one.
//
// A session that a read-write server has begun is never shown to a read-only
// one, which could not tell it from one that has expired: the Conn is Suspended
// until it finds another server or the session is lost.
func CanBeReadOnly() Option { return func(c *config) { c.readOnly = true } }

// resumes tells whether the next handshake is for the session at hand. One that
// a read-only server has given is not asked for again.
func (c *client) resumes() bool { return c.resume != nil && !c.resume.readOnly }

// errWritable is why a read-only connection is left.
var errWritable = errors.New("another server is not read-only")

const (
	leastSearch = 100 * time.Millisecond
	mostSearch  = time.Minute
)

// A search looks for a server that is not read-only, on a goroutine of its own.
type search struct {
	found  chan endpoint // one slot
	pause  time.Duration // the latest; to be read after stop
	cancel context.CancelFunc
	done   chan struct{}
}

// search begins one, or one that does nothing if l is not read-only.
func (c *client) search(l *link) *search {
	s := &search{cancel: func() {}, done: make(chan struct{})}
	if !c.resume.readOnly {
		close(s.done)
		return s
	}
	var ctx context.Context
	ctx, s.cancel = context.WithCancel(c.ctx)
	s.found = make(chan endpoint, 1)
	s.pause = c.searched
	list := slices.Clone(c.hosts.list)
	names := lookUp{cfg: &c.cfg, draw: c.newRand(), last: l.at.addr, budget: c.share()}
	go func() {
		defer close(s.done)
		for s.rest(ctx) {
			for _, entry := range list {
				all, _ := names.entry(ctx, entry)
				for _, e := range all {
					if c.writable(ctx, e, names.budget) {
						s.found <- e
						return
					}
				}
			}
		}
	}()
	return s
}

// stop ends the search and waits for it.
func (s *search) stop() {
	s.cancel()
	<-s.done
}

// rest pauses, twice as long each time. It is false when the search is to end.
func (s *search) rest(ctx context.Context) bool {
	s.pause = min(max(2*s.pause, leastSearch), mostSearch)
	t := time.NewTimer(s.pause)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// writable asks a server whether it serves writes. Others say "ro", or "null"
// when they serve nothing, or that they do not answer.
func (c *client) writable(ctx context.Context, e endpoint, budget time.Duration) bool {
	ctx, cancel := context.WithTimeout(ctx, budget)
	defer cancel()
	conn, err := c.dial(ctx, e)
	if err != nil {
		return false
	}
	in, err := wire.AskWord(ctx, conn, "isro", 100)
	if err != nil {
		return false
	}
	defer in.Close()
	answer, err := io.ReadAll(in)
	c.log.Debug("asked whether it is read-only", "server", e, "answer", string(answer), "err", err)
	return err == nil && string(answer) == "rw"
}
