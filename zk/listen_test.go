package zk

import (
	"context"
	"errors"
	"io"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/internal/proto"
)

func TestOnState(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, s *script) {
		c, p := s.start()
		var all, few []State
		c.OnState(func(st State) bool {
			if len(all) == 0 {
				time.Sleep(time.Minute) // which holds up nobody
			}
			all = append(all, st)
			return true
		})
		c.OnState(func(st State) bool {
			few = append(few, st)
			return len(few) < 2
		})
		for range 3 {
			p.conn.Close()
			p = s.serve("a:2181")
		}
		time.Sleep(2 * time.Minute)
		require.NoError(t, c.Close())
		require.Equal(t, []State{Connected, Suspended, Connected, Suspended, Connected, Suspended, Connected, Closed}, all)
		require.Equal(t, []State{Connected, Suspended}, few, "until it was false")
		require.Empty(t, c.ears)

		var late []State
		c.OnState(func(st State) bool { late = append(late, st); return true })
		synctest.Wait()
		require.Equal(t, []State{Closed}, late)
	})
}

// go-zookeeper's callbacks run on the goroutine that reads, and Close in one of
// them never returns.
func TestOnStateMayClose(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, s *script) {
		c, p := s.start()
		began := time.Now()
		closed := make(chan time.Duration, 1)
		last := Connecting
		c.OnState(func(st State) bool {
			if st == Suspended {
				c.Close()
				closed <- time.Since(began)
			}
			last = st
			return true
		})
		s.listeners["a:2181"].Close()
		p.conn.Close()
		require.Equal(t, time.Second, <-closed)
		require.Equal(t, time.Second, time.Since(began))
		require.NotNil(t, c.Close(), "the session stays, and Close says so again")
		require.Equal(t, Closed, last)
	})
}

func TestCloseDoesNotWaitLongForOnState(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, s *script) {
		c, p := s.start()
		go p.answerAll()
		block := make(chan struct{})
		c.OnState(func(State) bool { <-block; return true })
		began := time.Now()
		require.NoError(t, c.Close())
		require.Equal(t, time.Second, time.Since(began))
		close(block)
	})
}

func TestConnectedContext(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, s *script) {
		c, p := s.start()
		ctx := c.ConnectedContext()
		require.NoError(t, ctx.Err())
		get := asyncGet(c, bg, "/")
		p.conn.Close()
		require.ErrorIs(t, get.wait(), ErrConnectionLoss)
		require.Error(t, ctx.Err(), "whoever sees the call fail sees it ended")
		require.ErrorIs(t, context.Cause(ctx), ErrConnectionLoss)
		require.ErrorIs(t, context.Cause(ctx), io.EOF)
		require.NoError(t, c.Session().Context().Err())
		require.Error(t, c.ConnectedContext().Err(), "there is no connection")
		s.serve("a:2181")
		next := c.ConnectedContext()
		require.NoError(t, next.Err())
		require.Error(t, ctx.Err())
		require.NoError(t, c.Close())
		require.Equal(t, ErrClosed, context.Cause(next))
	})
	c := newClient(config{}, []string{"a"})
	require.ErrorIs(t, context.Cause(c.attended.Load().ctx), ErrConnectionLoss, "before the first connection")
}

func TestSteadyStates(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, s *script) {
		c, p := s.start(ConnectRetry(RetryForever(0)))
		var all []State
		var at []time.Duration
		began := time.Now()
		go func() {
			for st := range c.SteadyStates(bg, 2*time.Second) {
				all, at = append(all, st), append(at, time.Since(began))
			}
		}()
		flap := func(life time.Duration) {
			time.Sleep(life)
			p.conn.Close()
			p = s.serve("a:2181")
		}
		flap(time.Second)
		for range 10 {
			flap(time.Second) // not long enough to be told
		}
		time.Sleep(10 * time.Second) // 11 s
		p.conn.Close()
		p = s.accept("a:2181")
		p.greet()
		p.respond(proto.ConnectResponse{Password: make([]byte, 16)}) // lost
		s.serve("a:2181")
		time.Sleep(10 * time.Second)
		require.NoError(t, c.Close())
		synctest.Wait()
		require.Equal(t, []State{Connected, Suspended, Connected, Suspended, Lost, Connected, Closed}, all)
		require.Equal(t, []time.Duration{0, 1, 13, 21, 21, 23, 31}, slices.Collect(func(yield func(time.Duration) bool) {
			for _, d := range at {
				yield(d.Truncate(time.Second) / time.Second)
			}
		}))
	})
}

func TestSteadyStatesEndWithTheirContext(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, s *script) {
		c, p := s.start()
		ctx, cancel := context.WithCancelCause(bg)
		var all []State
		done := async(func() error {
			for st := range c.SteadyStates(ctx, time.Hour) {
				all = append(all, st)
			}
			return nil
		})
		p.conn.Close()
		s.serve("a:2181")
		cancel(errors.New("enough"))
		require.NoError(t, done.wait())
		require.Equal(t, []State{Connected, Suspended}, all, "Connected has not lasted")
		require.NoError(t, c.Close())
	})
}
