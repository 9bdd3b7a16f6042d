package examples_test

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/zookit/zookit/harness"
	"github.com/zookit/zookit/zk"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// A Setting is a service as users have them: it follows the data of one znode.
type Setting struct {
	mu    sync.Mutex
	value string
}

// Value is the latest that it has seen.
func (s *Setting) Value() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.value
}

// Run follows the znode until ctx ends.
func (s *Setting) Run(ctx context.Context, c *zk.Conn, path string) error {
	for {
		data, _, watch, err := c.GetW(ctx, path)
		if err != nil {
			return err
		}
		s.mu.Lock()
		s.value = string(data)
		s.mu.Unlock()
		select {
		case event := <-watch.C:
			if event.Err != nil {
				return event.Err // the session is lost
			}
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// The service sees each change, also one that is made while it is cut off.
func TestSettingFollowsItsZnode(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := harness.New(t)
		admin, service := e.Connect(), e.Connect()
		_, _, err := admin.Create(t.Context(), "/setting", []byte("v1"), zk.Persistent)
		require.NoError(t, err)

		ctx, stop := context.WithCancel(t.Context())
		var setting Setting
		ended := make(chan error, 1)
		go func() { ended <- setting.Run(ctx, service.Conn, "/setting") }()
		synctest.Wait() // until there is nothing left to do
		require.Equal(t, "v1", setting.Value())

		_, err = admin.Set(t.Context(), "/setting", []byte("v2"), zk.AnyVersion)
		require.NoError(t, err)
		synctest.Wait()
		require.Equal(t, "v2", setting.Value())

		service.Cut()
		_, err = admin.Set(t.Context(), "/setting", []byte("v3"), zk.AnyVersion)
		require.NoError(t, err)
		synctest.Wait()
		require.Equal(t, "v2", setting.Value(), "it is cut off")
		service.Heal()
		time.Sleep(time.Millisecond)
		require.Equal(t, "v3", setting.Value(), "and catches up")

		stop()
		require.ErrorIs(t, <-ended, context.Canceled)
	})
}

// When its session is lost the service ends instead of showing old news.
func TestSettingEndsWithItsSession(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := harness.New(t)
		c := e.Connect(zk.SessionTimeout(30 * time.Second))
		_, _, err := c.Create(t.Context(), "/setting", []byte("v1"), zk.Persistent)
		require.NoError(t, err)

		var setting Setting
		ended := make(chan error, 1)
		go func() { ended <- setting.Run(t.Context(), c.Conn, "/setting") }()
		synctest.Wait()
		start := time.Now()
		c.Cut()
		require.ErrorIs(t, <-ended, zk.ErrSessionExpired)
		require.Equal(t, 30*time.Second, time.Since(start))
	})
}
