package zk

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"
)

// CommandRetry is the policy of [Conn.Retry] and of the calls that try again by
// themselves, which say so. Get, Set and the other plain calls never do. The
// default is 10 tries more after the first, for errors that are [Transient],
// with a [Backoff] from 100 ms to 5 s of which half is drawn. How connections
// are made is another matter.
func CommandRetry(policy RetryPolicy) Option { return func(c *config) { c.commandRetry = policy } }

func defaultCommandRetry() RetryPolicy {
	return RetryLimit(10, Backoff{Base: 100 * time.Millisecond, Max: 5 * time.Second, Jitter: 0.5})
}

// RetryBy is a view of the Conn with another policy than that of
// [CommandRetry], or with that one again if policy is nil. It shares all else.
func (c *Conn) RetryBy(policy RetryPolicy) *Conn {
	view := *c
	view.retryBy = policy
	return &view
}

// policy is that of the view, or else that of the Conn.
func (c *Conn) policy() RetryPolicy {
	if c.retryBy != nil {
		return c.retryBy
	}
	return c.cfg.commandRetry
}

// Retry calls f until it succeeds, or fails for good by the Conn's policy, or
// ctx ends, or Close is called. f must be ready to find done what it has tried
// before; see [MayHaveApplied].
//
// A pause ends when ctx does, and is not begun if ctx would end before it. If
// the policy gives up after the first try, its error is returned as it is.
// Otherwise the error is an [*Error] with a [*RetryError], and MayHaveApplied
// holds of it if it does of any try.
func (c *Conn) Retry(ctx context.Context, f func(ctx context.Context) error) error {
	r := retrying{policy: c.policy(), draw: c.newRand, closing: c.ctx.Done()}
	return r.run(ctx, f)
}

// RetryValue is [Conn.Retry] of a function that has a result.
func RetryValue[T any](ctx context.Context, c *Conn, f func(ctx context.Context) (T, error)) (T, error) {
	var v T
	err := c.Retry(ctx, func(ctx context.Context) (err error) {
		v, err = f(ctx)
		return err
	})
	return v, err
}

// Retry is [Conn.Retry] where there is no Conn, such as about [Dial]. What
// policy draws cannot be repeated by a [Seed].
func Retry(ctx context.Context, policy RetryPolicy, f func(ctx context.Context) error) error {
	r := retrying{policy: policy, draw: func() *rand.Rand { return rand.New(rand.NewPCG(rand.Uint64(), rand.Uint64())) }}
	return r.run(ctx, f)
}

// A RetryError is why there is no other try, where there was more than one or
// the policy would have had one.
type RetryError struct {
	Tries   int           // calls in all
	Elapsed time.Duration // since the first began
	Err     error         // of the last
	Ended   error         // what ended it: of the context, or ErrClosed; nil if the policy gave up
}

// Error is of the form "gave up after 3 tries in 1.5s: zk: get /a: connection loss".
func (e *RetryError) Error() string {
	why := ""
	if e.Ended != nil {
		why = " (" + e.Ended.Error() + ")"
	}
	return fmt.Sprintf("gave up after %d tries in %v%s: %v", e.Tries, e.Elapsed, why, e.Err)
}

// Unwrap is Err and, if there is one, Ended.
func (e *RetryError) Unwrap() []error {
	if e.Ended == nil {
		return []error{e.Err}
	}
	return []error{e.Err, e.Ended}
}

// retrying is one run of Retry.
type retrying struct {
	policy  RetryPolicy
	draw    func() *rand.Rand
	closing <-chan struct{} // pauses end when it is closed

	try   Try
	began time.Time
	worst fate // of the tries
}

func (r *retrying) run(ctx context.Context, f func(ctx context.Context) error) error {
	r.began = time.Now()
	r.worst = unsent
	for {
		r.try.N++
		err := f(withTry(ctx, r.try.N))
		if err == nil {
			return nil
		}
		r.note(err)
		if r.try.Rand == nil {
			r.try.Rand = r.draw()
		}
		pause, again := r.policy.Retry(r.try)
		if !again || final(err) {
			return r.giveUp(nil)
		}
		if ended := r.pause(ctx, pause); ended != nil {
			return r.giveUp(ended)
		}
	}
}

func (r *retrying) note(err error) {
	r.try.Err, r.try.Permanent = err, !Transient(err)
	r.try.Elapsed = time.Since(r.began)
	if MayHaveApplied(err) {
		r.worst = unknown
	} else if r.worst == unsent && !NotSent(err) {
		r.worst = answered
	}
}

// giveUp is the error of the run.
func (r *retrying) giveUp(ended error) error {
	if r.try.N == 1 && ended == nil {
		return r.try.Err
	}
	e := &RetryError{Tries: r.try.N, Elapsed: time.Since(r.began), Err: r.try.Err, Ended: ended}
	return &Error{Op: "retry", Err: e, fate: r.worst}
}

// pause waits before the next try, and says why if there is to be none.
func (r *retrying) pause(ctx context.Context, d time.Duration) error {
	if ctx.Err() != nil {
		return contextError(ctx)
	}
	if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) <= d {
		return context.DeadlineExceeded
	}
	r.try.Pause = d
	if d <= 0 {
		return nil
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-r.closing:
		return ErrClosed
	case <-ctx.Done():
		return contextError(ctx)
	}
	return nil
}
