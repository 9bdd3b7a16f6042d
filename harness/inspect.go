package harness

import (
	"context"
	"iter"

	"github.com/zookit/zookit/fakezk"
)

// What an ensemble has stored is told in the types of the fake. A real one
// cannot tell all of it: see Ensemble.Sessions and Ensemble.Watches.
type (
	Znode   = fakezk.Znode
	Session = fakezk.Session
	Watch   = fakezk.Watch
)

// An inspector looks into an ensemble past all clients, and works on it.
type inspector interface {
	Znode(path string) (z Znode, ok bool, err error)
	Children(path string) (names []string, ok bool, err error)
	Tree() iter.Seq2[string, Znode]
	Sessions() []Session
	Watches() []Watch
	Dump() string
	// Await returns once cond is true, which it asks when there may be news.
	Await(ctx context.Context, cond func() bool) error
	Put(path string, data []byte) error
	Expire(session int64) error
	Disconnect(session int64) error
}

// A fakeInspector looks into the fake, which has an answer to everything.
type fakeInspector struct{ *fakezk.Ensemble }

func (f fakeInspector) Znode(path string) (Znode, bool, error) {
	z, ok := f.Ensemble.Znode(path)
	return z, ok, nil
}

func (f fakeInspector) Children(path string) ([]string, bool, error) {
	names, ok := f.Ensemble.Children(path)
	return names, ok, nil
}
