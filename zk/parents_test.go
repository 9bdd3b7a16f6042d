package zk_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/internal/proto"
	"github.com/zookit/zookit/zk"
)

func TestParentsFake(t *testing.T) { playFake(t, parentsCases) }
func TestParentsReal(t *testing.T) { playReal(t, parentsCases, "3.9") }

var parentsCases = []sceneCase{
	{"ensure", testEnsure},
	{"ensure in a chroot that is not there", testEnsureChroot},
	{"create all", testCreateAll},
	{"parents have an ACL of their own", testParentsACL},
	{"no authority over what exists", testParentsNoAuth},
	{"containers", testParentContainers},
	{"containers of a protected node", testProtectedInContainers},
	{"lost answers", testEnsureLost},
	{"many who create and delete", testParentsRaces},
}

func testEnsure(s scene) {
	ctx := s.Context()
	c := s.client()
	created, err := c.Ensure(ctx, s.dir+"/a/b/c", zk.Parents{})
	require.NoError(s, err)
	require.True(s, created)
	created, err = c.Ensure(ctx, s.dir+"/a/b/c", zk.Parents{})
	require.NoError(s, err)
	require.False(s, created)
	created, err = c.Ensure(ctx, "/", zk.Parents{})
	require.NoError(s, err)
	require.False(s, created)
	data, stat, err := c.Get(ctx, s.dir+"/a")
	require.NoError(s, err)
	require.Empty(s, data)
	require.EqualValues(s, 1, stat.NumChildren)

	for _, path := range []string{"", "a", "/a/", "/a//b", "/a/../b"} {
		_, err = c.Ensure(ctx, path, zk.Parents{})
		require.ErrorIs(s, err, zk.ErrBadArguments, path)
		require.True(s, zk.NotSent(err))
	}
	_, _, err = c.Create(ctx, s.dir+"/e", nil, zk.Ephemeral)
	require.NoError(s, err)
	_, err = c.Ensure(ctx, s.dir+"/e/a/b", zk.Parents{})
	require.ErrorIs(s, err, zk.ErrNoChildrenForEphemerals)
	require.ErrorContains(s, err, "zk: ensure "+s.dir+"/e/a/b: zk: create "+s.dir+"/e/a: ")
	require.False(s, zk.MayHaveApplied(err))
}

func testEnsureChroot(s scene) {
	ctx := s.Context()
	c := s.client().Chroot(s.dir + "/apps/one")
	_, _, err := c.Create(ctx, "/n", nil, zk.Persistent)
	require.ErrorIs(s, err, zk.ErrNoNode)
	created, err := c.Ensure(ctx, "/", zk.Parents{})
	require.NoError(s, err)
	require.True(s, created)
	_, _, err = c.Create(ctx, "/n", nil, zk.Persistent)
	require.NoError(s, err)
	require.Equal(s, []string{"one"}, s.children(s.dir+"/apps", 1))

	c = s.client().Chroot(s.dir + "/apps/two")
	made, _, err := c.CreateAll(ctx, "/n-", nil, zk.PersistentSequential, zk.Parents{})
	require.NoError(s, err)
	require.Equal(s, "/n-0000000000", made)
}

func testCreateAll(s scene) {
	ctx := s.Context()
	c := s.client()
	made, stat, err := c.CreateAll(ctx, s.dir+"/a/b/n", []byte("data"), zk.Ephemeral, zk.Parents{})
	require.NoError(s, err)
	require.Equal(s, s.dir+"/a/b/n", made)
	require.Equal(s, c.Session().ID(), stat.EphemeralOwner)
	made, _, err = c.CreateAll(ctx, s.dir+"/q/", nil, zk.PersistentSequential, zk.Parents{})
	require.NoError(s, err)
	require.Equal(s, s.dir+"/q/0000000000", made, "a name of digits alone")
	_, _, err = c.CreateAll(ctx, s.dir+"/a/b/n", nil, zk.Persistent, zk.Parents{})
	require.ErrorIs(s, err, zk.ErrNodeExists)
	data, parent, err := c.Get(ctx, s.dir+"/a/b")
	require.NoError(s, err)
	require.Empty(s, data)
	require.Zero(s, parent.EphemeralOwner)
}

func testParentsACL(s scene) {
	ctx := s.Context()
	c := s.client()
	mine := zk.WorldACL(zk.PermRead | zk.PermDelete)
	_, _, err := c.CreateAll(ctx, s.dir+"/a/b/lock", nil, zk.Persistent, zk.Parents{}, mine)
	require.NoError(s, err)
	theirs := zk.WorldACL(zk.PermAll &^ zk.PermWrite)
	_, _, err = c.CreateAll(ctx, s.dir+"/x/y/lock", nil, zk.Persistent, zk.Parents{ACL: []zk.ACL{theirs}}, mine)
	require.NoError(s, err)
	for path, want := range map[string]zk.ACL{
		"/a": zk.WorldACL(zk.PermAll), "/a/b": zk.WorldACL(zk.PermAll), "/a/b/lock": mine,
		"/x": theirs, "/x/y": theirs, "/x/y/lock": mine,
	} {
		acl, _, err := c.ACL(ctx, s.dir+path)
		require.NoError(s, err)
		require.Equal(s, []zk.ACL{want}, acl, path)
	}
}

func testParentsNoAuth(s scene) {
	ctx := s.Context()
	c := s.client()
	closed := zk.WorldACL(zk.PermAll &^ zk.PermCreate)
	_, _, err := s.other.CreateAll(ctx, s.dir+"/closed/open", nil, zk.Persistent, zk.Parents{})
	require.NoError(s, err)
	_, err = s.other.SetACL(ctx, s.dir+"/closed", []zk.ACL{closed}, zk.AnyVersion)
	require.NoError(s, err)
	_, _, err = c.CreateAll(ctx, s.dir+"/closed/open/a/n", nil, zk.Persistent, zk.Parents{})
	require.NoError(s, err, "what exists needs no authority")
	created, err := c.Ensure(ctx, s.dir+"/closed/open", zk.Parents{})
	require.NoError(s, err)
	require.False(s, created)
	_, err = c.Ensure(ctx, s.dir+"/closed/more/n", zk.Parents{})
	require.ErrorIs(s, err, zk.ErrNoAuth)
	require.ErrorContains(s, err, "create "+s.dir+"/closed/more: ")
}

// A server deletes containers when they are empty again, and nothing else:
// not nodes that were only meant to be containers.
func testParentContainers(s scene) {
	ctx := s.Context()
	c := s.client()
	_, err := c.Ensure(ctx, s.dir+"/plain", zk.Parents{})
	require.NoError(s, err)
	made, _, err := c.CreateAll(ctx, s.dir+"/c/d/n", nil, zk.Persistent, zk.Parents{Container: true})
	require.NoError(s, err)
	s.children(s.dir, 2)
	require.NoError(s, c.Delete(ctx, made, zk.AnyVersion))
	for range 2000 {
		if names, err := s.other.ChildNames(ctx, s.dir); err != nil || len(names) == 1 {
			break
		}
		time.Sleep(50 * time.Millisecond)
	}
	require.Equal(s, []string{"plain"}, s.children(s.dir, 1))
}

func testProtectedInContainers(s scene) {
	ctx := s.Context()
	c := s.client(zk.CommandRetry(soon))
	s.thief.stealReplies(proto.OpCreate2)
	var made string
	lock := s.dir + "/locks/one/lock-"
	err := c.WithParents(ctx, lock, zk.Parents{Container: true}, func(ctx context.Context) (err error) {
		made, _, err = c.CreateProtected(ctx, lock, nil, zk.EphemeralSequential)
		return err
	})
	require.NoError(s, err)
	names := s.children(s.dir+"/locks/one", 1)
	require.Equal(s, made, s.dir+"/locks/one/"+names[0])
	n, ok := zk.Sequence(made)
	require.True(s, ok)
	require.Zero(s, n)
}

func testEnsureLost(s scene) {
	ctx := s.Context()
	c := s.client(zk.CommandRetry(soon))
	s.thief.stealReplies(proto.OpExists, proto.OpCreate2, proto.OpCreate2)
	_, err := c.Ensure(ctx, s.dir+"/a/b/c", zk.Parents{})
	require.NoError(s, err)
	require.Equal(s, 3, s.thief.count())
	_, ok, err := c.Exists(ctx, s.dir+"/a/b/c")
	require.NoError(s, err)
	require.True(s, ok)
}

// Those who create nodes and parents, and those who delete all of it, do not
// make each other fail.
func testParentsRaces(s scene) {
	ctx, cancel := context.WithTimeout(s.Context(), 30*time.Second)
	defer cancel()
	done := make(chan error)
	const creators, each = 4, 25
	for i := range creators {
		c := s.client()
		go func() {
			for n := range each {
				path := fmt.Sprintf("%s/a/b/c/%d-%d", s.dir, i, n)
				if _, _, err := c.CreateAll(ctx, path, nil, zk.Persistent, zk.Parents{}); err != nil {
					done <- err
					return
				}
				if _, err := c.Ensure(ctx, s.dir+"/a/b/c/d", zk.Parents{}); err != nil {
					done <- err
					return
				}
			}
			done <- nil
		}()
	}
	stop, deleted := make(chan struct{}), make(chan error)
	remover := s.client()
	go func() {
		for {
			select {
			case <-stop:
				deleted <- remover.DeleteAll(ctx, s.dir+"/a")
				return
			default:
				if err := remover.DeleteAll(ctx, s.dir+"/a"); err != nil {
					deleted <- err
					<-stop
					return
				}
			}
		}
	}()
	for range creators {
		require.NoError(s, <-done)
	}
	close(stop)
	require.NoError(s, <-deleted)
	s.children(s.dir, 0)
}
