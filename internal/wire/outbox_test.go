package wire

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
	"pgregory.net/rapid"

	"github.com/zookit/zookit/internal/memnet"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func memPair(t testing.TB) (ours, peer net.Conn) {
	var n memnet.Network
	a, b := n.Pipe("127.0.0.1:1", "127.0.0.1:2")
	t.Cleanup(func() { a.Close(); b.Close() })
	return a, b
}

// tcpPair has small buffers, so that a peer that does not read is soon felt.
func tcpPair(t testing.TB) (ours, peer net.Conn) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	ours, err = net.Dial("tcp", l.Addr().String())
	require.NoError(t, err)
	peer, err = l.Accept()
	require.NoError(t, err)
	t.Cleanup(func() { ours.Close(); peer.Close() })
	require.NoError(t, ours.(*net.TCPConn).SetWriteBuffer(32<<10))
	require.NoError(t, peer.(*net.TCPConn).SetReadBuffer(32<<10))
	return ours, peer
}

// blocking hides TryWrite, as TLS would.
type blocking struct{ net.Conn }

// onEach runs a test over each kind of connection.
func onEach(t *testing.T, test func(t *testing.T, ours, peer net.Conn)) {
	for name, pair := range map[string]func(testing.TB) (ours, peer net.Conn){
		"memory": memPair,
		"tcp":    tcpPair,
		"blocking": func(t testing.TB) (net.Conn, net.Conn) {
			a, b := memPair(t)
			return blocking{a}, b
		},
	} {
		t.Run(name, func(t *testing.T) {
			ours, peer := pair(t)
			test(t, ours, peer)
		})
	}
}

// must fails the test if f is not done soon.
func must(t testing.TB, what string, f func()) {
	t.Helper()
	done := make(chan struct{})
	go func() { defer close(done); f() }()
	select {
	case <-done:
	case <-time.After(20 * time.Second):
		t.Fatalf("hangs: %s", what)
	}
}

func send(o *Outbox, b []byte) {
	o.Unlock(append(o.Lock(), b...))
	o.Flush()
}

func numbered(i, size int) []byte {
	return frame(append(binary.BigEndian.AppendUint32(nil, uint32(i)), make([]byte, size)...))
}

// requireNumbered reads frames 0 to n-1.
func requireNumbered(t testing.TB, peer io.Reader, n int) {
	f := NewFrameReader(peer, noLimit)
	for i := range n {
		b, err := f.Next()
		require.NoError(t, err, "frame %d of %d", i, n)
		require.EqualValues(t, i, binary.BigEndian.Uint32(b), "frames leave in the order in which they were appended")
	}
	require.Zero(t, f.end-f.start, "no byte is sent twice")
}

// pending is how many bytes nobody writes yet.
func pending(o *Outbox) int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return len(o.pending)
}

func noError(t testing.TB) func(error) {
	return func(err error) { t.Errorf("onError(%v), but no write fails", err) }
}

// Many append at once; all arrives, in the order of the appends. The last
// frames hang if a flush is lost.
func TestOutboxOrder(t *testing.T) {
	onEach(t, func(t *testing.T, ours, peer net.Conn) {
		const writers, each = 8, 300
		o := NewOutbox(ours, noError(t))
		next := 0 // under o.Lock
		var wg sync.WaitGroup
		for w := range writers {
			wg.Go(func() {
				for i := range each {
					b := o.Lock()
					b = append(b, numbered(next, (w*i)%3000)...)
					next++
					o.Unlock(b)
					if i%3 == 0 {
						o.FlushLater()
					} else {
						o.Flush()
					}
				}
			})
		}
		must(t, "every appended frame arrives", func() { requireNumbered(t, peer, writers*each) })
		wg.Wait()
		require.Zero(t, pending(o))
		ours.Close()
		o.Wait()
	})
}

// A peer that reads one frame before the next is sent never waits for a flush
// by somebody else.
func TestOutboxNoLostFlush(t *testing.T) {
	onEach(t, func(t *testing.T, ours, peer net.Conn) {
		o := NewOutbox(ours, noError(t))
		var wg sync.WaitGroup
		turn := make(chan struct{}, 4)
		for range cap(turn) {
			turn <- struct{}{}
			wg.Go(func() {
				for range turn {
					send(o, frame([]byte("ping")))
				}
			})
		}
		must(t, "a frame is sent by whoever appended it or is writing", func() {
			f := NewFrameReader(peer, noLimit)
			for range 2000 {
				_, err := f.Next()
				require.NoError(t, err)
				turn <- struct{}{}
			}
		})
		close(turn)
		must(t, "the rest", func() {
			wg.Wait()
			o.CloseAfterFlush()
			io.Copy(io.Discard, peer)
			o.Wait()
		})
	})
}

func TestOutboxSlowPeer(t *testing.T) {
	onEach(t, func(t *testing.T, ours, peer net.Conn) {
		const frames, size = 400, 10_000 // 4 MB, more than any buffer
		o := NewOutbox(ours, noError(t))
		must(t, "Flush waits for a peer that does not read", func() {
			for i := range frames {
				send(o, numbered(i, size))
			}
		})
		must(t, "the rest is written when the peer reads again", func() { requireNumbered(t, peer, frames) })
		ours.Close()
		must(t, "Wait", o.Wait)
	})
}

func TestOutboxCloseAfterFlush(t *testing.T) {
	onEach(t, func(t *testing.T, ours, peer net.Conn) {
		const frames, size = 300, 10_000
		o := NewOutbox(ours, noError(t))
		must(t, "CloseAfterFlush waits for a peer that does not read", func() {
			for i := range frames {
				o.Unlock(append(o.Lock(), numbered(i, size)...))
				if i%3 > 0 { // some are flushed by others
					o.Flush()
				}
			}
			o.CloseAfterFlush()
			o.CloseAfterFlush()
			send(o, []byte("too late"))
		})
		must(t, "everything is delivered, then EOF", func() {
			requireNumbered(t, peer, frames)
			n, err := peer.Read(make([]byte, 1))
			require.Zero(t, n, "what is appended after CloseAfterFlush is dropped")
			require.Equal(t, io.EOF, err, "the connection is closed behind the last frame")
			o.Wait()
		})
	})
}

func TestOutboxWaitEndsWriters(t *testing.T) {
	onEach(t, func(t *testing.T, ours, _ net.Conn) {
		o := NewOutbox(ours, func(error) {})
		send(o, make([]byte, 8<<20)) // its writer waits for the peer
		ours.Close()
		must(t, "Wait returns when the connection is closed", o.Wait)
		send(o, []byte("too late"))
		o.CloseAfterFlush()
		require.Zero(t, pending(o), "what is appended to an ended outbox is dropped")
		require.False(t, o.busy, "nobody writes any more")
	})
}

// Whoever appends while the outbox ends does not write behind Wait.
func TestOutboxWaitRacesFlush(t *testing.T) {
	for range 50 {
		c := &script{}
		o := NewOutbox(c, func(error) {})
		var wg sync.WaitGroup
		for range 3 {
			wg.Go(func() {
				for i := range 50 {
					if send(o, []byte("x")); i%3 == 0 {
						o.Unlock(append(o.Lock(), "later"...))
						o.FlushLater()
					}
				}
			})
		}
		c.Close()
		o.Wait()
		writes := c.calls.Load()
		wg.Wait()
		require.Equal(t, writes, c.calls.Load(), "no write begins after Wait has returned")
	}
}

func TestOutboxErrorOnce(t *testing.T) {
	onEach(t, func(t *testing.T, ours, _ net.Conn) {
		var errs atomic.Int32
		o := NewOutbox(ours, func(err error) {
			if !errors.Is(err, net.ErrClosed) {
				t.Errorf("onError(%v), but the connection is closed", err)
			}
			errs.Add(1)
		})
		ours.Close()
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(func() {
				for range 20 {
					send(o, []byte("x"))
				}
			})
		}
		wg.Wait()
		require.Eventually(t, func() bool { return errs.Load() > 0 }, 20*time.Second, 100*time.Microsecond)
		o.Wait()
		require.EqualValues(t, 1, errs.Load(), "the first failure is reported, once")
		require.Zero(t, pending(o), "after a failure what is appended is dropped")
	})
}

// script is a connection that does as a test says, and counts.
type script struct {
	net.Conn
	gate   chan struct{} // Write waits for it, if not nil
	try    func(b []byte) (int, error)
	fail   error
	calls  atomic.Int32 // of Write and TryWrite
	closed atomic.Int32

	mu     sync.Mutex // guards writes
	writes [][]byte
}

func (c *script) record(b []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.writes = append(c.writes, bytes.Clone(b))
}

func (c *script) sent() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return string(bytes.Join(c.writes, nil))
}

func (c *script) Write(b []byte) (int, error) {
	c.calls.Add(1)
	if c.gate != nil {
		<-c.gate
	}
	if c.fail != nil {
		return 0, c.fail
	}
	c.record(b)
	return len(b), nil
}

func (c *script) Close() error { c.closed.Add(1); return nil }

// A tryScript can write without waiting, too.
type tryScript struct{ *script }

func (c tryScript) TryWrite(b []byte) (int, error) {
	c.calls.Add(1)
	n, err := c.try(b)
	c.record(b[:n])
	return n, err
}

func TestOutboxCoalesces(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &script{gate: make(chan struct{})}
		o := NewOutbox(c, noError(t))
		send(o, []byte("first "))
		synctest.Wait() // the writer waits in Write
		for range 100 {
			send(o, []byte("x"))
		}
		require.Equal(t, 100, pending(o))
		close(c.gate)
		synctest.Wait()
		require.Len(t, c.writes, 2, "frames that wait together leave together")
		require.Equal(t, "first "+string(bytes.Repeat([]byte("x"), 100)), c.sent())
	})
}

// Who flushes later writes nothing itself, and what is appended until the
// goroutine has begun leaves with the rest.
func TestOutboxFlushLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &script{gate: make(chan struct{})}
		o := NewOutbox(c, noError(t))
		for range 100 {
			o.Unlock(append(o.Lock(), 'x'))
			o.FlushLater()
		}
		synctest.Wait() // the writer waits in Write
		o.FlushLater()
		close(c.gate)
		synctest.Wait()
		require.LessOrEqual(t, len(c.writes), 2)
		require.Equal(t, string(bytes.Repeat([]byte("x"), 100)), c.sent())
		o.FlushLater() // there is nothing
		c.Close()
		o.Wait()
		o.Unlock(append(o.Lock(), 'x'))
		o.FlushLater()
		synctest.Wait()
		require.Len(t, c.sent(), 100, "nothing is written when the outbox has ended")
	})
}

// Whoever flushes is not held up for ever by others who append.
func TestOutboxFlushIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := tryScript{&script{}}
		o := NewOutbox(c, noError(t))
		tries := 0
		c.try = func(b []byte) (int, error) {
			tries++
			o.Unlock(append(o.Lock(), 'x')) // as another would
			return len(b), nil
		}
		send(o, []byte("x"))
		require.Equal(t, flushRounds, tries, "after some rounds a goroutine takes over")
		synctest.Wait()
		require.Equal(t, "xxxxx", c.sent(), "it writes the rest")
	})
}

// Whatever part of it a connection takes at once, all is written, once.
func TestOutboxPartialWrites(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		parts := rapid.SliceOfN(rapid.IntRange(0, 12), 1, 20).Draw(rt, "taken")
		sizes := rapid.SliceOfN(rapid.IntRange(0, 10), 1, 20).Draw(rt, "sizes")
		rapid.SyncTest(rt, func(rt *rapid.T) {
			c := tryScript{&script{}}
			i := 0
			c.try = func(b []byte) (int, error) {
				i++
				return min(len(b), parts[i%len(parts)]), nil
			}
			o := NewOutbox(c, func(err error) { rt.Errorf("onError(%v)", err) })
			want := ""
			for k, n := range sizes {
				b := bytes.Repeat([]byte{byte('a' + k)}, n)
				want += string(b)
				send(o, b)
			}
			o.CloseAfterFlush()
			synctest.Wait()
			require.Equal(rt, want, c.sent(), "every byte is written once, in order")
			require.EqualValues(rt, 1, c.closed.Load(), "and then the connection is closed")
		})
	})
}

// In every state CloseAfterFlush closes the connection, once, behind what was
// appended.
func TestOutboxClosesOnce(t *testing.T) {
	for name, tc := range map[string]struct {
		before func(c *script, o *Outbox)
		want   string
	}{
		"idle":              {func(*script, *Outbox) {}, ""},
		"appended":          {func(_ *script, o *Outbox) { o.Unlock(append(o.Lock(), "a"...)) }, "a"},
		"writing":           {func(_ *script, o *Outbox) { send(o, []byte("a")) }, "a"},
		"writing, appended": {func(_ *script, o *Outbox) { send(o, []byte("a")); send(o, []byte("b")) }, "ab"},
		"failing": {func(c *script, o *Outbox) {
			c.fail = errors.New("broken")
			send(o, []byte("a"))
		}, ""},
		"failed": {func(c *script, o *Outbox) {
			c.fail = errors.New("broken")
			send(o, []byte("a"))
			c.gate <- struct{}{}
			synctest.Wait()
		}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := &script{gate: make(chan struct{})}
				o := NewOutbox(c, func(error) {})
				tc.before(c, o)
				synctest.Wait()
				o.CloseAfterFlush()
				o.CloseAfterFlush()
				send(o, []byte("too late"))
				synctest.Wait()
				close(c.gate)
				synctest.Wait()
				require.Equal(t, tc.want, c.sent())
				o.CloseAfterFlush()
				require.EqualValues(t, 1, c.closed.Load(), "the connection is closed once")
				o.Wait()
			})
		})
	}
}

// What was appended before CloseAfterFlush is written before the close, with
// whoever else flushes at the same time.
func TestOutboxCloseRacesFlush(t *testing.T) {
	for range 200 {
		c := &script{}
		o := NewOutbox(c, noError(t))
		var wg sync.WaitGroup
		for range 3 {
			wg.Go(func() { send(o, []byte("early ")) })
		}
		wg.Wait()
		for range 2 {
			wg.Go(o.CloseAfterFlush)
			wg.Go(o.Flush)
		}
		wg.Wait()
		o.mu.Lock()
		for o.busy {
			o.idle.Wait()
		}
		o.mu.Unlock()
		require.Equal(t, "early early early ", c.sent())
		require.EqualValues(t, 1, c.closed.Load(), "the connection is closed once")
	}
}

// Who has waited for the outbox hears nothing more of it.
func TestOutboxWaitJoinsOnError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		reported, waited := false, false
		o := NewOutbox(&script{fail: errors.New("broken")}, func(error) {
			<-release
			reported = true
		})
		send(o, []byte("x"))
		synctest.Wait()
		go func() { o.Wait(); waited = true }()
		synctest.Wait()
		require.False(t, waited, "Wait waits for onError")
		close(release)
		synctest.Wait()
		require.True(t, reported && waited, "and returns after it")
	})
}

// An end that the owner brings about is no error.
func TestOutboxNoErrorAfterWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &script{gate: make(chan struct{}), fail: net.ErrClosed}
		o := NewOutbox(c, func(err error) { t.Errorf("onError(%v) after Wait began", err) })
		send(o, []byte("x"))
		go o.Wait()
		synctest.Wait()
		close(c.gate)
		synctest.Wait()
	})
}

// All of it in virtual time, where a lock held over a wait would stop the clock.
func TestOutboxInBubble(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := memnet.Network{Seed: 1, Least: time.Millisecond, Most: 5 * time.Millisecond}
		ours, peer := n.Pipe("127.0.0.1:1", "127.0.0.1:2")
		o := NewOutbox(ours, noError(t))
		start := time.Now()
		peer.Stall(true)
		const frames, size = 300, 10_000
		for i := range frames {
			send(o, numbered(i, size))
		}
		require.Zero(t, time.Since(start), "Flush does not wait")
		time.AfterFunc(time.Hour, func() { peer.Stall(false) })
		requireNumbered(t, peer, frames)
		require.GreaterOrEqual(t, time.Since(start), time.Hour, "the rest is written when the peer reads again")

		send(o, []byte("goodbye"))
		o.CloseAfterFlush()
		b, err := io.ReadAll(peer)
		require.NoError(t, err)
		require.Equal(t, "goodbye", string(b))
		o.Wait()
		peer.Close()
	})
}
