package zk

import (
	"context"
	"fmt"
	"time"
)

// RequestTimeout bounds every request whose context has no deadline, and those
// of [Async]: from when it is made until it is answered, the wait for a
// connection included. It then fails with an error that wraps
// [ErrRequestTimeout] and [context.DeadlineExceeded], and the request is given
// up as by the end of a context. A call that makes several requests has as much
// for each. By default there is no bound. It costs a timer in each call whose
// context has no deadline, some 100 ns.
func RequestTimeout(d time.Duration) Option { return func(c *config) { c.limit = d } }

// A timeoutError ends a request by RequestTimeout.
type timeoutError struct{ limit time.Duration }

func (e *timeoutError) Error() string   { return fmt.Sprintf("request timeout of %v", e.limit) }
func (e *timeoutError) Unwrap() []error { return []error{ErrRequestTimeout, context.DeadlineExceeded} }

func (cfg *config) timedOut() error { return &timeoutError{cfg.limit} }

// limit fills the channel when r has taken too long, and is nil where no limit
// is.
func (c *client) limit(ctx context.Context, r *request) <-chan time.Time {
	if c.cfg.limit == 0 {
		return nil
	}
	if _, ok := ctx.Deadline(); ok {
		return nil
	}
	if r.timer == nil {
		r.timer = time.NewTimer(c.cfg.limit)
	} else {
		r.timer.Reset(c.cfg.limit)
	}
	return r.timer.C
}

// limited is ctx with the limit of requests, for a call that is none.
func (c *client) limited(ctx context.Context) (context.Context, context.CancelFunc) {
	if _, ok := ctx.Deadline(); ok || c.cfg.limit == 0 {
		return ctx, func() {}
	}
	return context.WithTimeoutCause(ctx, c.cfg.limit, c.cfg.timedOut())
}

// sweepLater sees to it that the request of a future, which has been submitted,
// ends in time. All have the same limit, so that they are due in the order of
// the calls, and one goroutine does as long as there are any. The caller holds
// c.mu.
func (c *client) sweepLater(r *request) {
	if c.cfg.limit == 0 {
		return
	}
	r.due = c.now() + c.cfg.limit
	if !c.sweeps {
		c.sweeps = true
		c.tasks.Go(c.sweep)
	}
}

func (c *client) sweep() {
	t := time.NewTimer(c.cfg.limit)
	defer t.Stop()
	for {
		select {
		case <-t.C:
		case <-c.ctx.Done():
			return // Close ends them
		}
		late, next := c.overdue()
		for _, p := range late {
			p.expire()
		}
		if next == 0 {
			return
		}
		t.Reset(next - c.now())
	}
}

// overdue are the requests of futures that are due. It tells when the next is
// to be; without one the sweep ends.
func (c *client) overdue() (late []promise, next time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.now()
	look := func(r *request) (more bool) {
		switch {
		case r.promise == nil:
		case r.due <= now:
			late = append(late, r.promise)
		default:
			next = r.due
			return false
		}
		return true
	}
	if l := c.link; l != nil {
		for i := range l.ring.n {
			if !look(l.ring.at(i)) {
				return late, next
			}
		}
	}
	for r := c.waiting.first; r != nil; r = r.after {
		if !look(r) {
			return late, next
		}
	}
	c.sweeps = false
	return late, 0
}
