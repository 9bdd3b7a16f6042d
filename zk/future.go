package zk

import (
	"context"
	"sync"
)

// A Future is a call that was made and may have no result yet; [Conn.Async]
// makes it. It is safe for concurrent use. The call goes on whether anybody
// waits for it or not, and a Future that is dropped costs nothing more. All who
// look get the same result, and so share its slices.
type Future[T any] struct {
	conn *Conn
	op   string
	path string
	read func(c *Conn, r *request) (T, error) // the results of a request that did not fail
	note func(err error)                      // if not nil, told of the result before anybody else
	seen *ongoing                             // what hooks are told, nil without any

	mu     sync.Mutex // guards all below; may be held when client.mu is taken, never the other way
	r      *request   // until it is over
	ending bool       // the request is given up
	over   bool       // value and err are set, for good
	value  T
	err    error
	done   chan struct{}    // closed when over; nil as long as nobody asks for it
	then   []func(T, error) // not yet called
	listed bool             // among the callbacks of the client
}

// failed is a Future of a call that was not made.
func failed[T any](c *Conn, op, path string, err error) *Future[T] {
	return &Future[T]{conn: c, op: op, path: path, over: true, err: &Error{Op: op, Path: path, Err: err, fate: unsent}}
}

// begin makes the call r.
func begin[T any](c *Conn, r *request, op, path string, read func(c *Conn, r *request) (T, error)) *Future[T] {
	f := &Future[T]{conn: c, op: op, path: path, read: read}
	f.submit(r)
	return f
}

func (f *Future[T]) submit(r *request) {
	c := f.conn
	f.r, r.promise = r, f
	if c.cfg.hooks != nil {
		f.seen = c.cfg.hooks.begin(context.Background(), r, Call{Op: f.op, Path: f.path, Async: true})
	}
	c.mu.Lock()
	l, err := c.submit(r)
	if err == nil {
		c.sweepLater(r)
	}
	c.mu.Unlock()
	if err != nil {
		not := &Error{Op: f.op, Path: f.path, Err: err, fate: unsent}
		f.seen.end(not)
		var none T
		f.settle(none, not)
		c.recycle(r)
	}
	if l != nil {
		l.flushLater()
	}
}

// keep takes the request when it is over.
func (f *Future[T]) keep(r *request) {
	var value T
	err := r.failure(f.op, f.path)
	if err == nil {
		value, err = f.read(f.conn, r)
	}
	f.seen.end(err)
	f.settle(value, err)
	f.conn.recycle(r) // Cancel does not find it any more
}

// settle sets the result, unless there is one. It tells whether it did.
func (f *Future[T]) settle(value T, err error) bool {
	f.mu.Lock()
	f.r = nil
	if f.over {
		f.mu.Unlock()
		return false
	}
	if f.note != nil {
		f.note(err)
	}
	f.over, f.value, f.err = true, value, err
	if f.done != nil {
		close(f.done)
	}
	f.unlockAndCall()
	return true
}

// unlockAndCall has the callbacks called. The caller holds f.mu.
func (f *Future[T]) unlockAndCall() {
	mine := false
	if f.over && len(f.then) > 0 && !f.listed {
		f.listed = true
		mine = !f.conn.upcalls.add(f)
	}
	f.mu.Unlock()
	if mine {
		f.fire()
	}
}

// fire calls the callbacks.
func (f *Future[T]) fire() {
	f.mu.Lock()
	then := f.then
	f.then, f.listed = nil, false
	f.mu.Unlock()
	for _, g := range then {
		g(f.value, f.err)
	}
}

// Done is closed when there is a result, which Wait then returns at once.
func (f *Future[T]) Done() <-chan struct{} {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.done == nil {
		f.done = make(chan struct{})
		if f.over {
			close(f.done)
		}
	}
	return f.done
}

// Ready tells whether there is a result.
func (f *Future[T]) Ready() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.over
}

// Wait returns the result, which is that of the call of the same name that
// waits, errors included. If ctx ends before there is one, the error says so,
// and that it may have applied: the call itself goes on, unless Cancel ends it.
func (f *Future[T]) Wait(ctx context.Context) (T, error) {
	if !f.Ready() {
		select {
		case <-f.Done():
		case <-ctx.Done():
		}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.over {
		var none T
		return none, &Error{Op: f.op, Path: f.path, Err: contextError(ctx), fate: unknown}
	}
	return f.value, f.err
}

// Cancel gives the call up as the end of a context does: the result is an
// error that wraps [context.Canceled] and says whether the call was sent
// ([NotSent]). It is false, and does nothing, if there is another result or it
// is about to be there.
func (f *Future[T]) Cancel() bool { return f.end(context.Canceled) }

func (f *Future[T]) expire() { f.end(f.conn.cfg.timedOut()) }

func (f *Future[T]) end(cause error) bool {
	fate, ok := f.abandon()
	if !ok {
		return false
	}
	var none T
	err := &Error{Op: f.op, Path: f.path, Err: f.conn.whyWaited(cause, fate), fate: fate}
	f.seen.end(err)
	return f.settle(none, err)
}

// abandon gives up the request, if there is one and the answer is not there.
func (f *Future[T]) abandon() (fate, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.over || f.ending {
		return answered, false
	}
	what, ok := unknown, true
	if f.r != nil {
		what, ok = f.conn.abandon(f.r)
	}
	if ok {
		f.r, f.ending = nil, true
	}
	return what, ok
}

// OnDone has g called with the result, once, after those that were registered
// before it. A Conn calls one at a time, in the order in which results come
// about, on a goroutine that does nothing else: a callback that takes long
// holds up others, but no call. It may make calls, and wait for them. It must
// not wait for Close, which waits for it. What is registered when the Conn is
// closed OnDone calls itself.
func (f *Future[T]) OnDone(g func(T, error)) {
	f.mu.Lock()
	f.then = append(f.then, g)
	f.unlockAndCall()
}
