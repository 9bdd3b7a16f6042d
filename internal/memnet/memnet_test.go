package memnet

import (
	"io"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
	"golang.org/x/net/nettest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func pipes(n *Network) nettest.MakePipe {
	return func() (c1, c2 net.Conn, stop func(), err error) {
		a, b := n.Pipe("127.0.0.1:1", "127.0.0.1:2")
		return a, b, func() { a.Close(); b.Close() }, nil
	}
}

// A bubble hides lost wake-ups; nettest runs in real time.
func TestNettest(t *testing.T) {
	t.Run("direct", func(t *testing.T) { nettest.TestConn(t, pipes(&Network{})) })
	t.Run("latency", func(t *testing.T) {
		nettest.TestConn(t, pipes(&Network{Seed: 1, Least: time.Microsecond, Most: 20 * time.Microsecond}))
	})
}

func TestDial(t *testing.T) {
	var n Network
	_, err := n.DialContext(t.Context(), "tcp", "127.0.0.1:9")
	require.ErrorContains(t, err, "connection refused", "nobody listens")
	l, err := n.Listen("")
	require.NoError(t, err)
	_, err = n.Listen(l.Addr().String())
	require.ErrorContains(t, err, "address already in use")
	c, err := n.DialContext(t.Context(), "tcp", l.Addr().String())
	require.NoError(t, err)
	s, err := l.Accept()
	require.NoError(t, err)
	require.Equal(t, c.LocalAddr(), s.RemoteAddr())
	late, err := n.DialContext(t.Context(), "tcp", l.Addr().String())
	require.NoError(t, err)
	require.NoError(t, l.Close())
	_, err = late.Read(make([]byte, 1))
	require.ErrorContains(t, err, "connection reset", "a connection that was never accepted is reset")
	_, err = l.Accept()
	require.ErrorIs(t, err, net.ErrClosed)
	require.NoError(t, c.Close())
	_, err = s.Read(make([]byte, 1))
	require.Equal(t, io.EOF, err)
	require.NoError(t, s.Close())
	require.ErrorIs(t, s.Close(), net.ErrClosed)
}

func TestTryWriteStopsWhereWriteWaits(t *testing.T) {
	var n Network
	a, b := n.Pipe("a", "b")
	defer b.Close()
	defer a.Close()
	wrote, err := a.TryWrite(make([]byte, capacity+5))
	require.NoError(t, err)
	require.Equal(t, capacity, wrote, "what there is room for")
	wrote, err = a.TryWrite([]byte("x"))
	require.NoError(t, err)
	require.Zero(t, wrote)
	_, err = io.ReadFull(b, make([]byte, 10))
	require.NoError(t, err)
	wrote, err = a.TryWrite(make([]byte, 20))
	require.NoError(t, err)
	require.Equal(t, 10, wrote)
}

func TestLatencyInVirtualTime(t *testing.T) {
	arrivals := func(seed uint64) (at []time.Duration) {
		synctest.Test(t, func(t *testing.T) {
			n := Network{Seed: seed, Least: time.Millisecond, Most: 9 * time.Millisecond}
			a, b := n.Pipe("a", "b")
			defer b.Close()
			defer a.Close()
			start := time.Now()
			for range 20 {
				sent := time.Since(start)
				for range 2 {
					_, err := a.Write([]byte("xy"))
					require.NoError(t, err)
				}
				_, err := io.ReadFull(b, make([]byte, 4))
				require.NoError(t, err)
				took := time.Since(start) - sent
				require.True(t, took >= n.Least && took <= n.Most, "%v", took)
				at = append(at, took)
			}
		})
		return at
	}
	require.Equal(t, arrivals(7), arrivals(7), "one seed, one schedule")
	require.NotEqual(t, arrivals(7), arrivals(8))
}

func TestStallAndResetInVirtualTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var n Network
		a, b := n.Pipe("a", "b")
		defer b.Close()
		defer a.Close()
		b.Stall(true)
		_, err := a.Write([]byte("x"))
		require.NoError(t, err)
		require.NoError(t, b.SetReadDeadline(time.Now().Add(time.Hour)))
		_, err = b.Read(make([]byte, 1))
		require.ErrorContains(t, err, "timeout", "a stalled link delivers nothing")
		require.NoError(t, b.SetReadDeadline(time.Time{}))
		time.AfterFunc(time.Hour, func() { b.Stall(false) })
		_, err = b.Read(make([]byte, 1))
		require.NoError(t, err, "and loses nothing")
		_, err = a.Write([]byte("lost"))
		require.NoError(t, err)
		a.Reset()
		_, err = b.Read(make([]byte, 1))
		require.ErrorContains(t, err, "connection reset")
		_, err = b.Write([]byte("y"))
		require.ErrorContains(t, err, "connection reset")
	})
}

func BenchmarkRoundTrip(b *testing.B) {
	var n Network
	x, y := n.Pipe("x", "y")
	done := make(chan struct{})
	go func() {
		defer close(done)
		buf := make([]byte, 64)
		for {
			if _, err := io.ReadFull(y, buf); err != nil {
				return
			}
			if _, err := y.Write(buf); err != nil {
				return
			}
		}
	}()
	buf := make([]byte, 64)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := x.Write(buf); err != nil {
			b.Fatal(err)
		}
		if _, err := io.ReadFull(x, buf); err != nil {
			b.Fatal(err)
		}
	}
	x.Close()
	y.Close()
	<-done
}
