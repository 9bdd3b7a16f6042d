package chaos

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// A seenAll is a tap that keeps what it sees.
type seenAll struct {
	mu                     sync.Mutex
	fromClient, fromServer bytes.Buffer
	closed                 chan struct{}
}

func (s *seenAll) FromClient(b []byte) { s.mu.Lock(); defer s.mu.Unlock(); s.fromClient.Write(b) }
func (s *seenAll) FromServer(b []byte) { s.mu.Lock(); defer s.mu.Unlock(); s.fromServer.Write(b) }
func (s *seenAll) Closed()             { close(s.closed) }

// proxies runs a test with a proxy that moves bytes by the kernel, and with one
// that a tap sees through.
func proxies(t *testing.T, test func(t *testing.T, p *Proxy, server net.Listener)) {
	for name, tap := range map[string]func(*ProxyConn) Tap{
		"kernel": nil,
		"tap":    func(*ProxyConn) Tap { return &seenAll{closed: make(chan struct{})} },
	} {
		t.Run(name, func(t *testing.T) {
			l := listen(t)
			p, err := NewProxy(dialTo(l), tap)
			require.NoError(t, err)
			defer p.Close()
			test(t, p, l)
		})
	}
}

func listen(t *testing.T) net.Listener {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { l.Close() })
	return l
}

func dialTo(l net.Listener) func(context.Context) (net.Conn, error) {
	return func(ctx context.Context) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "tcp", l.Addr().String())
	}
}

// through is both ends of a connection through a proxy.
func through(t *testing.T, p *Proxy, l net.Listener) (client, server *net.TCPConn) {
	t.Helper()
	c, err := net.Dial("tcp", p.Addr())
	require.NoError(t, err)
	s, err := l.Accept()
	require.NoError(t, err)
	t.Cleanup(func() { c.Close(); s.Close() })
	for _, nc := range []net.Conn{c, s} {
		require.NoError(t, nc.SetDeadline(time.Now().Add(10*time.Second)))
	}
	for _, ends := range [][2]net.Conn{{c, s}, {s, c}} { // until it is forwarded
		_, err = ends[0].Write([]byte("x"))
		require.NoError(t, err)
		_, err = io.ReadFull(ends[1], make([]byte, 1))
		require.NoError(t, err)
	}
	return c.(*net.TCPConn), s.(*net.TCPConn)
}

func TestProxyForwardsBothWays(t *testing.T) {
	proxies(t, func(t *testing.T, p *Proxy, l net.Listener) {
		client, server := through(t, p, l)
		big := bytes.Repeat([]byte("0123456789abcdef"), 1<<16)
		for _, ends := range [][2]*net.TCPConn{{client, server}, {server, client}} {
			go func() {
				ends[0].Write(big)
				ends[0].CloseWrite()
			}()
			got, err := io.ReadAll(ends[1])
			require.NoError(t, err, "the end of one direction comes as such")
			require.True(t, bytes.Equal(big, got))
		}
	})
}

func TestProxyResets(t *testing.T) {
	proxies(t, func(t *testing.T, p *Proxy, l net.Listener) {
		gone := func(client, server net.Conn) {
			t.Helper()
			for _, nc := range []net.Conn{client, server} {
				_, err := nc.Read(make([]byte, 1))
				require.ErrorContains(t, err, "connection reset")
			}
		}
		client, server := through(t, p, l)
		p.Drop()
		gone(client, server)
		client, server = through(t, p, l)
		p.Cut()
		gone(client, server)
		refused, err := net.Dial("tcp", p.Addr())
		if err == nil { // or it is reset before it is known to be connected
			defer refused.Close()
			_, err = refused.Read(make([]byte, 1))
		}
		require.ErrorContains(t, err, "connection reset")
		p.Heal()
		client, server = through(t, p, l)
		require.NoError(t, server.SetLinger(0))
		server.Close()
		_, err = client.Read(make([]byte, 1))
		require.ErrorContains(t, err, "connection reset", "the server's reset comes as such")
	})
}

func TestProxyTap(t *testing.T) {
	l := listen(t)
	taps := make(chan *seenAll, 1)
	conns := make(chan *ProxyConn, 1)
	p, err := NewProxy(dialTo(l), func(c *ProxyConn) Tap {
		s := &seenAll{closed: make(chan struct{})}
		taps <- s
		conns <- c
		return s
	})
	require.NoError(t, err)
	defer p.Close()
	client, server := through(t, p, l)
	tap, conn := <-taps, <-conns
	require.Equal(t, client.LocalAddr().String(), conn.Client().String())
	_, err = client.Write([]byte("question"))
	require.NoError(t, err)
	_, err = io.ReadFull(server, make([]byte, 8))
	require.NoError(t, err)
	_, err = server.Write([]byte("answer"))
	require.NoError(t, err)
	_, err = io.ReadFull(client, make([]byte, 6))
	require.NoError(t, err)
	tap.mu.Lock()
	require.Equal(t, "xquestion", tap.fromClient.String(), "seen before it is passed on")
	require.Equal(t, "xanswer", tap.fromServer.String())
	tap.mu.Unlock()
	conn.Reset()
	<-tap.closed
	_, err = client.Read(make([]byte, 1))
	require.ErrorContains(t, err, "connection reset")
}

func TestProxyWithoutServer(t *testing.T) {
	p, err := NewProxy(func(context.Context) (net.Conn, error) { return nil, errors.New("nobody is there") }, nil)
	require.NoError(t, err)
	defer p.Close()
	client, err := net.Dial("tcp", p.Addr())
	if err == nil {
		defer client.Close()
		_, err = client.Read(make([]byte, 1))
	}
	require.ErrorContains(t, err, "connection reset")
}

// Close does not wait for a dial that hangs.
func TestProxyCloseEndsDials(t *testing.T) {
	dialing := make(chan struct{})
	p, err := NewProxy(func(ctx context.Context) (net.Conn, error) {
		close(dialing)
		<-ctx.Done()
		return nil, ctx.Err()
	}, nil)
	require.NoError(t, err)
	client, err := net.Dial("tcp", p.Addr())
	require.NoError(t, err)
	defer client.Close()
	<-dialing
	require.NoError(t, p.Close())
	require.NoError(t, p.Close(), "again")
	_, err = net.Dial("tcp", p.Addr())
	require.Error(t, err)
}
