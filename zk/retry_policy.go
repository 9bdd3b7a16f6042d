package zk

import (
	"errors"
	"slices"
	"time"
)

// A RetryFunc is a function as a [RetryPolicy].
type RetryFunc func(t Try) (pause time.Duration, again bool)

// Retry calls f.
func (f RetryFunc) Retry(t Try) (time.Duration, bool) { return f(t) }

// RetryNever gives up at once.
func RetryNever() RetryPolicy { return RetryTimes(0, 0) }

// RetryOnce tries a second time, after a pause.
func RetryOnce(pause time.Duration) RetryPolicy { return RetryTimes(1, pause) }

// RetryTimes tries n times more after the first, with a pause before each: n+1
// calls in all at most, and a single one if n is 0 or less.
func RetryTimes(n int, pause time.Duration) RetryPolicy { return RetryLimit(n, RetryForever(pause)) }

// RetryForever tries until the context ends, with a pause before each try.
func RetryForever(pause time.Duration) RetryPolicy {
	return RetryFunc(func(t Try) (time.Duration, bool) { return max(pause, 0), !t.Permanent })
}

// A Backoff is a [RetryPolicy] whose pauses grow: Base, then Factor times as
// long each time, up to Max. It has no end of its own; see [RetryLimit] and
// [RetryFor].
type Backoff struct {
	Base   time.Duration // the first pause; 0 or less is 100 ms
	Max    time.Duration // the longest, of the first as well; 0 or less is 10 s
	Factor float64       // below 1 is 2
	Jitter float64       // from 0 to 1: which part of each pause is drawn, so that it is between 1-Jitter times and once as long
}

// Retry draws each pause by itself: that one was short does not make the next
// ones shorter.
func (b Backoff) Retry(t Try) (time.Duration, bool) {
	if t.Permanent {
		return 0, false
	}
	if b.Base <= 0 {
		b.Base = 100 * time.Millisecond
	}
	if b.Max <= 0 {
		b.Max = 10 * time.Second
	}
	if !(b.Factor >= 1) {
		b.Factor = 2
	}
	pause, most := float64(b.Base), float64(b.Max)
	for range t.N - 1 {
		if pause >= most || b.Factor == 1 {
			break
		}
		pause *= b.Factor
	}
	pause = min(pause, most)
	if jitter := min(b.Jitter, 1); jitter > 0 {
		pause -= jitter * pause * t.Rand.Float64()
	}
	return time.Duration(pause), true
}

// RetryLimit is policy for n tries more after the first: n+1 calls in all at
// most, and a single one if n is 0 or less.
func RetryLimit(n int, policy RetryPolicy) RetryPolicy {
	return RetryFunc(func(t Try) (time.Duration, bool) {
		if t.N > n {
			return 0, false
		}
		return policy.Retry(t)
	})
}

// RetryFor is policy until a time after the first try began. No pause goes
// beyond it: the last is cut short, for a last try. What a try takes it does
// not bound; the context does.
func RetryFor(total time.Duration, policy RetryPolicy) RetryPolicy {
	return RetryFunc(func(t Try) (time.Duration, bool) {
		left := total - t.Elapsed
		if left <= 0 {
			return 0, false
		}
		pause, again := policy.Retry(t)
		return min(pause, left), again
	})
}

// RetryIf is policy for the errors that f chooses and for no others, instead
// of those that are [Transient].
func RetryIf(policy RetryPolicy, f func(err error) bool) RetryPolicy {
	return RetryFunc(func(t Try) (time.Duration, bool) {
		t.Permanent = !f(t.Err)
		return policy.Retry(t)
	})
}

// RetryAlso is policy for these errors too, such as [ErrSessionExpired]. They
// are compared with errors.Is.
func RetryAlso(policy RetryPolicy, errs ...error) RetryPolicy {
	errs = slices.Clone(errs)
	return RetryFunc(func(t Try) (time.Duration, bool) {
		t.Permanent = t.Permanent && !isAny(t.Err, errs)
		return policy.Retry(t)
	})
}

// RetryNot is policy but for these errors, at which it gives up. They are
// compared with errors.Is.
func RetryNot(policy RetryPolicy, errs ...error) RetryPolicy {
	errs = slices.Clone(errs)
	return RetryFunc(func(t Try) (time.Duration, bool) {
		t.Permanent = t.Permanent || isAny(t.Err, errs)
		return policy.Retry(t)
	})
}

func isAny(err error, targets []error) bool {
	return slices.ContainsFunc(targets, func(target error) bool { return errors.Is(err, target) })
}
