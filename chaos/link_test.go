package chaos

import (
	"context"
	"io"
	"net"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/zookit/zookit/internal/memnet"
	"github.com/zookit/zookit/internal/wire"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// networks are a listener and how to reach it.
func networks(t *testing.T, test func(t *testing.T, l net.Listener, dial DialFunc)) {
	t.Run("memory", func(t *testing.T) {
		var n memnet.Network
		l, err := n.Listen("")
		require.NoError(t, err)
		defer l.Close()
		test(t, l, n.DialContext)
	})
	t.Run("tcp", func(t *testing.T) {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		require.NoError(t, err)
		defer l.Close()
		test(t, l, new(net.Dialer).DialContext)
	})
}

// connect is both ends of a new connection.
func connect(t *testing.T, link *Link, l net.Listener) (client, server net.Conn) {
	t.Helper()
	client, err := link.DialContext(t.Context(), "tcp", l.Addr().String())
	require.NoError(t, err)
	server, err = l.Accept()
	require.NoError(t, err)
	t.Cleanup(func() { client.Close(); server.Close() })
	return client, server
}

func TestCutEndsConnectionsAndLetsNoneCome(t *testing.T) {
	networks(t, func(t *testing.T, l net.Listener, dial DialFunc) {
		link := NewLink(dial)
		client, server := connect(t, link, l)
		_, err := client.Write([]byte("x"))
		require.NoError(t, err)
		_, err = io.ReadFull(server, make([]byte, 1))
		require.NoError(t, err)

		link.Cut()
		_, err = client.Read(make([]byte, 1))
		require.Error(t, err)
		_, err = server.Read(make([]byte, 1))
		require.ErrorContains(t, err, "connection reset", "the other end is told as by a RST")
		_, err = link.DialContext(t.Context(), "tcp", l.Addr().String())
		require.ErrorIs(t, err, ErrCut)

		link.Heal()
		connect(t, link, l)
	})
}

func TestDropLetsOthersCome(t *testing.T) {
	networks(t, func(t *testing.T, l net.Listener, dial DialFunc) {
		link := NewLink(dial)
		a, _ := connect(t, link, l)
		b, _ := connect(t, link, l)
		require.NoError(t, b.Close())
		link.Drop()
		_, err := a.Read(make([]byte, 1))
		require.Error(t, err)
		connect(t, link, l)
	})
}

func TestCutDuringDial(t *testing.T) {
	a, b := net.Pipe()
	defer b.Close()
	var link *Link
	link = NewLink(func(context.Context, string, string) (net.Conn, error) {
		link.Cut()
		return a, nil
	})
	_, err := link.DialContext(t.Context(), "tcp", "x")
	require.ErrorIs(t, err, ErrCut)
	_, err = a.Write([]byte("x"))
	require.ErrorIs(t, err, io.ErrClosedPipe, "a connection that came too late is closed")
}

func TestTryWriteIsPassedOn(t *testing.T) {
	networks(t, func(t *testing.T, l net.Listener, dial DialFunc) {
		link := NewLink(dial)
		client, server := connect(t, link, l)
		n, err := client.(wire.TryWriter).TryWrite([]byte("abc"))
		require.NoError(t, err)
		require.Equal(t, 3, n)
		got := make([]byte, 3)
		_, err = io.ReadFull(server, got)
		require.NoError(t, err)
		require.Equal(t, "abc", string(got))
	})
	a, b := net.Pipe()
	defer a.Close()
	defer b.Close()
	link := NewLink(func(context.Context, string, string) (net.Conn, error) { return a, nil })
	c, err := link.DialContext(t.Context(), "tcp", "x")
	require.NoError(t, err)
	n, err := c.(wire.TryWriter).TryWrite([]byte("abc"))
	require.NoError(t, err)
	require.Zero(t, n, "a connection that can only block takes nothing at once")
}
