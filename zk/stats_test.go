package zk

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/internal/proto"
)

func TestStats(t *testing.T) {
	inBubble(t, 2, func(t *testing.T, s *script) {
		s.listeners["b:2181"].Close()
		wait := s.dial("b,a", Seed(first("b", "a")))
		p := s.accept("a:2181")
		p.welcome(9 * time.Second)
		c, err := wait()
		require.NoError(t, err)
		require.Equal(t, Stats{State: Connected, Server: "a:2181", Session: sessionID, Connections: 1, Failures: 1, Sessions: 1}, c.Stats())

		watched := async(func() error { _, _, _, err := c.ExistsW(bg, "/none"); return err })
		p.reply(p.want(proto.OpExists).xid, proto.NoNode, nil)
		require.NoError(t, watched.wait())
		lasting := async(func() error { _, err := c.AddWatch(bg, "/", WatchRecursive); return err })
		p.reply(p.want(proto.OpAddWatch).xid, 0, nil)
		require.NoError(t, lasting.wait())
		get := asyncGet(c, bg, "/")
		p.want(proto.OpGetData)
		time.Sleep(time.Second)
		p.event(EventNodeDataChanged, "/x")
		time.Sleep(time.Second)
		stats := c.Stats()
		require.EqualValues(t, (4+8+4+5+1)+(4+8+4+1+4)+(4+8+4+1+1), stats.BytesSent)
		require.Equal(t, Stats{
			State: Connected, Server: "a:2181", Session: sessionID, Connections: 1, Failures: 1, Sessions: 1,
			InFlight: 1, ExistWatches: 1, RecursiveWatches: 1, PacketsSent: 3, PacketsReceived: 3,
			BytesSent: stats.BytesSent, BytesReceived: 20 + 20 + 20 + 14, Silence: time.Second,
		}, stats)

		s.listeners["a:2181"].Close()
		p.conn.Close()
		require.ErrorIs(t, get.wait(), ErrConnectionLoss)
		waits := asyncGet(c, bg, "/")
		stats = c.Stats()
		require.Equal(t, Suspended, stats.State)
		require.Equal(t, 1, stats.Waiting)
		require.Zero(t, stats.InFlight)
		require.Zero(t, stats.Silence)
		require.Empty(t, stats.Server)
		c.Close()
		require.ErrorIs(t, waits.wait(), ErrClosed)
		require.Zero(t, c.Stats().Waiting)
		require.Equal(t, Closed, c.Stats().State)
	})
}
