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

// modes runs a test on a network in memory, on TCP, and in virtual time.
func modes(t *testing.T, test func(t *testing.T, opts ...harness.Option)) {
	t.Run("memory", func(t *testing.T) { t.Parallel(); test(t) })
	t.Run("tcp", func(t *testing.T) { t.Parallel(); test(t, harness.TCP()) })
	t.Run("bubble", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) { test(t) })
	})
}

func TestMyService(t *testing.T) {
	modes(t, func(t *testing.T, opts ...harness.Option) {
		e := harness.New(t, opts...) // a ZooKeeper of the test's own, gone when the test ends
		c := e.Connect()             // a connected client
		_, _, err := c.Create(t.Context(), "/config", []byte("v1"), zk.Persistent)
		require.NoError(t, err)
		z := e.WantNode("/config", "v1")
		require.EqualValues(t, 0, z.Version)
	})
}

func TestEnsemblesShareNothing(t *testing.T) {
	a, b := harness.New(t), harness.New(t)
	_, _, err := a.Connect().Create(t.Context(), "/a", nil, zk.Persistent)
	require.NoError(t, err)
	b.Connect()
	b.WantNoNode("/a")
	require.Len(t, a.Sessions(), 1)
	require.Len(t, b.Sessions(), 1)
}

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

func TestCutAndHealKeepTheSession(t *testing.T) {
	modes(t, func(t *testing.T, opts ...harness.Option) {
		e := harness.New(t, opts...)
		c := e.Connect()
		_, _, err := c.Create(t.Context(), "/e", nil, zk.Ephemeral)
		require.NoError(t, err)
		session := c.Session()
		c.Cut()
		require.Equal(t, zk.Suspended, c.State())
		require.NoError(t, session.Context().Err(), "a suspended session is not lost")
		c.Heal()
		require.Same(t, session, c.Session())
		e.WantEphemeral("/e", session)
		_, there, err := c.Exists(t.Context(), "/e")
		require.NoError(t, err)
		require.True(t, there)
	})
}

func TestExpireLosesTheSession(t *testing.T) {
	modes(t, func(t *testing.T, opts ...harness.Option) {
		e := harness.New(t, opts...)
		c := e.Connect()
		_, _, err := c.Create(t.Context(), "/e", nil, zk.Ephemeral)
		require.NoError(t, err)
		session := c.Session()
		c.Expire()
		e.WantNoNode("/e")
		<-session.Context().Done()
		_, err = c.WaitState(t.Context(), zk.Connected)
		require.NoError(t, err, "the client begins another session")
		require.NotEqual(t, session.ID(), c.Session().ID())
	})
}

// suspends does something and waits until the client has seen its connection
// go: a call before that would be lost with it.
func suspends(t *testing.T, c *harness.Client, do func()) {
	t.Helper()
	states := c.States(t.Context())
	do()
	for s := range states {
		if s == zk.Suspended {
			return
		}
	}
	t.Fatal("the client was never suspended")
}

func TestCutAndExpireByID(t *testing.T) {
	e := harness.New(t)
	c := e.Connect()
	session := c.Session()
	suspends(t, c, func() { e.Cut(session.ID()) })
	_, err := c.WaitState(t.Context(), zk.Connected)
	require.NoError(t, err)
	require.Same(t, session, c.Session())
	e.Expire(session.ID())
	<-session.Context().Done()
}

func TestRestartKeepsDataSessionsAndAddress(t *testing.T) {
	modes(t, func(t *testing.T, opts ...harness.Option) {
		e := harness.New(t, opts...)
		c := e.Connect()
		_, _, err := c.Create(t.Context(), "/e", []byte("x"), zk.Ephemeral)
		require.NoError(t, err)
		addr, session := e.ConnectString(), c.Session()
		suspends(t, c, e.Restart)
		require.Equal(t, addr, e.ConnectString())
		data, _, err := c.Get(t.Context(), "/e")
		require.NoError(t, err)
		require.Equal(t, "x", string(data))
		require.Same(t, session, c.Session())
	})
}

func TestSnapshotAndRestore(t *testing.T) {
	modes(t, func(t *testing.T, opts ...harness.Option) {
		e := harness.New(t, opts...)
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

func TestIntrospection(t *testing.T) {
	e := harness.New(t)
	c := e.Connect()
	_, _, err := c.Create(t.Context(), "/dir", nil, zk.Persistent)
	require.NoError(t, err)
	_, _, err = c.Create(t.Context(), "/dir/e", []byte("x"), zk.Ephemeral)
	require.NoError(t, err)
	_, _, _, err = c.GetW(t.Context(), "/dir/e")
	require.NoError(t, err)
	_, _, _, err = c.ChildrenW(t.Context(), "/dir")
	require.NoError(t, err)

	var paths []string
	for path := range e.Tree() {
		paths = append(paths, path)
	}
	require.Equal(t, []string{"/", "/dir", "/dir/e", "/zookeeper", "/zookeeper/config", "/zookeeper/quota"}, paths,
		"parents stand before children")
	sessions := e.Sessions()
	require.Len(t, sessions, 1)
	require.Equal(t, c.Session().ID(), sessions[0].ID)
	require.Equal(t, []string{"/dir/e"}, sessions[0].Ephemerals)
	require.True(t, sessions[0].Connected)
	e.WantWatch("/dir/e", "data")
	e.WantWatch("/dir", "children")
	require.Len(t, e.Watches(), 2)
	require.Contains(t, e.Dump(), `/dir/e v0 "x" ephemeral of 0x`)
}

func TestAwaitSeesWhatHappensInTheBackground(t *testing.T) {
	modes(t, func(t *testing.T, opts ...harness.Option) {
		e := harness.New(t, opts...)
		c := e.Connect()
		done := make(chan struct{})
		go func() {
			defer close(done)
			c.Create(t.Context(), "/a", nil, zk.Persistent)
			c.Create(t.Context(), "/a/1", nil, zk.Persistent)
			c.Create(t.Context(), "/a/2", nil, zk.Persistent)
			c.Set(t.Context(), "/a", []byte("x"), zk.AnyVersion)
			c.Create(t.Context(), "/gone", nil, zk.Persistent)
			c.Delete(t.Context(), "/gone", zk.AnyVersion)
		}()
		e.AwaitNode("/a")
		e.AwaitChildren("/a", "2", "1")
		e.AwaitData("/a", "x")
		<-done
		e.AwaitNoNode("/gone")
		e.WantChildren("/a", "1", "2")
	})
}

func TestAssertionsSayWhatIsWrong(t *testing.T) {
	for _, test := range []struct {
		name string
		do   func(e *harness.Ensemble, c *harness.Client)
		want string
	}{
		{"missing node", func(e *harness.Ensemble, c *harness.Client) { e.WantNode("/no", "x") }, `/no is not there; want it with data "x"`},
		{"other data", func(e *harness.Ensemble, c *harness.Client) { e.WantNode("/a", "x") }, `/a has data "v"; want "x"`},
		{"node", func(e *harness.Ensemble, c *harness.Client) { e.WantNoNode("/a") }, `/a is there with data "v"`},
		{"children", func(e *harness.Ensemble, c *harness.Client) { e.WantChildren("/a", "b") }, `/a has the children [c]; want [b]`},
		{"no parent", func(e *harness.Ensemble, c *harness.Client) { e.WantChildren("/no", "b") }, `/no is not there; want it with the children [b]`},
		{"owner", func(e *harness.Ensemble, c *harness.Client) { e.WantEphemeral("/a", c.Session()) }, `/a is owned by session 0x0`},
		{"no ephemeral", func(e *harness.Ensemble, c *harness.Client) { e.WantEphemeral("/no", c.Session()) }, `/no is not there`},
		{"watch", func(e *harness.Ensemble, c *harness.Client) { e.WantWatch("/a", "data") }, `there is no data watch on /a`},
		{"put", func(e *harness.Ensemble, c *harness.Client) { e.Put("/a/", "x") }, `put /a/: bad arguments`},
		{"session", func(e *harness.Ensemble, c *harness.Client) { e.Expire(77) }, `there is no session 0x4d`},
		{"connection", func(e *harness.Ensemble, c *harness.Client) { e.Cut(77) }, `there is no session 0x4d`},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := inside(t, func(r *recorder) {
				e := harness.New(r)
				c := e.Connect()
				c.Create(r.Context(), "/a", []byte("v"), zk.Persistent)
				c.Create(r.Context(), "/a/c", nil, zk.Persistent)
				test.do(e, c)
				t.Error("the assertion let it pass")
			})
			require.Contains(t, r.said(), test.want)
			require.Len(t, r.errors, 1)
		})
	}
}

func TestPutIsAFixture(t *testing.T) {
	e := harness.New(t)
	e.Put("/services/web/1", "up")
	c := e.Connect()
	data, _, watch, err := c.GetW(t.Context(), "/services/web/1")
	require.NoError(t, err)
	require.Equal(t, "up", string(data))
	e.Put("/services/web/1", "down")
	require.Equal(t, zk.EventNodeDataChanged, (<-watch.C).Type)
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
	r = inside(t, func(r *recorder) { harness.New(r, harness.TickTime(-1)) })
	require.Contains(t, r.said(), "tick time")
}

func TestUnknownBackend(t *testing.T) {
	t.Setenv("ZK_HARNESS", "java")
	r := inside(t, func(r *recorder) { harness.New(r) })
	require.Contains(t, r.said(), "ZK_HARNESS=java")
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
