package zk_test

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/fakezk"
	"github.com/zookit/zookit/zk"
)

// Many callers, whose contexts end at any time, over a connection that is cut
// again and again: each gets its own answers, in order, and errors that tell
// the truth. The persistent watch sees every change that it was connected for.
func TestStress(t *testing.T) {
	t.Run("memory", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			e := fakezk.New(t, fakezk.Latency(1, time.Millisecond, 20*time.Millisecond))
			stress(t, on{e.ConnectString(), &cuttable{base: e.DialContext}}, 10*time.Second)
		})
	})
	t.Run("TCP", func(t *testing.T) {
		e, err := fakezk.Listen()
		require.NoError(t, err)
		t.Cleanup(func() { e.Close() })
		stress(t, on{e.ConnectString(), &cuttable{base: new(net.Dialer).DialContext}}, time.Second/2)
	})
}

func stress(t *testing.T, on on, total time.Duration) {
	c := on.dialLink(t)
	session := c.Session()
	ctx, stop := context.WithTimeout(t.Context(), total)
	defer stop()
	var all sync.WaitGroup
	for i := range 16 {
		path := fmt.Sprintf("/n%d", i)
		create(t, c, path, zk.Persistent)
		all.Go(func() { writer(t, ctx, c, path, uint64(i)) })
		all.Go(func() { watcher(t, ctx, c, path) })
	}
	draw := rand.New(rand.NewPCG(7, 7))
	for ctx.Err() == nil {
		time.Sleep(time.Duration(draw.Int64N(int64(total / 20))))
		on.link.cut()
		on.link.heal()
	}
	all.Wait()
	for c.Sync(t.Context(), "/") != nil { // the latest cut may not have been noticed
	}
	require.Equal(t, session, c.Session(), "no cut took so long")
	on.link.mu.Lock()
	defer on.link.mu.Unlock()
	require.Greater(t, on.link.dials, 2, "the connection was cut")
}

// writer counts up in a node that nobody else writes, and checks what it reads.
func writer(t *testing.T, ctx context.Context, c *zk.Conn, path string, seed uint64) {
	draw := rand.New(rand.NewPCG(seed, 1))
	_, err := c.Set(ctx, path, binary.BigEndian.AppendUint64(nil, 0), zk.AnyVersion)
	if zk.MayHaveApplied(err) || zk.NotSent(err) {
		return // cut at once
	}
	least, most := uint64(0), uint64(0) // what the node may hold
	for ctx.Err() == nil {
		one, cancel := context.WithTimeout(ctx, time.Duration(draw.Int64N(int64(50*time.Millisecond))))
		next := most + 1
		_, err := c.Set(one, path, binary.BigEndian.AppendUint64(nil, next), zk.AnyVersion)
		switch {
		case err == nil:
			least, most = next, next
		case zk.NotSent(err):
		case zk.MayHaveApplied(err):
			most = next
		default:
			t.Errorf("set %s: %v", path, err)
		}
		data, _, err := c.Get(one, path)
		cancel()
		if err != nil {
			if !errors.Is(err, zk.ErrConnectionLoss) && !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("get %s: %v", path, err)
			}
			continue
		}
		got := binary.BigEndian.Uint64(data)
		if got < least || got > most {
			t.Errorf("%s holds %d, not %d to %d", path, got, least, most)
		}
	}
}

// watcher takes one-shot watches, each of which must fire: the node is written
// all the time.
func watcher(t *testing.T, ctx context.Context, c *zk.Conn, path string) {
	for ctx.Err() == nil {
		_, stat, w, err := c.GetW(ctx, path)
		if err != nil {
			continue
		}
		select {
		case e := <-w.C:
			if e.Type != zk.EventNodeDataChanged {
				t.Errorf("%s: %+v", path, e)
			}
			if e.Zxid >= 0 && e.Zxid <= stat.Mzxid {
				t.Errorf("%s: event of %#x, but %#x was read before", path, e.Zxid, stat.Mzxid)
			}
		case <-ctx.Done():
		}
	}
}
