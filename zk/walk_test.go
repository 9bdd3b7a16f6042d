package zk_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/internal/proto"
	"github.com/zookit/zookit/zk"
)

func TestWalkFake(t *testing.T) { playFake(t, walkCases) }
func TestWalkReal(t *testing.T) { playReal(t, walkCases, "3.9") }

// Reading children does not need what only newer servers have.
func TestWalkReal35(t *testing.T) { playReal(t, walkCases, "3.5") }

var walkCases = []sceneCase{
	{"order and data", testWalk},
	{"children with data", testChildNodes},
	{"vanished nodes", testWalkVanished},
	{"nodes that may not be read", testWalkNoAuth},
	{"the whole tree", testWalkRoot},
	{"canceled", testWalkCanceled},
}

func (s scene) put(paths ...string) {
	s.Helper()
	for _, path := range paths {
		_, _, err := s.other.Create(s.Context(), s.dir+path, []byte(path), zk.Persistent)
		require.NoError(s, err)
	}
}

// walk is the paths that a walk yields, and its errors.
func walk(ctx context.Context, c *zk.Conn, path string) (paths []string, errs []error) {
	for n, err := range c.Walk(ctx, path) {
		if err != nil {
			errs = append(errs, err)
			continue
		}
		paths = append(paths, n.Path)
	}
	return paths, errs
}

func testWalk(s scene) {
	ctx := s.Context()
	c := s.client(zk.CommandRetry(soon)).Chroot(s.dir)
	s.put("/b", "/a", "/a/z", "/a/y", "/a/y/x", "/c", "/c/d")
	s.thief.stealReplies(proto.OpGetData, proto.OpGetChildren)
	var paths []string
	for n, err := range c.Walk(ctx, "/") {
		require.NoError(s, err)
		paths = append(paths, n.Path)
		if n.Path != "/" {
			require.Equal(s, n.Path, string(n.Data))
			require.EqualValues(s, len(n.Path), n.Stat.DataLength)
		}
	}
	require.Equal(s, []string{"/", "/a", "/a/y", "/a/y/x", "/a/z", "/b", "/c", "/c/d"}, paths)
	require.Equal(s, 2, s.thief.count())
	paths, errs := walk(ctx, c, "/a/y")
	require.Empty(s, errs)
	require.Equal(s, []string{"/a/y", "/a/y/x"}, paths)
	for n := range c.Walk(ctx, "/") {
		if n.Path == "/a/y/x" {
			break // a loop may end anywhere
		}
		require.NotEqual(s, "/b", n.Path)
	}
	paths, errs = walk(ctx, c, "/none")
	require.Empty(s, paths)
	require.Len(s, errs, 1)
	require.ErrorIs(s, errs[0], zk.ErrNoNode)
}

func testChildNodes(s scene) {
	ctx := s.Context()
	c := s.client(zk.CommandRetry(soon)).Chroot(s.dir)
	nodes, stat, err := c.ChildNodes(ctx, "/")
	require.NoError(s, err)
	require.Empty(s, nodes)
	require.Zero(s, stat.NumChildren)
	const n = 600
	for i := range n {
		s.other.Async().Create(fmt.Sprintf("%s/%03d", s.dir, i), []byte{byte(i)}, zk.Persistent)
	}
	s.children(s.dir, n)
	s.thief.stealReplies(proto.OpGetData, proto.OpGetData)
	nodes, stat, err = c.ChildNodes(ctx, "/")
	require.NoError(s, err)
	require.EqualValues(s, n, stat.NumChildren)
	require.Len(s, nodes, n)
	for i, node := range nodes {
		require.Equal(s, fmt.Sprintf("/%03d", i), node.Path)
		require.Equal(s, []byte{byte(i)}, node.Data)
		require.EqualValues(s, 1, node.Stat.DataLength)
	}
	require.Equal(s, 2, s.thief.count())
	_, _, err = c.ChildNodes(ctx, "/none")
	require.ErrorIs(s, err, zk.ErrNoNode)
}

// Nodes that are deleted between the list and the reading are left out.
func testWalkVanished(s scene) {
	ctx := s.Context()
	c := s.client().Chroot(s.dir)
	s.put("/a", "/a/k", "/b", "/c", "/c/k")
	var paths []string
	for n, err := range c.Walk(ctx, "/") {
		require.NoError(s, err)
		paths = append(paths, n.Path)
		switch n.Path {
		case "/": // which knows of its children
			require.NoError(s, s.other.Delete(ctx, s.dir+"/b", zk.AnyVersion))
		case "/c": // which knows of its child
			require.NoError(s, s.other.DeleteAll(ctx, s.dir+"/c"))
		}
	}
	require.Equal(s, []string{"/", "/a", "/a/k", "/c"}, paths)
	for range 20 {
		stop, ended := make(chan struct{}), make(chan struct{})
		go func() {
			defer close(ended)
			for i := 0; ; i++ {
				path := fmt.Sprintf("%s/a/%d", s.dir, i%10)
				select {
				case <-stop:
					return
				default:
					s.other.Create(ctx, path, nil, zk.Persistent)
					s.other.Delete(ctx, path, zk.AnyVersion)
				}
			}
		}()
		for range 10 {
			nodes, _, err := c.ChildNodes(ctx, "/a")
			require.NoError(s, err)
			require.NotEmpty(s, nodes)
			_, errs := walk(ctx, c, "/")
			require.Empty(s, errs)
		}
		close(stop)
		<-ended
	}
}

func testWalkNoAuth(s scene) {
	ctx := s.Context()
	c := s.client().Chroot(s.dir)
	s.put("/a", "/a/k", "/b", "/b/k")
	_, err := s.other.SetACL(ctx, s.dir+"/a", []zk.ACL{zk.WorldACL(zk.PermAll &^ zk.PermRead)}, zk.AnyVersion)
	require.NoError(s, err)
	paths, errs := walk(ctx, c, "/")
	require.Equal(s, []string{"/", "/b", "/b/k"}, paths, "the walk goes on beside it")
	require.Len(s, errs, 1)
	require.EqualError(s, errs[0], "zk: get /a: not authorized")
	_, _, err = c.ChildNodes(ctx, "/")
	require.ErrorIs(s, err, zk.ErrNoAuth)
	_, err = s.other.SetACL(ctx, s.dir+"/a", []zk.ACL{zk.WorldACL(zk.PermAll)}, zk.AnyVersion)
	require.NoError(s, err) // the next case may walk over it
}

func testWalkRoot(s scene) {
	s.put("/a")
	paths, errs := walk(s.Context(), s.client(), "/")
	require.Empty(s, errs)
	for _, path := range []string{"/", s.dir, s.dir + "/a", "/zookeeper", "/zookeeper/quota"} {
		require.Contains(s, paths, path)
	}
}

func testWalkCanceled(s scene) {
	c := s.client().Chroot(s.dir)
	s.put("/a", "/b")
	ctx, cancel := context.WithCancel(s.Context())
	defer cancel()
	var errs []error
	for n, err := range c.Walk(ctx, "/") {
		if cancel(); err != nil {
			errs = append(errs, err)
			continue
		}
		require.Equal(s, "/", n.Path)
	}
	require.Len(s, errs, 1)
	require.ErrorIs(s, errs[0], context.Canceled)
}
