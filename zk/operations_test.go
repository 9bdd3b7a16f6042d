package zk_test

import (
	"context"
	"crypto/sha1"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/fakezk"
	"github.com/zookit/zookit/internal/javazk"
	"github.com/zookit/zookit/zk"
)

// operations is every operation as a user sees it, on any server. Each case
// has a chroot of its own, and a client with it.
var operations = []struct {
	name string
	f    func(t *testing.T, c *zk.Conn)
}{
	{"get and set", testGetAndSet},
	{"create", testCreate},
	{"delete", testDelete},
	{"containers", testContainers},
	{"ttl", testTTL},
	{"children", testChildren},
	{"exists", testExists},
	{"acl", testACL},
	{"auth", testAuth},
	{"multi", testMulti},
	{"failed multi", testFailedMulti},
	{"multi read", testMultiRead},
	{"transaction", testTxn},
	{"failed transaction", testFailedTxn},
	{"read transaction", testReadTxn},
	{"futures", testFutures},
	{"auth among futures", testAuthAmongFutures},
	{"events of a transaction", testEventsOfTxn},
	{"ephemerals", testEphemerals},
	{"counting", testCounting},
	{"config", testConfig},
	{"reconfig", testReconfig},
	{"data watch", testDataWatch},
	{"exists watch", testExistsWatch},
	{"child watch", testChildWatch},
	{"shared watch", testSharedWatch},
	{"remove watch", testRemoveWatch},
	{"remove watches", testRemoveWatches},
	{"persistent watch", testPersistentWatch},
	{"recursive watch", testRecursiveWatch},
	{"watch loop", testWatchLoop},
	{"check watches", testCheckWatches},
	{"chroot", testChroot},
	{"cancellation", testCancellation},
	{"bad paths", testBadPaths},
	{"large", testLarge},
}

func TestOperationsFake(t *testing.T) {
	for _, op := range operations {
		t.Run(op.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				e := fakezk.New(t, fakezk.ExtendedTypes())
				runOperation(t, op.f, e.ConnectString(), zk.Dialer(e.DialContext))
			})
		})
	}
}

func TestOperationsReal(t *testing.T) {
	for _, version := range []string{"3.9", "3.8"} {
		t.Run(version, func(t *testing.T) {
			s := javazk.Start(t, javazk.Version(version), javazk.Config("extendedTypesEnabled=true"))
			t.Log("version", s.Version())
			for _, op := range operations {
				t.Run(op.name, func(t *testing.T) { runOperation(t, op.f, s.Addr(), zk.SessionTimeout(4*time.Second)) })
			}
		})
	}
}

func runOperation(t *testing.T, f func(*testing.T, *zk.Conn), connect string, opts ...zk.Option) {
	root := dial(t, connect, opts...)
	chroot := "/" + strings.NewReplacer("/", "-", " ", "-").Replace(t.Name())
	_, _, err := root.Create(t.Context(), chroot, nil, zk.Persistent)
	require.NoError(t, err)
	f(t, dial(t, connect+chroot, opts...))
}

// dial makes a client that ends with the test.
func dial(t *testing.T, connect string, opts ...zk.Option) *zk.Conn {
	t.Helper()
	c, err := zk.Dial(t.Context(), connect, opts...)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, c.Close()) })
	return c
}

func must[T any](v T, err error) func(t *testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		require.NoError(t, err)
		return v
	}
}

func create(t *testing.T, c *zk.Conn, path string, mode zk.CreateMode) string {
	t.Helper()
	got, _, err := c.Create(t.Context(), path, []byte(path), mode)
	require.NoError(t, err)
	return got
}

// receive is the event of a one-shot watch, which must be there or come soon.
func receive(t *testing.T, w *zk.Watch) zk.Event {
	t.Helper()
	select {
	case e := <-w.C:
		_, open := <-w.C
		require.False(t, open, "C is closed behind the event")
		return e
	case <-time.After(10 * time.Second):
		require.FailNow(t, "no event")
		return zk.Event{}
	}
}

// silent requires that the watch has not fired. A sync before it makes sure
// that an event would be there.
func silent(t *testing.T, c *zk.Conn, w *zk.Watch) {
	t.Helper()
	require.NoError(t, c.Sync(t.Context(), "/"))
	select {
	case e := <-w.C:
		require.Failf(t, "unexpected event", "%+v", e)
	default:
	}
}

// next is the next event of a persistent watch.
func next(t *testing.T, w *zk.PersistentWatch) (zk.Event, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	for e, err := range w.Events(ctx) {
		return e, err
	}
	return zk.Event{}, errors.New("no event")
}

func wantNext(t *testing.T, w *zk.PersistentWatch, typ zk.EventType, path string) {
	t.Helper()
	e, err := next(t, w)
	require.NoError(t, err)
	require.Equal(t, typ.String()+" "+path, e.Type.String()+" "+e.Path)
}

func testGetAndSet(t *testing.T, c *zk.Conn) {
	ctx := t.Context()
	for _, data := range [][]byte{nil, {}, []byte("data")} {
		path, _, err := c.Create(ctx, "/n", data, zk.Persistent)
		require.NoError(t, err)
		require.Equal(t, "/n", path)
		got, stat, err := c.Get(ctx, "/n")
		require.NoError(t, err)
		require.Equal(t, data, got, "null is nil, empty is not")
		require.EqualValues(t, len(data), stat.DataLength)
		require.NoError(t, c.Delete(ctx, "/n", zk.AnyVersion))
	}
	_, made, err := c.Create(ctx, "/n", nil, zk.Persistent)
	require.NoError(t, err)
	stat, err := c.Set(ctx, "/n", []byte("x"), 0)
	require.NoError(t, err)
	require.EqualValues(t, 1, stat.Version)
	require.Equal(t, made.Czxid, stat.Czxid)
	require.Greater(t, stat.Mzxid, made.Mzxid)
	require.Equal(t, stat.Mzxid, c.LastZxid())
	require.False(t, stat.Modified().Before(stat.Created()))
	_, err = c.Set(ctx, "/n", nil, 0)
	require.ErrorIs(t, err, zk.ErrBadVersion)
	require.EqualError(t, err, "zk: set /n: version does not match")
	require.False(t, zk.MayHaveApplied(err))
	require.False(t, zk.NotSent(err))
	_, err = c.Set(ctx, "/n", nil, zk.AnyVersion)
	require.NoError(t, err)
	_, _, err = c.Get(ctx, "/none")
	require.ErrorIs(t, err, zk.ErrNoNode)
	require.ErrorIs(t, err, fs.ErrNotExist)
	e, ok := errors.AsType[*zk.Error](err)
	require.True(t, ok)
	require.Equal(t, "get /none", e.Op+" "+e.Path)
}

func testCreate(t *testing.T, c *zk.Conn) {
	ctx := t.Context()
	create(t, c, "/p", zk.Persistent)
	_, stat, err := c.Create(ctx, "/p/e", nil, zk.Ephemeral)
	require.NoError(t, err)
	require.Equal(t, c.Session().ID(), stat.EphemeralOwner)
	require.Equal(t, "/p/s-0000000001", create(t, c, "/p/s-", zk.PersistentSequential))
	require.Equal(t, "/p/e-0000000002", create(t, c, "/p/e-", zk.EphemeralSequential))
	require.Equal(t, "/p/0000000003", create(t, c, "/p/", zk.PersistentSequential), "a name of digits alone")
	require.Equal(t, "/0000000001", create(t, c, "/", zk.PersistentSequential), "in the chroot, not beside it")

	_, _, err = c.Create(ctx, "/p", nil, zk.Persistent)
	require.ErrorIs(t, err, zk.ErrNodeExists)
	require.ErrorIs(t, err, fs.ErrExist)
	require.EqualError(t, err, "zk: create /p: node exists")
	_, _, err = c.Create(ctx, "/p/e/x", nil, zk.Persistent)
	require.ErrorIs(t, err, zk.ErrNoChildrenForEphemerals)
	_, _, err = c.Create(ctx, "/q/x", nil, zk.Persistent)
	require.ErrorIs(t, err, zk.ErrNoNode)
	_, _, err = c.Create(ctx, "/x", nil, zk.CreateMode(9))
	require.ErrorIs(t, err, zk.ErrBadArguments)
	require.True(t, zk.NotSent(err))
}

func testDelete(t *testing.T, c *zk.Conn) {
	ctx := t.Context()
	create(t, c, "/p", zk.Persistent)
	create(t, c, "/p/k", zk.Persistent)
	require.ErrorIs(t, c.Delete(ctx, "/p", zk.AnyVersion), zk.ErrNotEmpty)
	require.ErrorIs(t, c.Delete(ctx, "/p/k", 7), zk.ErrBadVersion)
	require.NoError(t, c.Delete(ctx, "/p/k", 0))
	require.ErrorIs(t, c.Delete(ctx, "/p/k", 0), zk.ErrNoNode)
}

func testContainers(t *testing.T, c *zk.Conn) {
	path, stat, err := c.Create(t.Context(), "/c", []byte("x"), zk.Container)
	require.NoError(t, err)
	require.Equal(t, "/c", path)
	require.EqualValues(t, 1, stat.DataLength)
	create(t, c, "/c/k", zk.Persistent)
}

func testTTL(t *testing.T, c *zk.Conn) {
	ctx := t.Context()
	path, stat, err := c.CreateTTL(ctx, "/t", []byte("x"), zk.Persistent, time.Hour)
	require.NoError(t, err)
	require.Equal(t, "/t", path)
	require.EqualValues(t, 1, stat.DataLength)
	path, _, err = c.CreateTTL(ctx, "/t-", nil, zk.PersistentSequential, time.Hour)
	require.NoError(t, err)
	require.Equal(t, "/t-0000000001", path)
	_, _, err = c.CreateTTL(ctx, "/u", nil, zk.Ephemeral, time.Hour)
	require.ErrorIs(t, err, zk.ErrBadArguments)
	_, _, err = c.CreateTTL(ctx, "/u", nil, zk.Persistent, time.Microsecond)
	require.ErrorIs(t, err, zk.ErrBadArguments)
}

func testChildren(t *testing.T, c *zk.Conn) {
	ctx := t.Context()
	create(t, c, "/p", zk.Persistent)
	names, stat, err := c.Children(ctx, "/p")
	require.NoError(t, err)
	require.Empty(t, names)
	require.Zero(t, stat.NumChildren)
	want := []string{"a", "b", "é"}
	for _, name := range want {
		create(t, c, "/p/"+name, zk.Persistent)
	}
	names, stat, err = c.Children(ctx, "/p")
	require.NoError(t, err)
	require.ElementsMatch(t, want, names)
	require.EqualValues(t, 3, stat.NumChildren)
	names, err = c.ChildNames(ctx, "/p")
	require.NoError(t, err)
	require.ElementsMatch(t, want, names)
	_, err = c.ChildNames(ctx, "/none")
	require.ErrorIs(t, err, zk.ErrNoNode)
}

func testExists(t *testing.T, c *zk.Conn) {
	ctx := t.Context()
	_, ok, err := c.Exists(ctx, "/n")
	require.NoError(t, err)
	require.False(t, ok)
	create(t, c, "/n", zk.Persistent)
	stat, ok, err := c.Exists(ctx, "/n")
	require.NoError(t, err)
	require.True(t, ok)
	require.EqualValues(t, 2, stat.DataLength)
}

func testACL(t *testing.T, c *zk.Conn) {
	ctx := t.Context()
	create(t, c, "/n", zk.Persistent)
	acl, stat, err := c.ACL(ctx, "/n")
	require.NoError(t, err)
	require.Equal(t, []zk.ACL{zk.WorldACL(zk.PermAll)}, acl)
	require.Zero(t, stat.Aversion)
	want := []zk.ACL{zk.WorldACL(zk.PermRead | zk.PermAdmin), {Perms: zk.PermWrite, Scheme: "ip", ID: "10.0.0.1"}}
	stat, err = c.SetACL(ctx, "/n", want, 0)
	require.NoError(t, err)
	require.EqualValues(t, 1, stat.Aversion)
	acl, _, err = c.ACL(ctx, "/n")
	require.NoError(t, err)
	require.Equal(t, want, acl)
	_, err = c.Set(ctx, "/n", nil, zk.AnyVersion)
	require.ErrorIs(t, err, zk.ErrNoAuth)
	require.ErrorIs(t, err, fs.ErrPermission)
	_, err = c.SetACL(ctx, "/n", want, 0)
	require.ErrorIs(t, err, zk.ErrBadVersion)
	_, err = c.SetACL(ctx, "/n", nil, zk.AnyVersion)
	require.ErrorIs(t, err, zk.ErrInvalidACL)
}

func testAuth(t *testing.T, c *zk.Conn) {
	ctx := t.Context()
	require.NoError(t, c.AddAuth(ctx, "digest", []byte("bob:secret")))
	require.NoError(t, c.AddAuth(ctx, "digest", []byte("bob:secret")), "twice is once")
	_, _, err := c.Create(ctx, "/mine", nil, zk.Persistent, zk.AuthACL(zk.PermAll))
	require.NoError(t, err)
	acl, _, err := c.ACL(ctx, "/mine")
	require.NoError(t, err)
	require.Equal(t, []zk.ACL{zk.DigestACL(zk.PermAll, "bob", "secret")}, acl)
	sum := sha1.Sum([]byte("bob:secret"))
	require.Equal(t, "bob:"+base64.StdEncoding.EncodeToString(sum[:]), acl[0].ID)
	ids, err := c.WhoAmI(ctx)
	require.NoError(t, err)
	require.Contains(t, ids, zk.Identity{Scheme: "digest", User: "bob"})
}

func testMulti(t *testing.T, c *zk.Conn) {
	ctx := t.Context()
	res, err := c.Multi(ctx)
	require.NoError(t, err)
	require.Empty(t, res)
	create(t, c, "/n", zk.Persistent)
	res, err = c.Multi(ctx,
		zk.CheckOp("/n", 0),
		zk.SetOp("/n", []byte("new"), 0),
		zk.CreateOp("/n/a", []byte("a"), zk.Persistent),
		zk.CreateOp("/n/s-", nil, zk.EphemeralSequential, zk.WorldACL(zk.PermRead)),
		zk.CreateOp("/c", nil, zk.Container),
		zk.CreateTTLOp("/t", nil, zk.Persistent, time.Hour),
		zk.DeleteOp("/n/a", zk.AnyVersion),
	)
	require.NoError(t, err)
	require.Len(t, res, 7)
	for _, r := range res {
		require.NoError(t, r.Err)
	}
	require.EqualValues(t, 1, res[1].Stat.Version)
	require.Equal(t, "/n/a", res[2].Path)
	require.Equal(t, "/n/s-0000000001", res[3].Path)
	require.Equal(t, "/c", res[4].Path)
	require.Equal(t, "/t", res[5].Path)
	_, ok, err := c.Exists(ctx, "/n/a")
	require.NoError(t, err)
	require.False(t, ok)
	acl, _, err := c.ACL(ctx, res[3].Path)
	require.NoError(t, err)
	require.Equal(t, []zk.ACL{zk.WorldACL(zk.PermRead)}, acl)
}

func testFailedMulti(t *testing.T, c *zk.Conn) {
	ctx := t.Context()
	create(t, c, "/n", zk.Persistent)
	res, err := c.Multi(ctx,
		zk.CreateOp("/m", nil, zk.Persistent),
		zk.CreateOp("/n", nil, zk.Persistent),
		zk.DeleteOp("/n", zk.AnyVersion),
	)
	require.ErrorIs(t, err, zk.ErrNodeExists)
	require.EqualError(t, err, "zk: multi: operation 1: create /n: node exists")
	m, ok := errors.AsType[*zk.MultiError](err)
	require.True(t, ok)
	require.Equal(t, 1, m.Index)
	require.Len(t, res, 3)
	require.Equal(t, zk.ErrRolledBack, res[0].Err)
	require.Equal(t, zk.ErrNodeExists, res[1].Err)
	require.Equal(t, zk.ErrRuntimeInconsistency, res[2].Err)
	_, ok, err = c.Exists(ctx, "/m")
	require.NoError(t, err)
	require.False(t, ok)

	_, err = c.Multi(ctx, zk.SetOp("/n", nil, zk.AnyVersion), zk.DeleteOp("n", zk.AnyVersion))
	require.ErrorIs(t, err, zk.ErrBadArguments)
	require.True(t, zk.NotSent(err))
	require.ErrorContains(t, err, "operation 1: delete n")
}

func testMultiRead(t *testing.T, c *zk.Conn) {
	ctx := t.Context()
	create(t, c, "/n", zk.Persistent)
	create(t, c, "/n/k", zk.Persistent)
	res, err := c.MultiRead(ctx, zk.GetOp("/n"), zk.ChildrenOp("/n"), zk.GetOp("/none"))
	require.NoError(t, err)
	require.Len(t, res, 3)
	require.Equal(t, "/n", string(res[0].Data))
	require.EqualValues(t, 1, res[0].Stat.NumChildren)
	require.Equal(t, []string{"k"}, res[1].Children)
	require.ErrorIs(t, res[2].Err, zk.ErrNoNode)
	require.EqualError(t, res[2].Err, "zk: get /none: node does not exist")
}

func testEphemerals(t *testing.T, c *zk.Conn) {
	ctx := t.Context()
	create(t, c, "/a", zk.Persistent)
	create(t, c, "/a/e1", zk.Ephemeral)
	create(t, c, "/a/e12", zk.Ephemeral)
	create(t, c, "/b", zk.Ephemeral)
	for _, all := range []string{"", "/"} {
		require.ElementsMatch(t, []string{"/a/e1", "/a/e12", "/b"}, must(c.Ephemerals(ctx, all))(t))
	}
	require.ElementsMatch(t, []string{"/a/e1", "/a/e12"}, must(c.Ephemerals(ctx, "/a/"))(t))
	require.Equal(t, []string{"/a/e12"}, must(c.Ephemerals(ctx, "/a/e12"))(t))
	require.Empty(t, must(c.Ephemerals(ctx, "/none"))(t))
}

func testCounting(t *testing.T, c *zk.Conn) {
	ctx := t.Context()
	create(t, c, "/a", zk.Persistent)
	create(t, c, "/a/b", zk.Persistent)
	create(t, c, "/a/b/c", zk.Persistent)
	require.Equal(t, 2, must(c.AllChildrenNumber(ctx, "/a"))(t))
	require.Equal(t, 3, must(c.AllChildrenNumber(ctx, "/"))(t))
}

func testConfig(t *testing.T, c *zk.Conn) {
	config, stat, err := c.Config(t.Context())
	require.NoError(t, err, "the chroot does not apply")
	require.Empty(t, config)
	require.Zero(t, stat.NumChildren)
	_, _, w, err := c.ConfigW(t.Context())
	require.NoError(t, err)
	require.NoError(t, w.Close())
	require.Equal(t, "WatchRemoved /zookeeper/config", fmt.Sprint((<-w.C).Type, " /zookeeper/config"))
}

func testReconfig(t *testing.T, c *zk.Conn) {
	_, _, err := c.Reconfig(t.Context(), zk.Reconfiguration{Leaving: []string{"3"}, From: zk.AnyConfig})
	require.ErrorIs(t, err, zk.ErrReconfigDisabled)
}

func testChroot(t *testing.T, c *zk.Conn) {
	ctx := t.Context()
	create(t, c, "/a", zk.Persistent)
	in := c.Chroot("/a")
	create(t, in, "/b", zk.Persistent)
	_, _, err := c.Get(ctx, "/a/b")
	require.NoError(t, err)
	data, _, w, err := in.GetW(ctx, "/")
	require.NoError(t, err)
	require.Equal(t, "/a", string(data))
	require.NoError(t, c.Delete(ctx, "/a/b", zk.AnyVersion))
	require.NoError(t, c.Delete(ctx, "/a", zk.AnyVersion))
	require.Equal(t, "/", receive(t, w).Path)
	require.Equal(t, in.Session(), c.Session())
	res, err := c.Chroot("/").Multi(ctx, zk.CreateOp("/a", nil, zk.Persistent))
	require.NoError(t, err)
	require.Equal(t, "/a", res[0].Path)
	_, _, err = c.Chroot("a").Get(ctx, "/")
	require.ErrorIs(t, err, zk.ErrBadArguments)
}

func testCancellation(t *testing.T, c *zk.Conn) {
	cause := errors.New("enough")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(cause)
	_, _, err := c.Get(ctx, "/")
	require.ErrorIs(t, err, context.Canceled)
	require.ErrorIs(t, err, cause)
	require.True(t, zk.NotSent(err))
}

func testBadPaths(t *testing.T, c *zk.Conn) {
	for _, path := range []string{"", "a", "/a/", "//a", "/a//b", "/.", "/a/..", "/\x00", "/\U0001F600"} {
		_, _, err := c.Get(t.Context(), path)
		require.ErrorIs(t, err, zk.ErrBadArguments, path)
		require.True(t, zk.NotSent(err))
		_, _, err = c.Create(t.Context(), path, nil, zk.Persistent)
		require.ErrorIs(t, err, zk.ErrBadArguments, path)
	}
}

func testLarge(t *testing.T, c *zk.Conn) {
	ctx := t.Context()
	create(t, c, "/n", zk.Persistent)
	big := make([]byte, 900<<10)
	_, err := c.Set(ctx, "/n", big, zk.AnyVersion)
	require.NoError(t, err)
	data, _, err := c.Get(ctx, "/n")
	require.NoError(t, err)
	require.Equal(t, big, data)
	for _, n := range []int{1048575 - 20, 2 << 20} {
		_, err = c.Set(ctx, "/n", make([]byte, n), zk.AnyVersion)
		require.ErrorIs(t, err, zk.ErrBadArguments)
		require.True(t, zk.NotSent(err))
	}
	require.Equal(t, zk.Connected, c.State())
}
