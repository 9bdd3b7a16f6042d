package harness_test

import (
	"net"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/zookit/zookit/fakezk"
	"github.com/zookit/zookit/harness"
	"github.com/zookit/zookit/zk"
)

func TestTCPIsAnOrdinaryPort(t *testing.T) {
	e := harness.New(t, harness.TCP())
	nc, err := net.Dial("tcp", e.ConnectString())
	require.NoError(t, err)
	defer nc.Close()
	_, err = nc.Write([]byte("ruok"))
	require.NoError(t, err)
	answer := make([]byte, 4)
	_, err = nc.Read(answer)
	require.NoError(t, err)
	require.Equal(t, "imok", string(answer), "all four-letter words are enabled")
}

func TestSnapshotAndRestore(t *testing.T) {
	fakes(t, func(t *testing.T, m mode) {
		e := m.start(t)
		c := e.Connect()
		_, _, err := c.Create(t.Context(), "/a", []byte("before"), zk.Persistent)
		require.NoError(t, err)
		snapshot := e.Snapshot()
		_, err = c.Set(t.Context(), "/a", []byte("after"), zk.AnyVersion)
		require.NoError(t, err)
		late := e.Connect()
		_, _, err = late.Create(t.Context(), "/late", nil, zk.Ephemeral)
		require.NoError(t, err)
		lost := late.Session()

		suspends(t, c, func() { e.Restore(snapshot) })
		e.WantNode("/a", "before")
		e.WantNoNode("/late")
		<-lost.Context().Done()
		_, stat, err := c.Get(t.Context(), "/a")
		require.NoError(t, err, "a session that the snapshot knows goes on")
		require.EqualValues(t, 0, stat.Version)
	})
}

func TestAwaitGivesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var took time.Duration
		r := inside(t, func(r *recorder) {
			e := harness.New(r)
			start := time.Now()
			defer func() { took = time.Since(start) }()
			e.AwaitNode("/never")
		})
		require.Equal(t, "harness: after 30s: /never is not there", r.said())
		require.Equal(t, 30*time.Second, took)
	})
}

func TestConnectFailsTheTest(t *testing.T) {
	r := inside(t, func(r *recorder) { harness.New(r).Connect(zk.SessionTimeout(-1)) })
	require.Contains(t, r.said(), "harness: connect: ")
}

func TestPropertiesTakeAHarness(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		rapid.SyncTest(rt, func(rt *rapid.T) {
			e := harness.New(rt, harness.Fake(fakezk.Latency(rapid.Uint64().Draw(rt, "seed"), 0, time.Millisecond)))
			c := e.Connect()
			want := []string{"zookeeper"}
			for _, name := range rapid.SliceOfNDistinct(rapid.StringMatching(`[a-z]{1,3}`), 0, 5, rapid.ID).Draw(rt, "names") {
				_, _, err := c.Create(rt.Context(), "/"+name, nil, zk.Persistent)
				require.NoError(rt, err)
				want = append(want, name)
			}
			names, err := c.ChildNames(rt.Context(), "/")
			require.NoError(rt, err)
			slices.Sort(names)
			slices.Sort(want)
			require.Equal(rt, want, names)
		})
	})
}

// A session of 30 s that its client cannot reach: the client knows after 30 s
// of silence, and the server at the end of the tick in which they have passed.
func TestExpiryInVirtualTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		e := harness.New(t)
		a := e.Connect(zk.SessionTimeout(30 * time.Second))
		b := e.Connect()
		_, _, err := a.Create(t.Context(), "/e", nil, zk.Ephemeral)
		require.NoError(t, err)
		_, there, watch, err := b.ExistsW(t.Context(), "/e")
		require.NoError(t, err)
		require.True(t, there)

		session := a.Session()
		a.Cut()
		<-session.Context().Done()
		require.Equal(t, 30*time.Second, time.Since(start), "the client counts from the last it has heard")
		event := <-watch.C
		require.Equal(t, zk.EventNodeDeleted, event.Type)
		require.Equal(t, 33*time.Second, time.Since(start), "the server rounds up to the next tick of 3 s")
		a.Heal()
		require.NotEqual(t, session.ID(), a.Session().ID())
	})
}
