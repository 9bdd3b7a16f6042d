package zk

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/internal/proto"
)

// However much there is to do, no more than a window of it is under way.
func TestPipelineIsBounded(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, s *script) {
		c, p := s.start()
		const n = 3*window + 7
		next := 0
		all := async(func() error {
			call := func(int) *Future[struct{}] { return c.Async().Delete("/n", AnyVersion) }
			return pipeline(bg, n, call, func(i int, _ struct{}, err error) error {
				require.Equal(t, next, i, "in order")
				next++
				return err
			})
		})
		var under []int32
		for range window {
			under = append(under, p.want(proto.OpDelete).xid)
		}
		p.wantSilence()
		for i := range n {
			p.reply(under[i], 0, nil)
			if len(under) < n {
				under = append(under, p.want(proto.OpDelete).xid)
			}
		}
		require.NoError(t, all.wait())
		require.Equal(t, n, next)
		go p.answerAll()
		require.NoError(t, c.Close())
	})
}

// What waits for a connection when a pipeline ends is not done later.
func TestPipelineThatEndsTakesCallsBack(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, s *script) {
		c, p := s.start()
		p.conn.Close()
		synctest.Wait()
		ctx, cancel := context.WithCancel(bg)
		all := async(func() error {
			call := func(int) *Future[struct{}] { return c.Async().Delete("/n", AnyVersion) }
			return pipeline(ctx, 1000, call, func(int, struct{}, error) error { return nil })
		})
		cancel()
		require.ErrorIs(t, all.wait(), context.Canceled)
		p = s.accept("a:2181")
		p.welcome(9 * time.Second)
		p.wantSilence()

		enough := errors.New("enough")
		all = async(func() error {
			call := func(int) *Future[struct{}] { return c.Async().Delete("/n", AnyVersion) }
			return pipeline(bg, 1000, call, func(int, struct{}, error) error { return enough })
		})
		p.reply(p.want(proto.OpDelete).xid, 0, nil)
		require.ErrorIs(t, all.wait(), enough)
		for range window - 1 {
			p.want(proto.OpDelete)
		}
		p.wantSilence()
		p.conn.Close()
		c.Close()
	})
}
