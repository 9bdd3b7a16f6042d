package memnet

import (
	"io"
	"net"
	"syscall"
	"time"
)

// A Conn is one end of a connection. Its errors have the shape of a
// *net.TCPConn's.
type Conn struct {
	in, out       *half
	local, remote Addr
}

// Read waits for bytes.
func (c *Conn) Read(b []byte) (int, error) {
	n, err := c.in.read(b)
	return n, c.wrap("read", err)
}

// Write waits for room for all of b.
func (c *Conn) Write(b []byte) (int, error) {
	n, err := c.out.write(b, true)
	return n, c.wrap("write", err)
}

// TryWrite writes as much of b as there is room for, and does not wait.
func (c *Conn) TryWrite(b []byte) (int, error) {
	n, err := c.out.write(b, false)
	return n, c.wrap("write", err)
}

// Close closes this end; the other reads what was sent, then io.EOF.
func (c *Conn) Close() error {
	first := c.in.shut(net.ErrClosed, syscall.EPIPE)
	c.out.shut(io.EOF, net.ErrClosed)
	if !first {
		return c.wrap("close", net.ErrClosed)
	}
	return nil
}

// Reset ends the connection as an RST does: what was not read is lost.
func (c *Conn) Reset() {
	for _, h := range []*half{c.in, c.out} {
		h.discard()
		h.shut(syscall.ECONNRESET, syscall.ECONNRESET)
	}
}

// Stall holds back what flows to this end, until Stall(false). Nothing is lost.
func (c *Conn) Stall(on bool) { c.in.stall(on) }

// StallPeer holds back what flows to the other end.
func (c *Conn) StallPeer(on bool) { c.out.stall(on) }

// LocalAddr is the address of this end.
func (c *Conn) LocalAddr() net.Addr { return c.local }

// RemoteAddr is the address of the other end.
func (c *Conn) RemoteAddr() net.Addr { return c.remote }

// SetDeadline sets both deadlines.
func (c *Conn) SetDeadline(t time.Time) error {
	if err := c.SetReadDeadline(t); err != nil {
		return err
	}
	return c.SetWriteDeadline(t)
}

// SetReadDeadline bounds Read.
func (c *Conn) SetReadDeadline(t time.Time) error {
	return c.wrap("set", c.in.setDeadline(&c.in.readBy, t))
}

// SetWriteDeadline bounds Write.
func (c *Conn) SetWriteDeadline(t time.Time) error {
	return c.wrap("set", c.out.setDeadline(&c.out.writeBy, t))
}

// wrap leaves io.EOF bare, as package net does.
func (c *Conn) wrap(op string, err error) error {
	if err == nil || err == io.EOF {
		return err
	}
	return &net.OpError{Op: op, Net: "mem", Source: c.local, Addr: c.remote, Err: err}
}
