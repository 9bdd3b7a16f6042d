package memnet

import (
	"net"
	"os"
	"sync"
	"time"
)

// capacity is how many bytes a direction holds before writes wait, about what
// a kernel gives a loopback socket: without a bound no test would ever see a
// write deadline.
const capacity = 1 << 20

// half is one direction of a connection.
type half struct {
	latency func() time.Duration // nil: what is written can be read at once

	mu       sync.Mutex // guards all below; held by nobody who waits
	readable sync.Cond
	writable sync.Cond
	buf      []byte // buf[start:] was written and not yet read
	start    int
	flights  []flight // with latency: what of buf is still under way
	wrote    time.Time
	wake     *time.Timer // of the flight that a reader waits for
	stalled  bool
	readErr  error // what Read says once buf is empty
	writeErr error
	readBy   deadline
	writeBy  deadline
}

// A flight is a number of bytes that arrive at one time.
type flight struct {
	n  int
	at time.Time
}

// deadline is a deadline with its timer.
type deadline struct {
	timer  *time.Timer
	passed bool
	set    int // counts settings, so that an old timer does no harm
}

func newHalf(latency func() time.Duration) *half {
	h := &half{latency: latency}
	h.readable.L, h.writable.L = &h.mu, &h.mu
	return h
}

func (h *half) read(b []byte) (int, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for {
		if h.readErr == net.ErrClosed { // this end is closed
			return 0, h.readErr
		}
		if h.readBy.passed {
			return 0, os.ErrDeadlineExceeded
		}
		if n := h.arrived(); n > 0 {
			return h.consume(b, n), nil
		}
		if h.readErr != nil && len(h.buf) == h.start {
			return 0, h.readErr
		}
		if len(b) == 0 {
			return 0, nil
		}
		h.readable.Wait()
	}
}

// arrived is how many bytes can be read now. Where the first are under way it
// sees to it that the reader is woken.
func (h *half) arrived() int {
	if h.stalled {
		return 0
	}
	if h.latency == nil {
		return len(h.buf) - h.start
	}
	n := 0
	now := time.Now()
	for _, f := range h.flights {
		if wait := f.at.Sub(now); wait > 0 {
			if n == 0 && h.wake == nil {
				// The lock makes the reader wait before the broadcast: in real
				// time the timer may fire at once.
				h.wake = time.AfterFunc(wait, func() {
					h.mu.Lock()
					h.wake = nil
					h.mu.Unlock()
					h.readable.Broadcast()
				})
			}
			break
		}
		n += f.n
	}
	return n
}

func (h *half) consume(b []byte, n int) int {
	n = copy(b, h.buf[h.start:h.start+n])
	h.start += n
	if h.start == len(h.buf) {
		h.start = 0
		if h.buf = h.buf[:0]; cap(h.buf) > 64<<10 {
			h.buf = nil
		}
	}
	for left := n; left > 0 && len(h.flights) > 0; {
		f := &h.flights[0]
		took := min(left, f.n)
		left -= took
		if f.n -= took; f.n == 0 {
			h.flights = h.flights[1:]
		}
	}
	h.writable.Broadcast()
	return n
}

func (h *half) write(b []byte, wait bool) (int, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	n := 0
	for {
		if h.writeErr != nil {
			return n, h.writeErr
		}
		if h.writeBy.passed {
			return n, os.ErrDeadlineExceeded
		}
		if n == len(b) {
			return n, nil
		}
		room := capacity - (len(h.buf) - h.start)
		if room <= 0 {
			if !wait {
				return n, nil
			}
			h.writable.Wait()
			continue
		}
		part := b[n:min(len(b), n+room)]
		h.accept(part)
		n += len(part)
		h.readable.Broadcast()
	}
}

func (h *half) accept(b []byte) {
	if h.start > 0 && len(h.buf)+len(b) > cap(h.buf) {
		h.buf = h.buf[:copy(h.buf, h.buf[h.start:])]
		h.start = 0
	}
	h.buf = append(h.buf, b...)
	if h.latency == nil {
		return
	}
	// One draw for each instant, not for each write: whether a writer makes
	// one write or two of what it has to say at one instant is up to the
	// scheduler, and must not shift later draws.
	now := time.Now()
	if k := len(h.flights); k > 0 && now.Equal(h.wrote) {
		h.flights[k-1].n += len(b)
		return
	}
	at := now
	if !now.Equal(h.wrote) {
		h.wrote = now
		at = now.Add(h.latency())
	}
	if k := len(h.flights); k > 0 && at.Before(h.flights[k-1].at) {
		at = h.flights[k-1].at // bytes stay in order
	}
	h.flights = append(h.flights, flight{n: len(b), at: at})
}

// shut ends this direction: the reader gets r once all is read, the writer w.
// Closing one's own end (net.ErrClosed) wins over what the other end did. It
// tells whether the reader had not yet closed.
func (h *half) shut(r, w error) (first bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	first = h.readErr != net.ErrClosed
	if h.readErr == nil || r == net.ErrClosed {
		h.readErr = r
	}
	if h.writeErr == nil || w == net.ErrClosed {
		h.writeErr = w
	}
	if r == net.ErrClosed {
		h.buf, h.start, h.flights = nil, 0, nil
		h.readBy.stop()
	}
	if w == net.ErrClosed {
		h.writeBy.stop()
	}
	h.readable.Broadcast()
	h.writable.Broadcast()
	return first
}

func (h *half) discard() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.buf, h.start, h.flights = nil, 0, nil
}

func (h *half) stall(on bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.stalled = on
	h.readable.Broadcast()
}

func (d *deadline) stop() {
	if d.timer != nil {
		d.timer.Stop()
	}
	d.timer = nil
	d.set++
}

func (h *half) setDeadline(d *deadline, t time.Time) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.readErr == net.ErrClosed && d == &h.readBy || h.writeErr == net.ErrClosed && d == &h.writeBy {
		return net.ErrClosed
	}
	d.stop()
	d.passed = false
	if t.IsZero() {
		return nil
	}
	if wait := time.Until(t); wait > 0 {
		set := d.set
		d.timer = time.AfterFunc(wait, func() { h.deadlinePassed(d, set) })
	} else {
		d.passed = true
	}
	h.readable.Broadcast()
	h.writable.Broadcast()
	return nil
}

func (h *half) deadlinePassed(d *deadline, set int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if d.set == set {
		d.passed = true
		h.readable.Broadcast()
		h.writable.Broadcast()
	}
}
