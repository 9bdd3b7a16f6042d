package harness_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/harness"
	"github.com/zookit/zookit/zk"
)

func testMyService(t *testing.T, m mode) {
	e := m.start(t)  // a ZooKeeper of the test's own, gone when the test ends
	c := e.Connect() // a connected client
	_, _, err := c.Create(t.Context(), "/config", []byte("v1"), zk.Persistent)
	require.NoError(t, err)
	z := e.WantNode("/config", "v1")
	require.EqualValues(t, 0, z.Version)
}

func testSideBySide(t *testing.T, m mode) {
	a, b := m.start(t), m.start(t)
	_, _, err := a.Connect().Create(t.Context(), "/a", nil, zk.Persistent)
	require.NoError(t, err)
	b.Connect()
	b.WantNoNode("/a")
	require.Len(t, a.Sessions(), 1)
	require.Len(t, b.Sessions(), 1)
}

func testCutAndHeal(t *testing.T, m mode) {
	e := m.start(t)
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
}

func testExpire(t *testing.T, m mode) {
	e := m.start(t)
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
}

func testByID(t *testing.T, m mode) {
	e := m.start(t)
	c := e.Connect()
	session := c.Session()
	suspends(t, c, func() { e.Cut(session.ID()) })
	_, err := c.WaitState(t.Context(), zk.Connected)
	require.NoError(t, err)
	require.Same(t, session, c.Session())
	e.Expire(session.ID())
	<-session.Context().Done()
}

func testRestart(t *testing.T, m mode) {
	e := m.start(t)
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
}

func testIntrospection(t *testing.T, m mode) {
	e := m.start(t)
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
	want := []string{"/", "/dir", "/dir/e"}
	if !m.external { // where a test has a chroot
		want = append(want, "/zookeeper", "/zookeeper/config", "/zookeeper/quota")
	}
	require.Equal(t, want, paths, "parents stand before children")
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

func testAwait(t *testing.T, m mode) {
	e := m.start(t)
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
}

func testComplaints(t *testing.T, m mode) {
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
		r := inside(t, func(r *recorder) {
			e := m.start(r)
			c := e.Connect()
			c.Create(r.Context(), "/a", []byte("v"), zk.Persistent)
			c.Create(r.Context(), "/a/c", nil, zk.Persistent)
			test.do(e, c)
			t.Errorf("%s: the assertion let it pass", test.name)
		})
		require.Contains(t, r.said(), test.want, test.name)
		require.Len(t, r.errors, 1, test.name)
	}
}

func testPut(t *testing.T, m mode) {
	e := m.start(t)
	e.Put("/services/web/1", "up")
	c := e.Connect()
	data, _, watch, err := c.GetW(t.Context(), "/services/web/1")
	require.NoError(t, err)
	require.Equal(t, "up", string(data))
	e.Put("/services/web/1", "down")
	require.Equal(t, zk.EventNodeDataChanged, (<-watch.C).Type)
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

// Code under test that dials by itself.
func dial(t require.TestingT, e *harness.Ensemble, opts ...zk.Option) *zk.Conn {
	c, err := zk.Dial(context.Background(), e.ConnectString(), append(opts, zk.Dialer(e.DialContext))...)
	require.NoError(t, err)
	return c
}

func testCodeUnderTest(t *testing.T, m mode) {
	e := m.start(t)
	c := dial(t, e)
	defer c.Close()
	_, _, err := c.Create(t.Context(), "/mine", nil, zk.Ephemeral)
	require.NoError(t, err)
	session := c.Session()
	e.WantEphemeral("/mine", session)
	e.Cut(session.ID())
	e.Expire(session.ID())
	e.WantNoNode("/mine")
	<-session.Context().Done()
	_, err = c.WaitState(t.Context(), zk.Connected)
	require.NoError(t, err)
}

func testLeftSession(t *testing.T, m mode) {
	var c *zk.Conn
	r := inside(t, func(r *recorder) {
		e := m.start(r)
		c = dial(t, e)
		_, _, err := c.Create(r.Context(), "/mine", nil, zk.Ephemeral)
		require.NoError(t, err)
	})
	c.Close()
	require.Contains(t, r.said(), "harness: left behind: session 0x")
	require.Contains(t, r.said(), "with the ephemerals /mine")
	require.Contains(t, r.said(), "harness: left behind: goroutine", "the goroutines of the open client")
	require.Contains(t, r.said(), "zookit/zk.")
}

func testLeftWatch(t *testing.T, m mode) {
	r := inside(t, func(r *recorder) {
		c := m.start(r).Connect()
		_, err := c.AddWatch(r.Context(), "/config", zk.WatchPersistent)
		require.NoError(t, err)
		_, _, _, err = c.ExistsW(r.Context(), "/once")
		require.NoError(t, err)
	})
	require.Len(t, r.errors, 1, "a one-shot watch that has not fired is no leak")
	require.Contains(t, r.said(), "left behind: persistent watch on /config by session 0x")
}

func testNothingLeft(t *testing.T, m mode) {
	r := inside(t, func(r *recorder) {
		e := m.start(r)
		c := dial(t, e)
		_, _, _, err := c.ChildrenW(r.Context(), "/")
		require.NoError(t, err)
		watch, err := c.AddWatch(r.Context(), "/", zk.WatchRecursive)
		require.NoError(t, err)
		require.NoError(t, watch.Close())
		require.NoError(t, c.Close())
		cut := e.Connect()
		cut.Cut() // its session cannot be closed, and is not the test's
		expired := e.Connect()
		expired.Expire()
	})
	require.Empty(t, r.errors)
}

// Watches are followed from arming to firing and removal, over a reconnect too.
func testWatches(t *testing.T, m mode) {
	e := m.start(t)
	e.Put("/a", "1")
	c := e.Connect()
	ctx := t.Context()
	for range 2 { // a second one on the same path counts once
		_, _, _, err := c.GetW(ctx, "/a")
		require.NoError(t, err)
	}
	_, _, absent, err := c.ExistsW(ctx, "/no")
	require.NoError(t, err)
	_, _, _, err = c.ChildrenW(ctx, "/a")
	require.NoError(t, err)
	persistent, err := c.AddWatch(ctx, "/p", zk.WatchPersistent)
	require.NoError(t, err)
	recursive, err := c.AddWatch(ctx, "/r", zk.WatchRecursive)
	require.NoError(t, err)
	_, _, _, err = c.GetW(ctx, "/none")
	require.ErrorIs(t, err, zk.ErrNoNode)
	all := []string{"children /a", "data /a", "data /no", "persistent /p", "recursive /r"}
	require.Equal(t, all, armed(e))

	c.Cut()
	c.Heal()
	_, _, err = c.Get(ctx, "/a") // behind what arms them again
	require.NoError(t, err)
	require.Equal(t, all, armed(e))

	e.Put("/a", "2")
	e.Put("/a/child", "")
	e.Put("/no", "")
	<-absent.C
	e.Put("/p", "")
	e.Put("/r/s", "")
	_, _, err = c.Get(ctx, "/a") // behind all events
	require.NoError(t, err)
	require.NoError(t, persistent.Close())
	require.NoError(t, c.Sync(ctx, "/"))
	require.Equal(t, []string{"recursive /r"}, armed(e))
	require.NoError(t, recursive.Close())
	require.NoError(t, c.Sync(ctx, "/"))
	require.Empty(t, armed(e))
}

func armed(e *harness.Ensemble) (all []string) {
	for _, w := range e.Watches() {
		all = append(all, w.Kind+" "+w.Path)
	}
	slices.Sort(all)
	return all
}

func testStopAndStart(t *testing.T, m mode) {
	e := m.start(t)
	c := e.Connect()
	e.Put("/a", "x")
	s := e.Leader(t.Context())
	require.Contains(t, e.Servers(), s)
	addr := s.Addr()
	for _, end := range []func(){s.Stop, s.Kill} {
		end()
		require.Empty(t, s.Role(t.Context()))
		s.Start()
		require.Equal(t, addr, s.Addr())
		e.Leader(t.Context())
		_, err := c.WaitState(t.Context(), zk.Connected)
		require.NoError(t, err)
		e.WantNode("/a", "x")
	}
}

func testSuperUser(t *testing.T, m mode) {
	e := m.start(t, harness.SuperUser("secret"))
	_, _, err := e.Connect().Create(t.Context(), "/closed", []byte("x"), zk.Persistent, zk.DigestACL(zk.PermRead, "nobody", "x"))
	require.NoError(t, err)
	e.WantNode("/closed", "x")
	super := e.Connect(zk.Auth("digest", []byte("super:secret")))
	_, err = super.Set(t.Context(), "/closed", []byte("y"), zk.AnyVersion)
	require.NoError(t, err)
}

func testOptions(t *testing.T, m mode) {
	e := m.start(t, harness.TickTime(50*time.Millisecond), harness.Config("maxSessionTimeout=1234", "minSessionTimeout=300"))
	require.Equal(t, 1234*time.Millisecond, e.Connect(zk.SessionTimeout(time.Minute)).Session().Timeout())
	require.Equal(t, 300*time.Millisecond, e.Connect(zk.SessionTimeout(200*time.Millisecond)).Session().Timeout())
}

func testTLS(t *testing.T, m mode) {
	e := m.start(t, harness.TLS())
	c := e.Connect()
	_, _, err := c.Create(t.Context(), "/e", nil, zk.Ephemeral)
	require.NoError(t, err)
	e.WantEphemeral("/e", c.Session())
	c.Cut()
	c.Heal()
	e.WantEphemeral("/e", c.Session())
	c.Expire()
	e.WantNoNode("/e")
	_, err = c.WaitState(t.Context(), zk.Connected)
	require.NoError(t, err)
	foreign := dial(t, e)
	require.Len(t, e.Sessions(), 2)
	require.NoError(t, foreign.Close())
}

// A user of SASL can be given what others may not have.
func testUser(t *testing.T, m mode) {
	e := m.start(t, harness.User("alice", "secret"))
	c := e.Connect()
	_, _, err := c.Create(t.Context(), "/hers", []byte("x"), zk.Persistent, zk.ACL{Perms: zk.PermAll, Scheme: "sasl", ID: "alice"})
	require.NoError(t, err, "the scheme is known")
	_, _, err = c.Get(t.Context(), "/hers")
	require.ErrorIs(t, err, zk.ErrNoAuth)
	require.Equal(t, "sasl", e.WantNode("/hers", "x").ACL[0].Scheme)
	alice := e.Connect(zk.SASL(zk.DigestMD5("alice", "secret")))
	alice.Cut()
	alice.Heal()
	_, _, err = alice.Get(t.Context(), "/hers")
	require.NoError(t, err, "she has logged in, on each connection")
}
