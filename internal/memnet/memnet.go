// Package memnet is a network in memory: buffered connections with deadlines,
// seeded latency, stalls and resets, behind net.Conn and net.Listener.
//
// It is made for testing/synctest bubbles, where package net's sockets stop
// the clock: every wait is on a sync.Cond with no other lock held, so that a
// goroutine in Read, Write or Accept is durably blocked and virtual time
// passes. It works in real time just as well.
package memnet

import (
	"context"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"net"
	"sync"
	"syscall"
	"time"
)

// A Network is a set of listeners. The zero Network is ready to use.
type Network struct {
	// Seed, Least and Most give each link a latency of its own, drawn anew for
	// each instant at which something is sent. With Most 0 there is none.
	// They are set before the first use.
	Seed        uint64
	Least, Most time.Duration

	mu        sync.Mutex
	listeners map[string]*Listener
	ports     int            // given to listeners
	dials     map[string]int // by address: connections are numbered by link
}

// Listen announces addr; "" picks an address that is free.
func (n *Network) Listen(addr string) (*Listener, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for addr == "" {
		n.ports++
		addr = fmt.Sprintf("127.0.0.1:%d", 2180+n.ports)
		if n.listeners[addr] != nil {
			addr = ""
		}
	}
	if n.listeners[addr] != nil {
		return nil, &net.OpError{Op: "listen", Net: "mem", Addr: Addr(addr), Err: syscall.EADDRINUSE}
	}
	if n.listeners == nil {
		n.listeners, n.dials = make(map[string]*Listener), make(map[string]int)
	}
	l := &Listener{net: n, addr: Addr(addr)}
	l.ready.L = &l.mu
	n.listeners[addr] = l
	return l, nil
}

// firstPort is that of clients. Their ports come again after the last there is.
const firstPort = 30000

// DialContext connects to a listener. It never waits; the network is ignored.
func (n *Network) DialContext(ctx context.Context, _, addr string) (net.Conn, error) {
	if err := ctx.Err(); err != nil {
		return nil, &net.OpError{Op: "dial", Net: "mem", Addr: Addr(addr), Err: err}
	}
	n.mu.Lock()
	l := n.listeners[addr]
	if l == nil {
		n.mu.Unlock()
		return nil, refused(addr)
	}
	n.dials[addr]++
	local := fmt.Sprintf("127.0.0.1:%d", firstPort+n.dials[addr]%(1<<16-firstPort))
	n.mu.Unlock()
	client, server := n.Pipe(local, addr)
	if !l.offer(server) {
		return nil, refused(addr)
	}
	return client, nil
}

func refused(addr string) error {
	return &net.OpError{Op: "dial", Net: "mem", Addr: Addr(addr), Err: syscall.ECONNREFUSED}
}

// Pipe returns the two ends of a connection between the addresses a and b.
func (n *Network) Pipe(a, b string) (*Conn, *Conn) {
	ab, ba := newHalf(n.latency(a, b)), newHalf(n.latency(b, a))
	return &Conn{in: ba, out: ab, local: Addr(a), remote: Addr(b)},
		&Conn{in: ab, out: ba, local: Addr(b), remote: Addr(a)}
}

// latency draws delays for one direction of one link. The generator depends on
// the seed and the names alone, so that one link's traffic does not shift
// another's.
func (n *Network) latency(from, to string) func() time.Duration {
	if n.Most <= 0 {
		return nil
	}
	h := fnv.New64a()
	fmt.Fprintf(h, "%s>%s", from, to)
	draw := rand.New(rand.NewPCG(n.Seed, h.Sum64()))
	return func() time.Duration { return n.Least + time.Duration(draw.Int64N(int64(n.Most-n.Least)+1)) }
}

// An Addr is the address of an end in memory.
type Addr string

func (Addr) Network() string  { return "mem" }
func (a Addr) String() string { return string(a) }

// A Listener accepts connections.
type Listener struct {
	net  *Network
	addr Addr

	mu     sync.Mutex // guards all below
	ready  sync.Cond  // queue or closed changed
	queue  []*Conn
	closed bool
}

func (l *Listener) offer(c *Conn) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return false
	}
	l.queue = append(l.queue, c)
	l.ready.Signal()
	return true
}

// Accept waits for a connection.
func (l *Listener) Accept() (net.Conn, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for len(l.queue) == 0 && !l.closed {
		l.ready.Wait()
	}
	if l.closed {
		return nil, &net.OpError{Op: "accept", Net: "mem", Addr: l.addr, Err: net.ErrClosed}
	}
	c := l.queue[0]
	l.queue = l.queue[1:]
	return c, nil
}

// Close stops listening and resets the connections that were not accepted.
func (l *Listener) Close() error {
	l.net.mu.Lock()
	if l.net.listeners[string(l.addr)] == l {
		delete(l.net.listeners, string(l.addr))
	}
	l.net.mu.Unlock()
	l.mu.Lock()
	l.closed = true
	left := l.queue
	l.queue = nil
	l.ready.Broadcast()
	l.mu.Unlock()
	for _, c := range left {
		c.Reset()
	}
	return nil
}

// Addr is the address to dial.
func (l *Listener) Addr() net.Addr { return l.addr }
