package zk

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestSpawn(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, s *script) {
		c, _ := s.start()
		ended := false
		require.True(t, c.spawn(func(ctx context.Context) {
			<-ctx.Done()
			ended = true
		}))
		c.Close()
		require.True(t, ended, "Close waits for what was spawned")
		require.False(t, c.spawn(func(context.Context) { t.Error("a closed client runs nothing") }))
	})
}
