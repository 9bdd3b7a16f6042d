package wire

import (
	"net"
	"sync"
)

// flushRounds is how often a caller writes what others appended meanwhile,
// before it leaves the rest to a goroutine of its own.
const flushRounds = 4

// An Outbox is a connection's queue of outgoing bytes. Whoever appends and
// finds nobody writing writes, outside of the lock, as much as the connection
// takes at once; what it does not take a goroutine writes. So an ordinary
// frame costs no hand-over, frames that come together leave together, and no
// caller ever waits for a slow peer.
type Outbox struct {
	conn    net.Conn
	try     TryWriter // nil when conn can only block
	onError func(error)

	mu      sync.Mutex // guards all below; never held over I/O
	idle    sync.Cond  // not busy
	pending []byte     // appended, not yet being written
	spare   []byte     // the other buffer
	busy    bool       // somebody writes, or ends the outbox
	last    bool       // nothing more is appended; close when all is written
	ended   bool       // nothing more is appended or written
}

// NewOutbox writes to conn. onError is called at most once, from any goroutine
// and without locks, when a write fails; not after Wait began. It must not
// call Wait, which waits for it.
func NewOutbox(conn net.Conn, onError func(error)) *Outbox {
	o := &Outbox{conn: conn, try: TryWriterOf(conn), onError: onError}
	o.idle.L = &o.mu
	return o
}

// Lock returns the pending bytes, for the caller to append to; Unlock takes
// them back. Nothing in between may wait.
func (o *Outbox) Lock() []byte {
	o.mu.Lock()
	return o.pending
}

// Unlock stores what Lock returned, with what was appended, unless the outbox
// has ended. It must be followed by Flush or CloseAfterFlush.
func (o *Outbox) Unlock(b []byte) {
	if !o.last && !o.ended {
		o.pending = b
	}
	o.mu.Unlock()
}

// Flush sees to it that what was appended is written. It does not wait.
func (o *Outbox) Flush() {
	if out := o.take(); out != nil {
		o.write(out)
	}
}

// FlushLater is Flush by a goroutine of its own: what is appended until it has
// begun leaves with the rest.
func (o *Outbox) FlushLater() {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.busy || len(o.pending) == 0 {
		return // whoever writes comes round
	}
	o.busy = true
	go o.begin()
}

// begin drains what was appended.
func (o *Outbox) begin() {
	o.mu.Lock()
	var out []byte
	if len(o.pending) > 0 {
		out = o.swap()
	} else {
		o.rest()
	}
	o.mu.Unlock()
	o.drain(out, 0)
}

// CloseAfterFlush closes the connection, once, when all that was appended is
// written. What is appended from now on is dropped.
func (o *Outbox) CloseAfterFlush() {
	o.mu.Lock()
	again := o.last
	o.last = true
	idle := !o.busy && len(o.pending) == 0
	o.mu.Unlock()
	switch {
	case again:
	case idle:
		o.conn.Close()
	default:
		o.Flush()
	}
}

// Wait ends the outbox and returns when nobody writes or reports an error any
// more. The connection must have been closed.
func (o *Outbox) Wait() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.ended, o.pending, o.spare = true, nil, nil
	for o.busy {
		o.idle.Wait()
	}
}

// take makes the caller the writer, unless there is one or nothing to write.
func (o *Outbox) take() []byte {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.busy || len(o.pending) == 0 {
		return nil
	}
	o.busy = true
	return o.swap()
}

func (o *Outbox) swap() []byte {
	out := o.pending
	o.pending, o.spare = o.spare[:0], nil
	return out
}

// next gives back what was written and takes what came meanwhile.
func (o *Outbox) next(written []byte) (out []byte) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if cap(written) <= keepBuffer {
		o.spare = written[:0]
	}
	if len(o.pending) > 0 {
		return o.swap()
	}
	o.rest()
	return nil
}

// rest makes the outbox idle. It is called with the lock, which it releases
// only where nothing more can be appended.
func (o *Outbox) rest() {
	if o.last {
		o.mu.Unlock()
		o.conn.Close()
		o.mu.Lock()
	}
	o.busy = false
	o.idle.Broadcast()
}

func (o *Outbox) write(out []byte) {
	for range flushRounds {
		n := 0
		if o.try != nil {
			var err error
			if n, err = o.try.TryWrite(out); err != nil {
				o.fail(err)
				return
			}
		}
		if n < len(out) {
			go o.drain(out, n)
			return
		}
		if out = o.next(out); out == nil {
			return
		}
	}
	go o.drain(out, 0)
}

// drain writes from out[n:] on until nothing is left, and waits where it must.
func (o *Outbox) drain(out []byte, n int) {
	for out != nil {
		if _, err := o.conn.Write(out[n:]); err != nil {
			o.fail(err)
			return
		}
		out, n = o.next(out), 0
	}
}

func (o *Outbox) fail(err error) {
	o.mu.Lock()
	first := !o.ended
	o.ended, o.pending, o.spare = true, nil, nil
	o.mu.Unlock()
	if first && o.onError != nil {
		o.onError(err)
	}
	o.mu.Lock()
	o.rest()
	o.mu.Unlock()
}
