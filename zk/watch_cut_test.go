package zk_test

import (
	"context"
	"fmt"
	"net"
	"os"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/fakezk"
	"github.com/zookit/zookit/internal/javazk"
	"github.com/zookit/zookit/zk"
)

// Every node that is watched changes during a cut, and 16 goroutines read from
// the first moment of the next connection: no watch is lost. go-zookeeper, which
// tells the server what it has seen by then instead of what it had seen before,
// loses more than half of 120,000. ZK_WATCHES is how many there are.
func TestWatchesOverACut(t *testing.T) {
	server, err := fakezk.Listen()
	require.NoError(t, err)
	t.Cleanup(func() { server.Close() })
	testWatchesOverACut(t, server.ConnectString(), 10_000)
}

func TestWatchesOverACutReal(t *testing.T) {
	for _, version := range []string{"3.9.5", "3.8.0"} {
		t.Run(version, func(t *testing.T) {
			testWatchesOverACut(t, javazk.Start(t, javazk.Version(version), javazk.TickTime(2000)).Addr(), 10_000)
		})
	}
}

func testWatchesOverACut(t *testing.T, connect string, n int) {
	if s := os.Getenv("ZK_WATCHES"); s != "" {
		var err error
		n, err = strconv.Atoi(s)
		require.NoError(t, err)
	}
	ctx := t.Context()
	link := &cuttable{base: new(net.Dialer).DialContext}
	c := dial(t, connect, zk.SessionTimeout(40*time.Second), zk.Dialer(link.dial))
	other := dial(t, connect, zk.SessionTimeout(40*time.Second))
	session := c.Session()
	path := func(i int) string { return fmt.Sprintf("/watched-%06d", i) }

	made := make([]*zk.Future[zk.Created], n)
	for i := range made {
		made[i] = other.Async().Create(path(i), nil, zk.Persistent)
	}
	waitAll(t, made)
	require.NoError(t, c.Sync(ctx, "/"))
	began := time.Now()
	read := make([]*zk.Future[zk.Got], n)
	for i := range read {
		read[i] = c.Async().GetW(path(i))
	}
	got := waitAll(t, read)
	t.Logf("%d watches armed in %v", n, time.Since(began))

	link.cut()
	_, err := c.WaitState(ctx, zk.Suspended)
	require.NoError(t, err)
	set := make([]*zk.Future[zk.Stat], n)
	for i := range set {
		set[i] = other.Async().Set(path(i), nil, zk.AnyVersion)
	}
	waitAll(t, set)

	reading, stop := context.WithCancel(ctx)
	defer stop()
	var readers sync.WaitGroup
	reads := make([]int, 16)
	for k := range reads {
		readers.Go(func() {
			for i := k; reading.Err() == nil; i = (i + 16) % n {
				if _, _, err := c.Get(reading, path(i)); err == nil {
					reads[k]++
				}
			}
		})
	}
	began = time.Now()
	link.heal()
	require.NoError(t, c.Sync(ctx, "/"), "the answer comes behind all events")
	took := time.Since(began)
	stop()
	readers.Wait()
	lost, done := 0, 0
	for _, g := range got {
		select {
		case e := <-g.Watch.C:
			require.Equal(t, zk.EventNodeDataChanged, e.Type)
		default:
			lost++
		}
	}
	for _, n := range reads {
		done += n
	}
	t.Logf("%d of %d lost; all others told in %v, beside %d reads", lost, n, took, done)
	require.Zero(t, lost)
	require.Equal(t, session, c.Session())
}

func waitAll[T any](t *testing.T, all []*zk.Future[T]) []T {
	t.Helper()
	values := make([]T, len(all))
	for i, f := range all {
		var err error
		values[i], err = f.Wait(t.Context())
		require.NoError(t, err)
	}
	return values
}
