package zk

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/internal/proto"
)

// refuse accepts the session and refuses its watches.
func (s *script) refuse() {
	s.t.Helper()
	p := s.accept("a:2181")
	p.welcome(9 * time.Second)
	p.reply(p.want(proto.OpSetWatches).xid, proto.SystemError, nil)
	p.wantEnd()
}

// go-zookeeper logs the refusal and leaves the watches silent for ever.
func TestWatchesThatAllServersRefuse(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, s *script) {
		c, p := s.start()
		watch := make(chan *Watch, 1)
		get := async(func() error { _, _, w, err := c.GetW(bg, "/n"); watch <- w; return err })
		p.reply(p.want(proto.OpGetData).xid, 0, &proto.GetDataResponse{})
		require.NoError(t, get.wait())
		w := <-watch
		p.conn.Close()
		for range mostRefusals - 1 {
			s.refuse()
		}
		p = s.accept("a:2181")
		p.welcome(9 * time.Second)
		p.reply(p.want(proto.OpSetWatches).xid, 0, nil)
		go p.answerAll()
		require.Empty(t, w.C, "one that does restore them is enough")
		time.Sleep(longLife)
		p.conn.Close()
		for range mostRefusals {
			require.Empty(t, w.C)
			s.refuse()
		}
		e := <-w.C
		require.Equal(t, EventWatchLost, e.Type)
		require.ErrorIs(t, e.Err, ErrSystemError)
		require.ErrorContains(t, e.Err, "does not restore the watches")
		p = s.accept("a:2181")
		p.welcome(9 * time.Second)
		p.wantSilence()
		require.Equal(t, Connected, c.State(), "the session goes on without them")
		go p.answerAll()
		require.NoError(t, c.Close())
	})
}
