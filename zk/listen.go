package zk

import (
	"context"
	"iter"
	"slices"
	"time"
)

// OnState calls f with the state at the time of the call and then with every
// transition, in order, none left out however slow f is, until f is false. The
// last is a terminal state. The calls come one after the other from a goroutine
// of their own, and so hold up nothing else.
//
// Close waits for f to take the last state, but no more than a second: so f may
// call Close itself, and finds it a second slower, or do so on another
// goroutine.
func (c *Conn) OnState(f func(State) bool) {
	first := c.state.Load()
	c.listen(func() {
		for s := range first.follow(context.Background()) {
			if !f(s) {
				break
			}
		}
	})
}

// listen runs f, which calls back, on a goroutine that Close waits for, but not
// for ever. The channel is closed when f has returned.
func (c *client) listen(f func()) <-chan struct{} {
	done := make(chan struct{})
	c.mu.Lock()
	c.ears = append(c.ears, done)
	c.mu.Unlock()
	go func() {
		defer close(done)
		f()
		c.mu.Lock()
		defer c.mu.Unlock()
		c.ears = slices.DeleteFunc(c.ears, func(other chan struct{}) bool { return other == done })
	}()
	return done
}

// awaitEars waits for what listen has begun.
func (c *client) awaitEars() {
	c.mu.Lock()
	ears := slices.Clone(c.ears)
	c.mu.Unlock()
	if len(ears) == 0 {
		return
	}
	t := time.NewTimer(farewell)
	defer t.Stop()
	for _, done := range ears {
		select {
		case <-done:
		case <-t.C:
			return
		}
	}
}

// SteadyStates is [Conn.States] for who does not want to follow a connection
// that comes and goes: after Suspended or Lost, it yields Connected or ReadOnly
// only when that has lasted for a time, and what it has yielded not twice in a
// row. Lost comes at once, and so do the terminal states.
func (c *Conn) SteadyStates(ctx context.Context, quiet time.Duration) iter.Seq[State] {
	first := c.state.Load()
	return func(yield func(State) bool) {
		shown := Connecting
		if first.state == Connecting && !yield(Connecting) {
			return
		}
		for n := first; ctx.Err() == nil; n = n.next {
			down := shown == Suspended || shown == Lost
			switch {
			case n.state == shown, n.state == Suspended && down:
			case down && (n.state == Connected || n.state == ReadOnly) && (!n.lasts(ctx, quiet) || ctx.Err() != nil):
			default:
				if !yield(n.state) {
					return
				}
				shown = n.state
			}
			if n.state.Terminal() || n.lasts(ctx, -1) {
				return
			}
		}
	}
}

// A tenure is a context that ends when a connection does.
type tenure struct {
	ctx context.Context
	end context.CancelCauseFunc
}

// begin makes the tenure of a new connection.
func (c *client) begin() *tenure {
	t := new(tenure)
	t.ctx, t.end = context.WithCancelCause(context.Background())
	c.attended.Store(t)
	return t
}

// ConnectedContext ends when the connection at hand is lost, or else the Conn
// ends, and has ended if there is none. So it bounds what must not go on while
// it is unknown whether the session is alive, as Curator's standard error
// policy has it, where [Session.Context] bounds what may. Its cause is
// [ErrConnectionLoss] joined with a reason, or what has ended the Conn.
func (c *Conn) ConnectedContext() context.Context { return c.attended.Load().ctx }
