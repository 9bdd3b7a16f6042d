package zk

import (
	"context"
	"iter"
	"slices"
	"strconv"
)

// A State is where a Conn is in its life.
type State int

// The states. A new Conn is Connecting, then Connected or ReadOnly.
// From there a lost connection leads to Suspended and a lost session to Lost;
// both lead back by themselves. AuthFailed and Closed are the end.
const (
	Connecting State = iota // no session yet
	Connected               // to a server that serves reads and writes
	ReadOnly                // connected to a server that serves reads only; see [CanBeReadOnly]
	Suspended               // the connection is lost, and the session may be alive or not
	Lost                    // the session is lost, and with it ephemeral nodes and watches
	AuthFailed              // a server refused a credential
	Closed                  // Close was called
)

var stateNames = [...]string{"Connecting", "Connected", "ReadOnly", "Suspended", "Lost", "AuthFailed", "Closed"}

func (s State) String() string {
	if s < 0 || int(s) >= len(stateNames) {
		return "State(" + strconv.Itoa(int(s)) + ")"
	}
	return stateNames[s]
}

// Terminal tells whether the state is the last: AuthFailed or Closed.
func (s State) Terminal() bool { return s == AuthFailed || s == Closed }

// A stateNode is one transition. The list of them grows at its end only, so
// that everybody reads it at their own pace and nobody waits for a reader.
type stateNode struct {
	state State
	next  *stateNode    // to be read after ready is closed
	ready chan struct{} // closed when there is a next
}

func newStateNode(s State) *stateNode { return &stateNode{state: s, ready: make(chan struct{})} }

// setState adds a transition, unless s is the state already. The caller holds
// c.mu.
func (c *client) setState(s State) {
	last := c.state.Load()
	if last.state == s || last.state.Terminal() {
		return
	}
	last.next = newStateNode(s)
	c.state.Store(last.next)
	close(last.ready)
}

// State is the state now.
func (c *Conn) State() State { return c.state.Load().state }

// WaitState returns the first of the wanted states that the Conn is in, or
// comes to, or passes through after the call. It fails when ctx ends, and with
// [ErrClosed] or [ErrAuthFailed] when none of them can come any more; then it
// returns the state it saw last.
func (c *Conn) WaitState(ctx context.Context, want ...State) (State, error) {
	s, err := c.waitState(ctx, want...)
	if err != nil {
		err = &Error{Op: "wait for state", Err: err}
	}
	return s, err
}

func (c *client) waitState(ctx context.Context, want ...State) (State, error) {
	for n := c.state.Load(); ; n = n.next {
		if slices.Contains(want, n.state) {
			return n.state, nil
		}
		if n.state.Terminal() {
			return n.state, c.end()
		}
		select {
		case <-n.ready:
		case <-ctx.Done():
			return n.state, contextError(ctx)
		}
	}
}

// States is the state at the time of the call and every transition after it,
// in order, none left out however slow the loop. It ends behind AuthFailed or
// Closed, and when ctx ends.
func (c *Conn) States(ctx context.Context) iter.Seq[State] {
	first := c.state.Load()
	return func(yield func(State) bool) {
		for n := first; ctx.Err() == nil && yield(n.state) && !n.state.Terminal(); n = n.next {
			select {
			case <-n.ready:
			case <-ctx.Done():
				return
			}
		}
	}
}
