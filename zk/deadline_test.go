package zk

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/internal/proto"
)

func TestRequestTimeout(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, s *script) {
		c, p := s.start(RequestTimeout(2 * time.Second))
		began := time.Now()
		wantLate := func(err error, after time.Duration, text string) {
			t.Helper()
			require.Equal(t, after, time.Since(began))
			require.ErrorIs(t, err, ErrRequestTimeout)
			require.ErrorIs(t, err, context.DeadlineExceeded)
			require.ErrorContains(t, err, text)
		}
		_, _, err := c.Get(bg, "/mute")
		wantLate(err, 2*time.Second, "zk: get /mute: request timeout of 2s")
		require.True(t, MayHaveApplied(err))

		// The reply is thrown away, and later ones find their calls. One timer
		// serves one call after the other.
		r := p.want(proto.OpGetData)
		get := asyncGet(c, bg, "/n")
		p.reply(r.xid, 0, data("late"))
		p.wantPaths("/n")
		require.NoError(t, get.wait())
		time.Sleep(time.Second)
		began = time.Now()
		cancelable, cancel := context.WithCancel(bg)
		_, _, err = c.Get(cancelable, "/mute")
		cancel()
		wantLate(err, 2*time.Second, "")

		began = time.Now()
		longer, cancel := context.WithTimeout(bg, 3*time.Second)
		defer cancel()
		_, _, err = c.Get(longer, "/mute")
		require.Equal(t, 3*time.Second, time.Since(began), "a context with a deadline is left alone")
		require.NotErrorIs(t, err, ErrRequestTimeout)

		began = time.Now()
		require.Error(t, c.AddAuth(bg, "digest", []byte("a:b")))
		require.Equal(t, 2*time.Second, time.Since(began))
		c.Close()
	})
}

func TestRequestTimeoutWhileWaiting(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, s *script) {
		c, p := s.start(RequestTimeout(time.Second))
		p.conn.Close()
		synctest.Wait()
		_, _, err := c.Get(bg, "/n")
		require.ErrorIs(t, err, ErrRequestTimeout)
		require.ErrorContains(t, err, "while not connected")
		require.True(t, NotSent(err))
		c.Close()
	})
}

// Futures end in time without anybody who waits, sent or not.
func TestRequestTimeoutOfFutures(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, s *script) {
		c, p := s.start(RequestTimeout(2 * time.Second))
		var order []string
		began := time.Now()
		begin := func(path string) *Future[Got] {
			f := c.Async().Get(path)
			f.OnDone(func(_ Got, err error) {
				order = append(order, path+" at "+time.Since(began).String())
				require.ErrorIs(t, err, ErrRequestTimeout)
				require.ErrorIs(t, err, context.DeadlineExceeded)
			})
			return f
		}
		begin("/1")
		c.Async().Get("/2").Cancel()
		time.Sleep(time.Second)
		begin("/3")
		time.Sleep(2500 * time.Millisecond)
		synctest.Wait()
		require.Equal(t, []string{"/1 at 2s", "/3 at 3s"}, order)
		require.False(t, c.sweeps, "no goroutine is left")

		p.conn.Close()
		synctest.Wait()
		began, order = time.Now(), nil
		waits := begin("/4")
		time.Sleep(2500 * time.Millisecond)
		synctest.Wait()
		_, err := waits.Wait(bg)
		require.True(t, NotSent(err))
		require.Equal(t, []string{"/4 at 2s"}, order)
		c.Close()
	})
}
