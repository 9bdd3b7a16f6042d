package chaos

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"time"
)

const (
	proxyDialTime = 10 * time.Second
	proxyMost     = 10_000 // connections at a time; more are reset
	proxyBuffer   = 16 << 10
)

// A Proxy listens on a port of its own on the loopback interface and forwards
// what it accepts, and can break it. Its methods are safe for concurrent use.
type Proxy struct {
	listener net.Listener
	dial     func(context.Context) (net.Conn, error)
	tap      func(*ProxyConn) Tap
	ctx      context.Context // ends at Close
	cancel   context.CancelFunc
	running  sync.WaitGroup

	mu   sync.Mutex // guards all below, and what its connections say
	cut  bool
	open map[*ProxyConn]struct{}
}

// A Tap sees what passes a connection, each piece before it is passed on. Its
// methods must not wait, and what they are given is valid during the call. The
// two directions are two goroutines; Closed comes after both.
type Tap interface {
	FromClient(b []byte)
	FromServer(b []byte)
	Closed()
}

// NewProxy listens, and connects by dial for each client, which has 10 s. tap
// makes what sees a connection; where tap is nil the kernel moves the bytes,
// if it can. At most 10,000 connections are forwarded at a time; more are
// reset. The caller closes the proxy.
func NewProxy(dial func(context.Context) (net.Conn, error), tap func(*ProxyConn) Tap) (*Proxy, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("chaos: proxy: %w", err)
	}
	p := &Proxy{listener: l, dial: dial, tap: tap, open: map[*ProxyConn]struct{}{}}
	p.ctx, p.cancel = context.WithCancel(context.Background())
	p.running.Go(p.accept)
	return p, nil
}

// Addr is where it listens, a host and port.
func (p *Proxy) Addr() string { return p.listener.Addr().String() }

// Close ends all connections and the listening, and returns when no goroutine
// of the proxy is left. It can be called more than once.
func (p *Proxy) Close() error {
	p.cancel()
	err := p.listener.Close()
	p.Cut()
	p.running.Wait()
	if errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}

// Cut resets all connections, and those that come, until Heal.
func (p *Proxy) Cut() { p.end(true) }

// Drop resets all connections; others can come at once.
func (p *Proxy) Drop() { p.end(false) }

// Heal lets connections come again.
func (p *Proxy) Heal() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.cut = false
}

func (p *Proxy) end(cut bool) {
	p.mu.Lock()
	p.cut = p.cut || cut
	open := make([]*ProxyConn, 0, len(p.open))
	for c := range p.open {
		open = append(open, c)
	}
	p.mu.Unlock()
	for _, c := range open {
		c.Reset()
	}
}

func (p *Proxy) accept() {
	for {
		nc, err := p.listener.Accept()
		switch {
		case err == nil:
			p.admit(nc)
		case p.ctx.Err() != nil:
			return
		default: // too many files; some will be closed
			select {
			case <-p.ctx.Done():
				return
			case <-time.After(10 * time.Millisecond):
			}
		}
	}
}

func (p *Proxy) admit(nc net.Conn) {
	c := &ProxyConn{proxy: p, client: nc}
	c.ctx, c.cancel = context.WithTimeout(p.ctx, proxyDialTime)
	p.mu.Lock()
	refused := p.cut || len(p.open) >= proxyMost
	if !refused {
		p.open[c] = struct{}{}
	}
	p.mu.Unlock()
	if refused {
		c.cancel()
		reset(nc)
		return
	}
	p.running.Go(c.serve)
}

// A ProxyConn is one connection that is forwarded.
type ProxyConn struct {
	proxy  *Proxy
	client net.Conn
	ctx    context.Context // of the dial
	cancel context.CancelFunc

	// Guarded by the proxy's lock:
	server net.Conn // nil until dialed
	ended  bool     // Reset was called
}

// Client is the address of the client's end.
func (c *ProxyConn) Client() net.Addr { return c.client.RemoteAddr() }

// Reset ends the connection for both ends; what is under way is lost.
func (c *ProxyConn) Reset() {
	c.proxy.mu.Lock()
	server := c.server
	c.ended = true
	c.proxy.mu.Unlock()
	c.cancel()
	reset(c.client)
	if server != nil {
		reset(server)
	}
}

// connect dials the server, unless Reset comes first.
func (c *ProxyConn) connect() (net.Conn, error) {
	defer c.cancel()
	nc, err := c.proxy.dial(c.ctx)
	if err != nil {
		return nil, err
	}
	c.proxy.mu.Lock()
	defer c.proxy.mu.Unlock()
	if c.ended {
		reset(nc)
		return nil, ErrCut
	}
	c.server = nc
	return nc, nil
}

func (c *ProxyConn) serve() {
	defer func() {
		c.proxy.mu.Lock()
		defer c.proxy.mu.Unlock()
		delete(c.proxy.open, c)
	}()
	server, err := c.connect()
	if err != nil {
		reset(c.client)
		return
	}
	defer c.client.Close()
	defer server.Close()
	var fromClient, fromServer func([]byte)
	if c.proxy.tap != nil {
		tap := c.proxy.tap(c)
		defer tap.Closed()
		fromClient, fromServer = tap.FromClient, tap.FromServer
	}
	var there sync.WaitGroup
	there.Go(func() { c.forward(server, c.client, fromClient) })
	c.forward(c.client, server, fromServer)
	there.Wait()
}

// forward moves bytes until src ends, and lets dst end in the same way.
func (c *ProxyConn) forward(dst, src net.Conn, see func([]byte)) {
	var err error
	if see == nil {
		_, err = io.Copy(dst, src)
	} else {
		err = copySeen(dst, src, see)
	}
	if half, ok := dst.(interface{ CloseWrite() error }); ok && err == nil {
		err = half.CloseWrite()
	} else if err == nil {
		err = dst.Close()
	}
	if err != nil {
		c.Reset()
	}
}

func copySeen(dst io.Writer, src io.Reader, see func([]byte)) error {
	buf := make([]byte, proxyBuffer)
	for {
		n, err := src.Read(buf)
		if n > 0 {
			see(buf[:n])
			if _, err := dst.Write(buf[:n]); err != nil {
				return err
			}
		}
		if err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
	}
}
