package zk

import (
	"context"
	"iter"
	"slices"
	"strconv"
	"time"
)

// A State is where a Conn is in its life.
type State int

// The states. A new Conn is Connecting, then Connected or ReadOnly.
// From there a lost connection leads to Suspended and a lost session to Lost;
// both lead back by themselves. AuthFailed and Closed are the end. See
// [OneSession] and [ConnectRetry] for ends that need no Close.
const (
	Connecting State = iota // no session yet
	Connected               // to a server that serves reads and writes
	ReadOnly                // connected to a server that serves reads only; see [CanBeReadOnly]
	Suspended               // the connection is lost, and the session may be alive or not
	Lost                    // the session is lost, and with it ephemeral nodes and watches
	AuthFailed              // a server refused a credential
	Closed                  // Close was called, or the Conn has ended otherwise; see [Conn.Err]
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

// Err is why no call is accepted any more: [ErrClosed], [ErrAuthFailed],
// [ErrGaveUp], or [ErrSessionExpired] of a Conn that ends with its session. It
// is nil before.
func (c *Conn) Err() error { return c.end() }

// WaitState returns the first of the wanted states that the Conn is in, or
// comes to, or passes through after the call. It fails when ctx ends, and as
// [Conn.Err] when none of them can come any more; then it returns the state it
// saw last.
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
// Closed, and when ctx ends. See also [Conn.OnState] and [Conn.SteadyStates].
func (c *Conn) States(ctx context.Context) iter.Seq[State] { return c.state.Load().follow(ctx) }

// follow yields the state of n and of all nodes behind it.
func (n *stateNode) follow(ctx context.Context) iter.Seq[State] {
	return func(yield func(State) bool) {
		for n := n; ctx.Err() == nil && yield(n.state) && !n.state.Terminal(); n = n.next {
			if n.lasts(ctx, -1) {
				return
			}
		}
	}
}

// lasts waits, at most for d if that is not negative, and tells whether there
// is still no next node, or ctx has ended.
func (n *stateNode) lasts(ctx context.Context, d time.Duration) bool {
	var over <-chan time.Time
	if d >= 0 {
		t := time.NewTimer(d)
		defer t.Stop()
		over = t.C
	}
	select {
	case <-n.ready:
		return false
	default:
	}
	select {
	case <-n.ready:
		return false
	case <-over:
	case <-ctx.Done():
	}
	return true
}
