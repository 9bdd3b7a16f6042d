package zk

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/internal/proto"
)

// Close comes back at once whatever the Conn is about, and again with the same.
func TestCloseWhileConnecting(t *testing.T) {
	never := func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }
	hour := ConnectRetry(RetryForever(time.Hour))
	for name, tc := range map[string]struct {
		dial func(ctx context.Context, s *script, addr string) (net.Conn, error)
		more []Option
	}{
		"dials": {dial: func(ctx context.Context, s *script, addr string) (net.Conn, error) { return nil, never(ctx) }},
		"shakes": {dial: func(ctx context.Context, s *script, addr string) (net.Conn, error) {
			return s.net.DialContext(ctx, "tcp", addr)
		}},
		"pauses": {
			dial: func(context.Context, *script, string) (net.Conn, error) { return nil, errors.New("down") },
			more: []Option{hour},
		},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, 1, func(t *testing.T, s *script) {
				first := true
				dial := Dialer(func(ctx context.Context, network, addr string) (net.Conn, error) {
					if first {
						first = false
						return s.net.DialContext(ctx, network, addr)
					}
					return tc.dial(ctx, s, addr)
				})
				c, p := s.start(append(tc.more, dial, LostAfter(0))...)
				closesAtOnce(t, c, p)
			})
		})
	}
	t.Run("looks up", func(t *testing.T) {
		inBubble(t, 1, func(t *testing.T, s *script) {
			n := &names{hosts: map[string][]string{"zk": {"a"}}}
			wait := s.dial("zk", Resolve(n), LostAfter(0))
			p := s.accept("a:2181")
			p.welcome(9 * time.Second)
			c, err := wait()
			require.NoError(t, err)
			n.hush()
			closesAtOnce(t, c, p)
		})
	})
}

func closesAtOnce(t *testing.T, c *Conn, p *peer) {
	p.conn.Close()
	synctest.Wait()
	time.Sleep(time.Second)
	require.Equal(t, Suspended, c.State())
	get := asyncGet(c, bg, "/")
	began := time.Now()
	err := c.Close()
	require.ErrorIs(t, err, ErrConnectionLoss, "the session stays")
	require.Equal(t, err, c.Close())
	require.Equal(t, err, c.Chroot("/view").Close())
	require.Zero(t, time.Since(began))
	require.ErrorIs(t, get.wait(), ErrClosed)
}

func TestDialEndsWithItsContextOnly(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, s *script) {
		ctx, cancel := context.WithCancelCause(t.Context())
		why := errors.New("changed my mind")
		failed := async(func() error {
			_, err := Dial(ctx, "a", s.options()...)
			return err
		})
		time.Sleep(time.Second)
		began := time.Now()
		cancel(why)
		err := failed.wait()
		require.Zero(t, time.Since(began))
		require.ErrorIs(t, err, context.Canceled)
		require.ErrorIs(t, err, why)
	})
	inBubble(t, 1, func(t *testing.T, s *script) {
		ctx, cancel := context.WithCancel(t.Context())
		conns := make(chan *Conn, 1)
		go func() {
			c, err := Dial(ctx, "a", s.options()...)
			require.NoError(t, err)
			conns <- c
		}()
		s.serve("a:2181")
		c := <-conns
		cancel()
		time.Sleep(time.Hour)
		require.Equal(t, Connected, c.State(), "the context was for Dial")
		require.NoError(t, c.Close())
	})
}

// A server that stops answering in the handshake of TLS costs what others cost.
func TestMuteTLS(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, s *script) {
		began := time.Now()
		failed := async(func() error {
			_, err := Dial(t.Context(), "a", s.options(TLS(new(tls.Config)), ConnectRetry(RetryNever()))...)
			return err
		})
		conn, err := s.listeners["a:2181"].Accept()
		require.NoError(t, err)
		defer conn.Close()
		conn.Read(make([]byte, 100)) // part of its hello
		err = failed.wait()
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.Equal(t, 3*time.Second, time.Since(began))
	})
}

// kazoo asks in plain text whether a server of TLS is read-only.
func TestSearchTalksTLS(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, s *script) {
		cfg, err := newConfig(s.options(TLS(new(tls.Config))))
		require.NoError(t, err)
		c := newClient(cfg, []string{"a:2181"})
		defer c.cancel()
		asked := async(func() error {
			if c.writable(bg, endpoint{name: "a:2181", addr: "a:2181"}, time.Second) {
				return errors.New("writable")
			}
			return nil
		})
		conn, err := s.listeners["a:2181"].Accept()
		require.NoError(t, err)
		defer conn.Close()
		b := make([]byte, 1)
		_, err = conn.Read(b)
		require.NoError(t, err)
		require.EqualValues(t, 0x16, b[0], "a record of TLS's handshake")
		require.NoError(t, asked.wait())
	})
}

// What servers send does not put pings off, however much it is.
func TestEventsDoNotStarvePings(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, s *script) {
		c, p := s.start()
		began := time.Now()
		pings := make(chan time.Duration, 10)
		go func() {
			for {
				if _, err := p.in.Next(); err != nil {
					return
				}
				pings <- time.Since(began)
			}
		}()
		for range 100 {
			time.Sleep(100 * time.Millisecond)
			p.event(EventNodeDataChanged, "/n")
		}
		for i := range 3 {
			require.Equal(t, time.Duration(i+1)*3*time.Second, <-pings)
		}
		p.conn.Close()
		c.Close()
	})
}

// What the client sends does not hide that nothing comes back.
func TestRequestsDoNotHideSilence(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, s *script) {
		c, _ := s.start()
		began := time.Now()
		ctx, cancel := context.WithCancel(bg)
		defer cancel()
		done := make(chan struct{})
		go func() {
			defer close(done)
			for ctx.Err() == nil {
				short, end := context.WithTimeout(ctx, 100*time.Millisecond)
				c.Get(short, "/")
				end()
			}
		}()
		_, err := c.WaitState(bg, Suspended)
		require.NoError(t, err)
		require.Equal(t, 6*time.Second, time.Since(began))
		cancel()
		<-done
		c.Close()
	})
}

// What is asked for while there is no connection is sent in order on the next,
// behind the handshake, and what was given up is not.
func TestRequestsWaitInOrder(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, s *script) {
		c, p := s.start()
		s.listeners["a:2181"].Close()
		p.conn.Close()
		synctest.Wait()
		var gets []*result
		ctx, cancel := context.WithCancel(bg)
		for i := range 10 {
			with := bg
			if i == 4 {
				with = ctx
			}
			gets = append(gets, asyncGet(c, with, fmt.Sprint("/", i)))
		}
		cancel()
		err := gets[4].wait()
		require.ErrorIs(t, err, context.Canceled)
		require.True(t, NotSent(err))
		time.Sleep(time.Second)
		l, err := s.net.Listen("a:2181")
		require.NoError(t, err)
		defer l.Close()
		s.listeners["a:2181"] = l
		p = s.accept("a:2181")
		p.welcome(9 * time.Second)
		for i, get := range gets {
			if i == 4 {
				continue
			}
			r := p.want(proto.OpGetData)
			require.Equal(t, fmt.Sprint("/", i), r.path())
			p.reply(r.xid, 0, &proto.GetDataResponse{})
			require.NoError(t, get.wait())
		}
		go p.answerAll()
		require.NoError(t, c.Close())
	})
}
