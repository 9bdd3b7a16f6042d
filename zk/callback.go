package zk

import (
	"context"
	"iter"
	"time"
)

// A Listener calls a function with what happens, on a goroutine of its own: it
// holds up nothing but itself, and the function may make calls and wait for
// them. A panic of the function is not recovered.
type Listener struct {
	cancel context.CancelFunc
	done   <-chan struct{}
	err    error // to be read after done is closed
}

// Done is closed when the function is not called any more.
func (l *Listener) Done() <-chan struct{} { return l.done }

// Err is the error that has ended the Listener: as that of the loop of the same
// kind, nil if Close or the function has, or if it goes on.
func (l *Listener) Err() error {
	select {
	case <-l.done:
		return l.err
	default:
		return nil
	}
}

// Close ends the Listener, and returns Err. If the function is being called it
// waits until it has returned, but no more than a second: so the function may
// close its own Listener, or the Conn, and finds it a second slower; better it
// returns false. Otherwise the function is not called any more when Close has
// returned.
func (l *Listener) Close() error {
	l.cancel()
	t := time.NewTimer(farewell)
	defer t.Stop()
	select {
	case <-l.done:
	case <-t.C:
	}
	return l.Err()
}

// OnData calls f with a node as it is now and whenever it has changed, as
// [Conn.Follow] yields it, until f is false.
func (c *Conn) OnData(path string, f func(Node) bool, opts ...FollowOption) *Listener {
	return callBack(c, f, func(ctx context.Context) iter.Seq2[Node, error] { return c.Follow(ctx, path, opts...) })
}

// OnChildren calls f with the names of a node's children as they are now and
// whenever they have changed, as [Conn.FollowChildren] yields them, until f is
// false.
func (c *Conn) OnChildren(path string, f func(Children) bool, opts ...FollowOption) *Listener {
	return callBack(c, f, func(ctx context.Context) iter.Seq2[Children, error] {
		return c.FollowChildren(ctx, path, opts...)
	})
}

// OnEvent calls f with every event of a persistent watch, as [Conn.Watch] yields
// them, until f is false. When the session is lost the watch is armed in the
// next, unless the view is [Conn.InSession], and EventResync says so.
func (c *Conn) OnEvent(path string, mode WatchMode, f func(Event) bool, opts ...WatchOption) *Listener {
	return callBack(c, f, func(ctx context.Context) iter.Seq2[Event, error] {
		return func(yield func(Event, error) bool) {
			for first := true; c.watchSession(ctx, path, mode, opts, first, yield); {
				first = false
			}
		}
	})
}

// watchSession yields the events of one session. It tells whether those of
// another are to follow.
func (c *Conn) watchSession(ctx context.Context, path string, mode WatchMode, opts []WatchOption, first bool, yield func(Event, error) bool) bool {
	var w *PersistentWatch
	err := c.insist(ctx, func() (err error) {
		w, err = c.AddWatch(ctx, path, mode, opts...)
		return err
	})
	if err != nil {
		if ctx.Err() == nil {
			yield(Event{}, err)
		}
		return false
	}
	defer w.Close()
	if !first && !yield(Event{Type: EventResync, Path: path, Zxid: -1}, nil) {
		return false
	}
	for e, err := range w.Events(ctx) {
		if err != nil && c.nextSession(err) {
			return true
		}
		if !yield(e, err) {
			return false
		}
	}
	return false
}

// callBack calls f for all of a loop.
func callBack[T any](c *Conn, f func(T) bool, loop func(ctx context.Context) iter.Seq2[T, error]) *Listener {
	ctx, cancel := context.WithCancel(context.Background())
	l := &Listener{cancel: cancel}
	l.done = c.listen(func() {
		defer cancel()
		for v, err := range loop(ctx) {
			if err != nil {
				l.err = err
			} else if ctx.Err() != nil || !f(v) {
				return
			}
		}
	})
	return l
}
