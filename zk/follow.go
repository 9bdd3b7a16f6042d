package zk

import (
	"context"
	"errors"
	"iter"
	"slices"
	"time"
)

// A Node is what [Conn.Follow] has found.
type Node struct {
	Path   string
	Exists bool // all below but Event is zero if not
	Data   []byte
	Stat   Stat
	Event  Event // what made it look; zero the first time
}

// Children are what [Conn.FollowChildren] has found.
type Children struct {
	Path   string
	Exists bool     // the node; all below but Event is zero if not
	Names  []string // sorted
	Stat   Stat     // of the node
	Event  Event    // what made it look; zero the first time
}

// A FollowOption changes one setting of [Conn.Follow] and its like.
type FollowOption func(*followConfig)

type followConfig struct {
	settle time.Duration
}

// Settle yields a state, the first too, only when it has been the same for so
// long, and a read at the end of that time says so as well. What changes all
// the time is never yielded. By default every state is yielded at once.
func Settle(d time.Duration) FollowOption { return func(c *followConfig) { c.settle = d } }

// Follow yields a node as it is now, and again whenever it has been created or
// deleted or its data has been set. A node that is not there is yielded as such,
// and waited for.
//
// A loop that is slow misses states in between, never the last: what is yielded
// is read when the loop asks for it, and nothing queues up. Nothing is yielded
// twice in a row, whatever happens to the connection.
//
// It goes on over lost connections and, unless the view is [Conn.InSession],
// over lost sessions. It ends when ctx does. An error that does not pass by
// itself is yielded last: [ErrNoAuth], [ErrBadArguments], [ErrClosed] and the
// like. The server forgets the watch when the loop ends.
func (c *Conn) Follow(ctx context.Context, path string, opts ...FollowOption) iter.Seq2[Node, error] {
	look := func(ctx context.Context, cause Event) (Node, *Watch, error) {
		data, stat, w, err := c.GetW(ctx, path)
		if errors.Is(err, ErrNoNode) {
			w, err = c.absentW(ctx, path)
			return Node{Path: path, Event: cause}, w, err
		}
		return Node{Path: path, Exists: true, Data: data, Stat: stat, Event: cause}, w, err
	}
	same := func(a, b Node) bool {
		return a.Exists == b.Exists && a.Stat.Czxid == b.Stat.Czxid && a.Stat.Ctime == b.Stat.Ctime &&
			a.Stat.Mzxid == b.Stat.Mzxid && a.Stat.Mtime == b.Stat.Mtime && a.Stat.Version == b.Stat.Version
	}
	return follow(ctx, follower[Node]{c: c, look: look, same: same}, opts)
}

// FollowChildren is [Conn.Follow] for the names of a node's children: it yields
// them as they are now, and again whenever a child has been created or deleted,
// or the node itself. A node that is not there has no children, and is waited
// for.
func (c *Conn) FollowChildren(ctx context.Context, path string, opts ...FollowOption) iter.Seq2[Children, error] {
	look := func(ctx context.Context, cause Event) (Children, *Watch, error) {
		names, stat, w, err := c.ChildrenW(ctx, path)
		if errors.Is(err, ErrNoNode) {
			w, err = c.absentW(ctx, path)
			return Children{Path: path, Event: cause}, w, err
		}
		slices.Sort(names)
		return Children{Path: path, Exists: true, Names: names, Stat: stat, Event: cause}, w, err
	}
	same := func(a, b Children) bool {
		return a.Exists == b.Exists && a.Stat.Czxid == b.Stat.Czxid && a.Stat.Ctime == b.Stat.Ctime &&
			a.Stat.Pzxid == b.Stat.Pzxid && a.Stat.Cversion == b.Stat.Cversion
	}
	return follow(ctx, follower[Children]{c: c, look: look, same: same}, opts)
}

// WaitNode returns the first state of a node, as [Conn.Follow] yields them, that
// is as wanted. It fails when ctx ends, and as Follow does.
func (c *Conn) WaitNode(ctx context.Context, path string, want func(Node) bool) (Node, error) {
	for n, err := range c.Follow(ctx, path) {
		if err != nil || want(n) {
			return n, err
		}
	}
	return Node{}, &Error{Op: "wait for node", Path: path, Err: contextError(ctx), fate: unsent}
}

// errAppeared is that of absentW if there is a node after all.
var errAppeared = errors.New("the node is there by now")

// absentW arms a watch on a node that is not there.
func (c *Conn) absentW(ctx context.Context, path string) (*Watch, error) {
	_, there, w, err := c.ExistsW(ctx, path)
	if there {
		w.Close()
		return nil, errAppeared
	}
	return w, err
}

// A follower looks whenever the watch of the look before has fired, and finds
// what is not the same as before.
type follower[T any] struct {
	c      *Conn
	look   func(ctx context.Context, cause Event) (T, *Watch, error)
	same   func(a, b T) bool
	settle time.Duration

	w     *Watch // of the latest look; nil before it
	cause Event  // what w has told
}

func follow[T any](ctx context.Context, f follower[T], opts []FollowOption) iter.Seq2[T, error] {
	var cfg followConfig
	for _, opt := range opts {
		opt(&cfg)
	}
	f.settle = cfg.settle
	return func(yield func(T, error) bool) {
		f := f // a loop may run beside another
		defer func() {
			if f.w != nil {
				f.w.Close()
			}
		}()
		var shown *T
		for {
			now, err := f.next(ctx, shown)
			if ctx.Err() != nil || !yield(now, err) || err != nil || !f.await(ctx, 0) {
				return
			}
			shown = &now
		}
	}
}

// next is the first state that is not as shown, and has settled.
func (f *follower[T]) next(ctx context.Context, shown *T) (now T, err error) {
	var before *T // of the time that it takes to settle
	for ctx.Err() == nil {
		if now, err = f.read(ctx); err != nil {
			return now, err
		}
		switch {
		case shown != nil && f.same(*shown, now):
			f.await(ctx, 0)
			before = nil
		case f.settle <= 0, before != nil && f.same(*before, now):
			return now, nil
		case f.await(ctx, f.settle):
			before = nil
		default:
			before = &now
			f.w.Close()
		}
	}
	return now, ctx.Err()
}

// await waits for the watch to fire, for some time if d is not 0, and tells
// whether it has.
func (f *follower[T]) await(ctx context.Context, d time.Duration) bool {
	var late <-chan time.Time
	if d > 0 {
		t := time.NewTimer(d)
		defer t.Stop()
		late = t.C
	}
	select {
	case f.cause = <-f.w.C:
		return true
	case <-late:
	case <-ctx.Done():
	}
	return false
}

// read looks until it succeeds, or fails for good.
func (f *follower[T]) read(ctx context.Context) (now T, err error) {
	err = f.c.insist(ctx, func() error {
		found, w, err := f.look(ctx, f.cause)
		if err == nil {
			now, f.w = found, w
		}
		return err
	})
	return now, err
}

// insist calls f until it succeeds, or fails with what does not pass by
// itself, or ctx ends.
func (c *Conn) insist(ctx context.Context, f func() error) error {
	pauses := Backoff{Jitter: 0.5}
	var try Try
	for {
		err := f()
		switch {
		case err == nil || ctx.Err() != nil:
			return err
		case errors.Is(err, errAppeared), errors.Is(err, ErrConnectionLoss) && !final(err), c.nextSession(err):
			continue // the next call waits for what is missing
		case !Transient(err) && !errors.Is(err, ErrRequestTimeout) && !errors.Is(err, ErrThrottledOp):
			return err
		}
		if try.N++; try.Rand == nil {
			try.Rand = c.newRand()
		}
		pause, _ := pauses.Retry(try)
		t := time.NewTimer(pause)
		select {
		case <-t.C:
		case <-ctx.Done():
		case <-c.ctx.Done(): // the next call says why
		}
		t.Stop()
	}
}

// nextSession tells whether what failed with err can go on in the next session.
func (c *Conn) nextSession(err error) bool {
	return errors.Is(err, ErrSessionExpired) && c.bound == nil && c.end() == nil
}
