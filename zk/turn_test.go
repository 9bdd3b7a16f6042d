//go:build linux

package zk

import (
	"context"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/fakezk"
	"github.com/zookit/zookit/internal/jute"
	"github.com/zookit/zookit/internal/proto"
	"github.com/zookit/zookit/internal/wire"
)

// These run over TCP and in real time: in a bubble callers never read.

// calmly makes calls until they read their answers themselves.
func calmly(t *testing.T, c *Conn) *link {
	t.Helper()
	l := c.client.connection()
	require.Eventually(t, func() bool {
		for range calmReplies {
			_, _, err := c.Exists(bg, "/")
			require.NoError(t, err)
		}
		if turn := l.turns(); turn != nil && turn.Take() {
			turn.Give()
			return true
		}
		return false
	}, time.Minute, time.Millisecond)
	return l
}

func (c *client) connection() *link {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.link
}

func (l *link) turns() wire.Turn {
	l.client.mu.Lock()
	defer l.client.mu.Unlock()
	return l.turn
}

// takes tells whether nobody has the turn, at some moment.
func takes(t *testing.T, l *link) {
	t.Helper()
	require.Eventually(t, func() bool {
		free := l.turns().Take()
		if free {
			l.turns().Give()
		}
		return free
	}, time.Minute, time.Millisecond)
}

func overTCP(t *testing.T) *Conn {
	t.Helper()
	e, err := fakezk.Listen()
	require.NoError(t, err)
	t.Cleanup(func() { e.Close() })
	c, err := Dial(t.Context(), e.ConnectString())
	require.NoError(t, err)
	t.Cleanup(func() { c.Close() })
	return c
}

func TestWhoeverReadsEventsComeFirst(t *testing.T) {
	c := overTCP(t)
	_, _, err := c.Create(bg, "/n", nil, Persistent)
	require.NoError(t, err)
	calmly(t, c)
	for i := range 500 {
		_, _, w, err := c.GetW(bg, "/n")
		require.NoError(t, err)
		_, err = c.Set(bg, "/n", nil, int32(i))
		require.NoError(t, err)
		select {
		case e := <-w.C:
			require.Equal(t, EventNodeDataChanged, e.Type)
		default:
			t.Fatal("the call that changed the node came back before the event")
		}
	}
}

func TestEventsComeWhileNobodyCalls(t *testing.T) {
	c := overTCP(t)
	_, _, err := c.Create(bg, "/n", nil, Persistent)
	require.NoError(t, err)
	other, err := Dial(bg, c.client.connection().at.name)
	require.NoError(t, err)
	defer other.Close()
	calmly(t, c)
	for range 200 {
		_, _, w, err := c.GetW(bg, "/n")
		require.NoError(t, err)
		_, err = other.Set(bg, "/n", nil, AnyVersion)
		require.NoError(t, err)
		select {
		case <-w.C:
		case <-time.After(time.Minute):
			t.Fatal("nobody reads")
		}
	}
}

func TestCallersMixed(t *testing.T) {
	c := overTCP(t)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for range 20 {
		calmly(t, c)
		var crowd sync.WaitGroup
		for i := range 8 {
			crowd.Go(func() {
				for range 20 {
					var err error
					if i == 0 {
						_, err = c.Async().Exists("/").Wait(ctx)
					} else {
						_, _, err = c.Exists(ctx, "/")
					}
					if err != nil {
						t.Error(err)
					}
				}
			})
		}
		crowd.Wait()
	}
}

// A slowServer answers when it is told to.
func slowServer(t *testing.T) (addr string, answer chan<- bool) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	answers := make(chan bool, 1)
	done := make(chan struct{})
	go func() {
		defer close(done)
		conn, err := l.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		in := wire.NewFrameReader(conn, 1<<20)
		in.Next()
		b, start := wire.BeginFrame(nil)
		conn.Write(wire.EndFrame(proto.ConnectResponse{Timeout: 60000, SessionID: 1, Password: make([]byte, 16)}.AppendTo(b), start))
		for {
			frame, err := in.Next()
			if err != nil {
				return
			}
			var h proto.RequestHeader
			r := jute.NewReader(frame, "")
			if h.Decode(&r); h.Op == proto.OpGetData && !<-answers {
				return
			}
			b, start := wire.BeginFrame(nil)
			b = proto.ReplyHeader{Xid: h.Xid}.AppendTo(b)
			if h.Op == proto.OpGetData {
				b = proto.GetDataResponse{}.AppendTo(b)
			}
			if h.Op == proto.OpExists {
				b = proto.Stat{}.AppendTo(b)
			}
			conn.Write(wire.EndFrame(b, start))
		}
	}()
	t.Cleanup(func() {
		close(answers)
		l.Close()
		<-done
	})
	return l.Addr().String(), answers
}

func dialSlow(t *testing.T) (*Conn, chan<- bool) {
	addr, answer := slowServer(t)
	c, err := Dial(t.Context(), addr)
	require.NoError(t, err)
	t.Cleanup(func() { c.Close() })
	return c, answer
}

func TestCallerLeavesASlowAnswerToTheReader(t *testing.T) {
	c, answer := dialSlow(t)
	for range 3 {
		l := calmly(t, c)
		got := make(chan error, 1)
		go func() {
			_, _, err := c.Get(bg, "/n")
			got <- err
		}()
		time.Sleep(2 * soon)
		takes(t, l)
		answer <- true
		require.NoError(t, <-got)
	}
}

func TestContextEndsWhileTheCallerReads(t *testing.T) {
	c, answer := dialSlow(t)
	calmly(t, c)
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(soon/5, cancel)
	began := time.Now()
	_, _, err := c.Get(ctx, "/n")
	require.ErrorIs(t, err, context.Canceled)
	require.Less(t, time.Since(began), 10*time.Second)
	answer <- true
	_, _, err = c.Exists(bg, "/")
	require.NoError(t, err)
}

func TestConnectionLostWhileTheCallerReads(t *testing.T) {
	c, answer := dialSlow(t)
	calmly(t, c)
	answer <- false
	_, _, err := c.Get(bg, "/n")
	require.ErrorIs(t, err, ErrConnectionLoss)
}

func TestCloseWhileTheCallerReads(t *testing.T) {
	c, answer := dialSlow(t)
	calmly(t, c)
	got := make(chan error, 1)
	go func() {
		_, _, err := c.Get(bg, "/n")
		got <- err
	}()
	time.Sleep(soon / 5)
	answer <- true
	require.NoError(t, c.Close())
	if err := <-got; err != nil { // it may have come behind Close
		require.ErrorIs(t, err, ErrClosed)
	}
}
