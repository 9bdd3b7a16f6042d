// Package chaos breaks what lies between clients and servers, on purpose.
package chaos

import (
	"context"
	"errors"
	"net"
	"sync"

	"github.com/zookit/zookit/internal/wire"
)

// ErrCut is the cause of what fails on a link that is cut.
var ErrCut = errors.New("chaos: the link is cut")

// A DialFunc makes a connection, as net.Dialer.DialContext does.
type DialFunc func(ctx context.Context, network, addr string) (net.Conn, error)

// A Link is what a client's connections run through. Its methods are safe for
// concurrent use.
type Link struct {
	dial DialFunc

	mu    sync.Mutex // guards all below
	cut   bool
	conns map[*linkConn]struct{}
}

// NewLink returns a link whose DialContext makes its connections by dial.
func NewLink(dial DialFunc) *Link {
	return &Link{dial: dial, conns: map[*linkConn]struct{}{}}
}

// DialContext connects, unless the link is cut.
func (l *Link) DialContext(ctx context.Context, network, addr string) (net.Conn, error) {
	if l.isCut() {
		return nil, &net.OpError{Op: "dial", Net: network, Err: ErrCut}
	}
	nc, err := l.dial(ctx, network, addr)
	if err != nil {
		return nil, err
	}
	c := &linkConn{Conn: nc, link: l, try: wire.TryWriterOf(nc)}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.cut {
		nc.Close()
		return nil, &net.OpError{Op: "dial", Net: network, Err: ErrCut}
	}
	l.conns[c] = struct{}{}
	return c, nil
}

func (l *Link) isCut() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.cut
}

// Cut ends all connections and lets no other come, until Heal.
func (l *Link) Cut() { l.end(true) }

// Heal lets connections come again.
func (l *Link) Heal() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.cut = false
}

// Drop ends all connections; others can come at once.
func (l *Link) Drop() { l.end(false) }

func (l *Link) end(cut bool) {
	l.mu.Lock()
	l.cut = l.cut || cut
	open := make([]*linkConn, 0, len(l.conns))
	for c := range l.conns {
		open = append(open, c)
	}
	l.mu.Unlock()
	for _, c := range open {
		reset(c.Conn)
	}
}

// A linkConn is a connection that its link can end.
type linkConn struct {
	net.Conn
	link *Link
	try  wire.TryWriter // nil when the connection can only block
}

// TryWrite writes what it can without waiting.
func (c *linkConn) TryWrite(b []byte) (int, error) {
	if c.try == nil {
		return 0, nil
	}
	return c.try.TryWrite(b)
}

// Close closes the connection.
func (c *linkConn) Close() error {
	c.link.mu.Lock()
	delete(c.link.conns, c)
	c.link.mu.Unlock()
	return c.Conn.Close()
}

// reset ends a connection for both ends, as a router does that forgets it:
// what is under way is lost.
func reset(nc net.Conn) {
	switch nc := nc.(type) {
	case interface{ Reset() }:
		nc.Reset()
	case *net.TCPConn:
		nc.SetLinger(0)
		nc.Close()
	default:
		nc.Close()
	}
}
