package zk

import (
	"context"
	"errors"
	"time"
)

// Hooks are functions that a Conn calls when something happens, for metrics
// and traces; [Observe] gives them to it. Each may be nil. Packages zk/zkprom
// and zk/zkotel have such for Prometheus and OpenTelemetry.
//
// Hooks are called with no lock held, and one kind of them in the order of what
// happens; calls that are made at the same time are told of at the same time.
// CallBegin and CallEnd run on the goroutine of the caller, but for CallEnd of
// an [Async] call. That one and all other hooks run on the goroutines that
// read and keep the connection: they must return soon, and must neither make
// calls nor wait for anything of the Conn.
type Hooks struct {
	// CallBegin is told of a call before it is sent, or waits for a connection.
	// It returns the context for the call and for CallEnd, which is ctx or made
	// of it: there is room in it for a span. That of an Async call is
	// context.Background. A call that is refused for its arguments alone, such
	// as a path that is none, is not told of, nor is what the Conn asks by
	// itself, such as that a server forgets a watch.
	CallBegin func(ctx context.Context, call Call) context.Context
	// CallEnd is told how each call of CallBegin has ended.
	CallEnd func(ctx context.Context, call Call, result CallResult)

	// Attempt is told how each attempt at connecting to a server has ended.
	Attempt func(Attempt)
	// Disconnect is told of each connection that Attempt was told of, when it
	// has ended.
	Disconnect func(Disconnect)
	// StateChange is told of every transition; see [Conn.States].
	StateChange func(StateChange)
	// SessionBegin is told of each new session.
	SessionBegin func(*Session)
	// SessionEnd is told of each session that is lost or closed. The cause is
	// that of [Session.Context].
	SessionEnd func(s *Session, cause error)
	// Event is told of each event that a server has sent, whether one watch of
	// this Conn waits for it or many. The path is that at the server, with the
	// chroot.
	Event func(Event)
	// Auth is told of the answer to each credential, on every connection; nil
	// for one that is accepted.
	Auth func(scheme string, err error)
	// Pong is told of the round trip of each ping.
	Pong func(server string, roundTrip time.Duration)
}

// A Call is one request to a server. A call that [Conn.Retry] tries again is
// another each time.
type Call struct {
	Op    string // as in [Error], such as "get"
	Path  string // as the caller gave it, "" for calls without
	Async bool
	Try   int // which try of Conn.Retry it is, from 1
}

// A CallResult is how a call has ended.
type CallResult struct {
	Err      error         // of type *Error, nil for success
	Duration time.Duration // with the time it waited for a connection
	Server   string        // that it was sent to, as [Conn.Server] has it, "" if to none
	Sent     int           // bytes of the request, 0 if it was not sent
	Received int           // bytes of the reply, 0 if there was none
	Zxid     int64         // of the reply, 0 if there was none
}

// An Outcome is what became of a call, as a word that can be a label.
type Outcome string

// The outcomes.
const (
	OutcomeOK       Outcome = "ok"
	OutcomeRefused  Outcome = "refused"  // the server has answered with an error
	OutcomeCanceled Outcome = "canceled" // the context ended, or its deadline passed
	OutcomeLost     Outcome = "lost"     // it was sent, and the answer is lost: see [MayHaveApplied]
	OutcomeNotSent  Outcome = "not_sent" // such as when the session ended while it waited
)

// Outcome is what became of the call.
func (r CallResult) Outcome() Outcome {
	switch {
	case r.Err == nil:
		return OutcomeOK
	case errors.Is(r.Err, context.Canceled), errors.Is(r.Err, context.DeadlineExceeded):
		return OutcomeCanceled
	case NotSent(r.Err):
		return OutcomeNotSent
	case MayHaveApplied(r.Err):
		return OutcomeLost
	}
	return OutcomeRefused
}

// An Attempt is one at connecting to a server.
type Attempt struct {
	Server   string        // as [Conn.Server] has it
	Addr     string        // what was dialed
	Duration time.Duration // with all handshakes
	Err      error         // nil if there is a connection
}

// A Disconnect is the end of a connection.
type Disconnect struct {
	Server   string
	Addr     string
	Duration time.Duration // how long it was there
	Cause    error         // [ErrClosed] if it was Close
}

// A StateChange is one transition.
type StateChange struct {
	From, To State
}

// Observe has the functions of h called. It may be given several times: all are
// called, in that order.
func Observe(h Hooks) Option { return func(c *config) { c.hooks = append(c.hooks, h) } }

// hooks are those of all Observe options, nil without any.
type hooks []Hooks

// An ongoing is a call that hooks are told of. What its request tells it is
// written under client.mu, before the request is over.
type ongoing struct {
	hooks  hooks
	ctx    context.Context
	call   Call
	began  time.Time
	result CallResult
}

// begin tells of a call. r is to be sent after it.
func (h hooks) begin(ctx context.Context, r *request, call Call) *ongoing {
	call.Try = tryOf(ctx)
	for _, one := range h {
		if one.CallBegin != nil {
			ctx = one.CallBegin(ctx, call)
		}
	}
	r.seen = &ongoing{hooks: h, ctx: ctx, call: call, began: time.Now()}
	return r.seen
}

// sent notes that the request went out. It does nothing for nil.
func (o *ongoing) sent(server string, bytes int) {
	if o != nil {
		o.result.Server, o.result.Sent = server, bytes
	}
}

// answered notes the reply. It does nothing for nil.
func (o *ongoing) answered(zxid int64, bytes int) {
	if o != nil {
		o.result.Zxid, o.result.Received = zxid, bytes
	}
}

// end tells how the call has ended. It does nothing for nil.
func (o *ongoing) end(err error) {
	if o == nil {
		return
	}
	o.result.Err, o.result.Duration = err, time.Since(o.began)
	for _, one := range o.hooks {
		if one.CallEnd != nil {
			one.CallEnd(o.ctx, o.call, o.result)
		}
	}
}

// A tryKey is that of the number of a try in a context.
type tryKey struct{}

// withTry is ctx for the n-th try of something.
func withTry(ctx context.Context, n int) context.Context {
	if n <= 1 {
		return ctx
	}
	return context.WithValue(ctx, tryKey{}, n)
}

func tryOf(ctx context.Context) int {
	if n, ok := ctx.Value(tryKey{}).(int); ok {
		return n
	}
	return 1
}

// try is attempt, of which hooks are told.
func (c *client) try(e endpoint) (*link, greeting, error) {
	began := c.now()
	l, g, err := c.attempt(e)
	c.cfg.hooks.attempt(e, c.now()-began, err)
	return l, g, err
}

func (h hooks) attempt(e endpoint, took time.Duration, err error) {
	for _, one := range h {
		if one.Attempt != nil {
			one.Attempt(Attempt{Server: e.name, Addr: e.addr, Duration: took, Err: err})
		}
	}
}

func (h hooks) disconnect(e endpoint, lived time.Duration, cause error) {
	for _, one := range h {
		if one.Disconnect != nil {
			one.Disconnect(Disconnect{Server: e.name, Addr: e.addr, Duration: lived, Cause: cause})
		}
	}
}

func (h hooks) sessionBegin(s *Session) {
	for _, one := range h {
		if one.SessionBegin != nil {
			one.SessionBegin(s)
		}
	}
}

func (h hooks) sessionEnd(s *Session, cause error) {
	for _, one := range h {
		if one.SessionEnd != nil {
			one.SessionEnd(s, cause)
		}
	}
}

func (h hooks) auth(scheme string, err error) {
	for _, one := range h {
		if one.Auth != nil {
			one.Auth(scheme, err)
		}
	}
}

func (h hooks) event(e Event) {
	for _, one := range h {
		if one.Event != nil {
			one.Event(e)
		}
	}
}

func (h hooks) pong(server string, roundTrip time.Duration) {
	for _, one := range h {
		if one.Pong != nil {
			one.Pong(server, roundTrip)
		}
	}
}

// tellStates tells of the transitions since the latest that was told. The
// life-cycle goroutine calls it, which makes them all.
func (c *client) tellStates() {
	if c.cfg.hooks == nil {
		return
	}
	for n := c.told; n != c.state.Load(); n = c.told {
		c.told = n.next
		for _, one := range c.cfg.hooks {
			if one.StateChange != nil {
				one.StateChange(StateChange{From: n.state, To: c.told.state})
			}
		}
	}
}
