package bench

import (
	"flag"
	"fmt"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/zookit/zookit/harness"
	"github.com/zookit/zookit/zk"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// TestExpiryInABubble is a test and, with -bench, prints a line like those of
// benchmarks: synctest.Test takes a *testing.T only. One operation is a server,
// two clients, an ephemeral, the expiry of its session of 30 s, the event that
// tells of it, and the end of all.
func TestExpiryInABubble(t *testing.T) {
	if flag.Lookup("test.bench").Value.String() == "" {
		synctest.Test(t, expire)
		return
	}
	const n = 2000
	start := time.Now()
	for range n {
		synctest.Test(t, expire)
	}
	fmt.Fprintf(os.Stdout, "BenchmarkExpiryInABubble %d %.0f ns/op\n", n, float64(time.Since(start).Nanoseconds())/n)
}

func expire(t *testing.T) {
	// The second look for goroutines, beside that of the bubble, costs more
	// than the rest.
	e := harness.New(t, harness.Leaks(harness.IgnoreLeaks), harness.LogLevel(100))
	worker, observer := e.Connect(zk.SessionTimeout(30*time.Second)), e.Connect()
	if _, _, err := worker.Create(t.Context(), "/worker", nil, zk.Ephemeral); err != nil {
		t.Fatal(err)
	}
	_, _, gone, err := observer.ExistsW(t.Context(), "/worker")
	if err != nil {
		t.Fatal(err)
	}
	start := time.Now()
	worker.Link().Cut()
	if event := <-gone.C; event.Type != zk.EventNodeDeleted || time.Since(start) < 30*time.Second {
		t.Fatalf("%v after %v", event.Type, time.Since(start))
	}
}
