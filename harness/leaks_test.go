package harness_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/harness"
)

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
