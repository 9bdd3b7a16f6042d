package harness_test

import (
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/harness"
	"github.com/zookit/zookit/zk"
)

func TestLeftSession(t *testing.T) {
	t.Parallel()
	var c *zk.Conn
	r := inside(t, func(r *recorder) {
		e := harness.New(r, harness.TCP())
		var err error
		c, err = zk.Dial(r.Context(), e.ConnectString())
		require.NoError(t, err)
		_, _, err = c.Create(r.Context(), "/mine", nil, zk.Ephemeral)
		require.NoError(t, err)
	})
	c.Close()
	require.Contains(t, r.said(), "harness: left behind: session 0x")
	require.Contains(t, r.said(), "with the ephemerals /mine")
	require.Contains(t, r.said(), "harness: left behind: goroutine", "the goroutines of the open client")
	require.Contains(t, r.said(), "zookit/zk.")
}

func TestLeftWatch(t *testing.T) {
	t.Parallel()
	r := inside(t, func(r *recorder) {
		c := harness.New(r).Connect()
		_, err := c.AddWatch(r.Context(), "/config", zk.WatchPersistent)
		require.NoError(t, err)
		_, _, _, err = c.ExistsW(r.Context(), "/once")
		require.NoError(t, err)
	})
	require.Len(t, r.errors, 1, "a one-shot watch that has not fired is no leak")
	require.Contains(t, r.said(), "left behind: persistent watch on /config by session 0x")
}

func leakGoroutine(stop chan struct{}) { go waitForStop(stop) }

func waitForStop(stop chan struct{}) { <-stop }

func TestLeftGoroutine(t *testing.T) {
	t.Parallel()
	stop := make(chan struct{})
	defer close(stop)
	leakGoroutine(stop) // not of the test inside, which must not be blamed
	leaky := func(r *recorder) {
		harness.New(r).Connect()
		leakGoroutine(stop)
	}
	r := inside(t, leaky)
	require.Len(t, r.errors, 1)
	require.Contains(t, r.said(), "left behind: goroutine")
	require.Contains(t, r.said(), "harness_test.waitForStop")

	r = inside(t, func(r *recorder) {
		harness.New(r, harness.Leaks(harness.LogLeaks)).Connect()
		leakGoroutine(stop)
	})
	require.Empty(t, r.errors)
	require.Contains(t, r.logs[0], "harness_test.waitForStop")

	r = inside(t, func(r *recorder) {
		harness.New(r, harness.Leaks(harness.IgnoreLeaks)).Connect()
		leakGoroutine(stop)
	})
	require.Empty(t, r.errors)
	require.Empty(t, r.logs)
}

func TestNothingLeft(t *testing.T) {
	test := func(t *testing.T) {
		r := inside(t, func(r *recorder) {
			e := harness.New(r)
			c, err := zk.Dial(r.Context(), e.ConnectString(), zk.Dialer(e.DialContext))
			require.NoError(t, err)
			require.NoError(t, c.Close())
			cut := e.Connect()
			cut.Cut() // its session cannot be closed, and is not the test's
			expired := e.Connect()
			expired.Expire()
		})
		require.Empty(t, r.errors)
	}
	t.Run("real time", test)
	t.Run("bubble", func(t *testing.T) { synctest.Test(t, test) })
}
