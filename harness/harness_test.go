package harness_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/zookit/zookit/harness"
	"github.com/zookit/zookit/zk"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestMyService(t *testing.T) {
	e := harness.New(t)
	c := e.Connect()
	_, _, err := c.Create(t.Context(), "/config", []byte("v1"), zk.Persistent)
	require.NoError(t, err)
	e.WantNode("/config", "v1")
}

func TestExpiryInABubble(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := harness.New(t)
		a, b := e.Connect(zk.SessionTimeout(30*time.Second)), e.Connect()
		_, _, err := a.Create(t.Context(), "/e", nil, zk.Ephemeral)
		require.NoError(t, err)
		_, there, w, err := b.ExistsW(t.Context(), "/e")
		require.NoError(t, err)
		require.True(t, there)
		start := time.Now()
		a.Cut()
		require.Equal(t, zk.EventNodeDeleted, (<-w.C).Type)
		t.Log(time.Since(start))
	})
}
