package zk

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/internal/proto"
)

func TestDetach(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, s *script) {
		c, p := s.start()
		get := asyncGet(c, bg, "/n")
		type left struct {
			id       int64
			password []byte
			err      error
		}
		result := make(chan left, 1)
		go func() {
			id, password, err := c.Detach()
			result <- left{id, password, err}
		}()
		synctest.Wait()
		p.reply(p.want(proto.OpGetData).xid, 0, &proto.GetDataResponse{})
		require.NoError(t, get.wait(), "what was called before is answered")
		p.reply(p.want(proto.OpExists).xid, 0, &proto.Stat{})
		r := <-result
		require.NoError(t, r.err)
		p.wantEnd() // and no closeSession
		require.EqualValues(t, sessionID, r.id)
		require.Len(t, r.password, 16)
		require.Equal(t, Closed, c.State())
		require.Equal(t, ErrClosed, context.Cause(c.Session().Context()))
		_, _, err := c.Get(bg, "/")
		require.ErrorIs(t, err, ErrClosed)
		require.NoError(t, c.Close(), "it has ended as it should")
		_, _, err = c.Detach()
		require.ErrorIs(t, err, ErrClosed)
		require.EqualError(t, err, "zk: detach: closed")
	})
}

func TestDetachOfMuteServer(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, s *script) {
		c, _ := s.start()
		began := time.Now()
		get := asyncGet(c, bg, "/n")
		_, _, err := c.Detach()
		require.NoError(t, err)
		require.Equal(t, time.Second, time.Since(began))
		err = get.wait()
		require.ErrorIs(t, err, ErrClosed)
		require.True(t, MayHaveApplied(err))
	})
}

func TestDetachWhileSuspended(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, s *script) {
		c, p := s.start()
		s.listeners["a:2181"].Close()
		p.conn.Close()
		synctest.Wait()
		get := asyncGet(c, bg, "/n")
		id, _, err := c.Detach()
		require.NoError(t, err)
		require.EqualValues(t, sessionID, id)
		err = get.wait()
		require.ErrorIs(t, err, ErrClosed)
		require.True(t, NotSent(err))
	})
}

func TestDetachWithoutSession(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, s *script) {
		c, p := s.start()
		s.listeners["a:2181"].Close()
		p.conn.Close()
		_, err := c.WaitState(bg, Lost)
		require.NoError(t, err)
		_, _, err = c.Detach()
		require.ErrorIs(t, err, ErrSessionExpired)
		require.Equal(t, Closed, c.State(), "it has ended all the same")
	})
	inBubble(t, 1, func(t *testing.T, s *script) {
		c, p := s.start(OneSession())
		s.listeners["a:2181"].Close()
		p.conn.Close()
		_, err := c.WaitState(bg, Closed)
		require.NoError(t, err)
		_, _, err = c.Detach()
		require.ErrorIs(t, err, ErrSessionExpired)
	})
}
