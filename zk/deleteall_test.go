package zk_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/fakezk"
	"github.com/zookit/zookit/internal/proto"
	"github.com/zookit/zookit/zk"
)

func TestDeleteAllFake(t *testing.T) { playFake(t, deleteAllCases) }
func TestDeleteAllReal(t *testing.T) { playReal(t, deleteAllCases, "3.9") }

var deleteAllCases = []sceneCase{
	{"each way", testDeleteAll},
	{"lost answers", testDeleteAllLost},
	{"while others create", testDeleteAllRaces},
	{"refused", testDeleteAllRefused},
	{"what is not to be deleted", testDeleteAllReserved},
	{"too large for one request", testDeleteAllTooLarge},
	{"the context ends it", testDeleteAllCanceled},
}

// grow makes a tree of so many nodes, wide and deep, and tells how many.
func (s scene) grow(root string) int {
	s.Helper()
	ctx := s.Context()
	paths := []string{root}
	for i := range 300 {
		paths = append(paths, fmt.Sprintf("%s/%d", root, i))
	}
	deep := root
	for range 40 {
		deep += "/d"
		paths = append(paths, deep)
	}
	var all []*zk.Future[zk.Created]
	for _, path := range paths {
		all = append(all, s.other.Async().Create(path, nil, zk.Persistent))
	}
	for _, f := range all {
		_, err := f.Wait(ctx)
		require.NoError(s, err)
	}
	return len(paths)
}

func testDeleteAll(s scene) {
	ctx := s.Context()
	c := s.client(zk.MaxRequest(4096)).Chroot(s.dir)
	for _, opts := range [][]zk.DeleteOption{{}, {zk.InBatches(1)}, {zk.InBatches(7)}, {zk.InBatches(100000)}} {
		s.grow(s.dir + "/a")
		require.NoError(s, c.DeleteAll(ctx, "/a", append(opts, zk.KeepRoot())...))
		require.Equal(s, []string{"a"}, s.children(s.dir, 1))
		s.children(s.dir+"/a", 0)
		require.NoError(s, c.DeleteAll(ctx, "/a", append(opts, zk.KeepRoot())...), "there is nothing")
		require.NoError(s, c.DeleteAll(ctx, "/a", opts...))
		s.children(s.dir, 0)
		require.NoError(s, c.DeleteAll(ctx, "/a", opts...), "there is no node")
	}
	c = s.client().Chroot(s.dir)
	s.grow(s.dir + "/a")
	require.NoError(s, c.DeleteAll(ctx, "/a", zk.AtOnce(), zk.KeepRoot()))
	s.children(s.dir+"/a", 0)
	require.NoError(s, c.DeleteAll(ctx, "/a", zk.AtOnce()))
	s.children(s.dir, 0)
	require.NoError(s, c.DeleteAll(ctx, "/a", zk.AtOnce()))
}

func testDeleteAllLost(s scene) {
	ctx := s.Context()
	c := s.client(zk.CommandRetry(soon))
	s.grow(s.dir + "/a")
	s.thief.stealReplies(proto.OpGetChildren, proto.OpDelete, proto.OpGetChildren, proto.OpDelete)
	require.NoError(s, c.DeleteAll(ctx, s.dir+"/a"))
	require.Equal(s, 4, s.thief.count())
	s.children(s.dir, 0)
	s.grow(s.dir + "/a")
	s.thief.stealReplies(proto.OpMulti)
	s.thief.stealRequests(proto.OpMulti)
	require.NoError(s, c.DeleteAll(ctx, s.dir+"/a", zk.InBatches(50)))
	require.Equal(s, 6, s.thief.count())
	s.children(s.dir, 0)
}

// That nodes come and go meanwhile is no error: it goes on until all is gone.
func testDeleteAllRaces(s scene) {
	ctx, cancel := context.WithTimeout(s.Context(), 30*time.Second)
	defer cancel()
	for _, opts := range [][]zk.DeleteOption{{}, {zk.InBatches(20)}, {zk.AtOnce()}} {
		s.grow(s.dir + "/a")
		c, rival := s.client(), s.client()
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			for i := range 200 {
				rival.Create(ctx, fmt.Sprintf("%s/a/%d/new-%d", s.dir, i%300, i), nil, zk.Persistent)
				rival.Delete(ctx, fmt.Sprintf("%s/a/%d", s.dir, 299-i), zk.AnyVersion)
				rival.Create(ctx, fmt.Sprintf("%s/a/new-%d", s.dir, i), nil, zk.Persistent)
			}
		}()
		require.NoError(s, c.DeleteAll(ctx, s.dir+"/a", opts...))
		<-ended
		s.children(s.dir, 0)
	}
}

func testDeleteAllRefused(s scene) {
	ctx := s.Context()
	c := s.client()
	_, _, err := c.CreateAll(ctx, s.dir+"/a/b/n", nil, zk.Persistent, zk.Parents{})
	require.NoError(s, err)
	_, err = c.SetACL(ctx, s.dir+"/a/b", []zk.ACL{zk.WorldACL(zk.PermAll &^ zk.PermDelete)}, zk.AnyVersion)
	require.NoError(s, err)
	for _, opts := range [][]zk.DeleteOption{{}, {zk.InBatches(20)}, {zk.AtOnce()}} {
		err = c.DeleteAll(ctx, s.dir, opts...)
		require.ErrorIs(s, err, zk.ErrNoAuth)
		require.ErrorContains(s, err, "zk: delete all "+s.dir+": ")
		require.ErrorContains(s, err, "delete "+s.dir+"/a/b/n: ")
	}
	_, err = c.SetACL(ctx, s.dir+"/a/b", []zk.ACL{zk.WorldACL(zk.PermAll &^ zk.PermRead)}, zk.AnyVersion)
	require.NoError(s, err)
	require.ErrorIs(s, c.DeleteAll(ctx, s.dir), zk.ErrNoAuth, "what is below is not known")
	_, err = c.SetACL(ctx, s.dir+"/a/b", []zk.ACL{zk.WorldACL(zk.PermAll)}, zk.AnyVersion)
	require.NoError(s, err)
	require.NoError(s, c.DeleteAll(ctx, s.dir))
}

func testDeleteAllReserved(s scene) {
	ctx := s.Context()
	c := s.client()
	for _, path := range []string{"/", "/zookeeper", "/zookeeper/quota", "/zookeeper/config", "a", "/a/"} {
		require.ErrorIs(s, c.DeleteAll(ctx, path), zk.ErrBadArguments, path)
	}
	for _, path := range []string{"/zookeeper", "/zookeeper/quota", "/zookeeper/config"} {
		require.ErrorIs(s, c.DeleteAll(ctx, path, zk.KeepRoot()), zk.ErrBadArguments, path)
		require.ErrorIs(s, c.Chroot(path).DeleteAll(ctx, "/", zk.KeepRoot()), zk.ErrBadArguments, path)
	}
	in := c.Chroot(s.dir)
	require.ErrorIs(s, in.DeleteAll(ctx, "/"), zk.ErrBadArguments, "the root of a chroot")
	s.grow(s.dir + "/a")
	require.NoError(s, in.DeleteAll(ctx, "/", zk.KeepRoot()))
	s.children(s.dir, 0)

	s.grow(s.dir + "/a")
	_, _, err := s.other.CreateAll(ctx, "/zookeeper/quota"+s.dir+"/q", nil, zk.Persistent, zk.Parents{})
	require.NoError(s, err)
	require.NoError(s, c.DeleteAll(ctx, "/", zk.KeepRoot()))
	require.Equal(s, []string{"zookeeper"}, s.children("/", 1))
	s.children("/zookeeper/quota"+s.dir, 1)
	require.NoError(s, c.DeleteAll(ctx, "/zookeeper/quota"+s.dir), "what clients have made there")
}

func testDeleteAllTooLarge(s scene) {
	ctx := s.Context()
	c := s.client(zk.MaxRequest(2000))
	s.grow(s.dir + "/a")
	err := c.DeleteAll(ctx, s.dir+"/a", zk.AtOnce())
	require.ErrorIs(s, err, zk.ErrBadArguments)
	require.ErrorContains(s, err, "MaxRequest")
	s.children(s.dir+"/a", 301)
	long := s.dir + "/" + strings.Repeat("x", 2500)
	_, _, err = s.other.Create(ctx, long, nil, zk.Persistent)
	require.NoError(s, err)
	require.ErrorIs(s, c.DeleteAll(ctx, s.dir, zk.InBatches(10)), zk.ErrBadArguments)
	require.Equal(s, zk.Connected, c.State())
}

func testDeleteAllCanceled(s scene) {
	c := s.client()
	n := s.grow(s.dir + "/a")
	ctx, cancel := context.WithCancel(s.Context())
	cancel()
	err := c.DeleteAll(ctx, s.dir+"/a")
	require.ErrorIs(s, err, context.Canceled)
	require.Equal(s, n, must(s.other.AllChildrenNumber(s.Context(), s.dir))(s.T))
}

// A tree of 100,000 nodes, of one level and of many.
func TestDeleteAllOfLargeTrees(t *testing.T) {
	for name, path := range map[string]func(i int) string{
		"wide": func(i int) string { return fmt.Sprintf("/a/%d", i) },
		"both": func(i int) string { return fmt.Sprintf("/a/%d/%d/%d", i/10000, i/100, i) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				e := fakezk.New(t)
				c := dial(t, e.ConnectString(), zk.Dialer(e.DialContext))
				for i := range 100_000 {
					require.NoError(t, e.Put(path(i), nil))
				}
				require.NoError(t, c.DeleteAll(t.Context(), "/a"))
				require.Equal(t, 3, must(c.AllChildrenNumber(t.Context(), "/"))(t))
			})
		})
	}
}
