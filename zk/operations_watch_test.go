package zk_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/zk"
)

func testDataWatch(t *testing.T, c *zk.Conn) {
	ctx := t.Context()
	_, _, none, err := c.GetW(ctx, "/n")
	require.ErrorIs(t, err, zk.ErrNoNode)
	require.Nil(t, none)
	create(t, c, "/n", zk.Persistent)
	data, _, w, err := c.GetW(ctx, "/n")
	require.NoError(t, err)
	require.Equal(t, "/n", string(data))
	create(t, c, "/n/k", zk.Persistent)
	silent(t, c, w)
	_, err = c.Set(ctx, "/n", nil, zk.AnyVersion)
	require.NoError(t, err)
	e := <-w.C // it is there: events precede replies
	require.Equal(t, zk.EventNodeDataChanged, e.Type)
	require.Equal(t, "/n", e.Path)
	_, _, w, err = c.GetW(ctx, "/n/k")
	require.NoError(t, err)
	require.NoError(t, c.Delete(ctx, "/n/k", zk.AnyVersion))
	require.Equal(t, zk.EventNodeDeleted, receive(t, w).Type)
}

func testExistsWatch(t *testing.T, c *zk.Conn) {
	ctx := t.Context()
	_, ok, w, err := c.ExistsW(ctx, "/n")
	require.NoError(t, err)
	require.False(t, ok)
	create(t, c, "/n", zk.Persistent)
	require.Equal(t, zk.EventNodeCreated, receive(t, w).Type)
	_, ok, w, err = c.ExistsW(ctx, "/n")
	require.NoError(t, err)
	require.True(t, ok)
	require.NoError(t, c.Delete(ctx, "/n", zk.AnyVersion))
	require.Equal(t, zk.EventNodeDeleted, receive(t, w).Type)
}

func testChildWatch(t *testing.T, c *zk.Conn) {
	ctx := t.Context()
	create(t, c, "/n", zk.Persistent)
	_, _, w, err := c.ChildrenW(ctx, "/n")
	require.NoError(t, err)
	_, err = c.Set(ctx, "/n", nil, zk.AnyVersion)
	require.NoError(t, err)
	silent(t, c, w)
	create(t, c, "/n/k", zk.Persistent)
	require.Equal(t, zk.EventNodeChildrenChanged, receive(t, w).Type)
	_, _, root, err := c.ChildrenW(ctx, "/")
	require.NoError(t, err)
	create(t, c, "/m", zk.Persistent)
	require.Equal(t, "/", receive(t, root).Path)
}

func testSharedWatch(t *testing.T, c *zk.Conn) {
	ctx := t.Context()
	create(t, c, "/n", zk.Persistent)
	var all []*zk.Watch
	for range 3 {
		_, _, w, err := c.GetW(ctx, "/n")
		require.NoError(t, err)
		all = append(all, w)
	}
	_, _, w, err := c.ChildrenW(ctx, "/n")
	require.NoError(t, err)
	all = append(all, w)
	require.NoError(t, all[1].Close())
	require.Equal(t, zk.EventWatchRemoved, receive(t, all[1]).Type)
	require.NoError(t, c.Delete(ctx, "/n", zk.AnyVersion))
	for _, i := range []int{0, 2, 3} {
		require.Equal(t, zk.EventNodeDeleted, receive(t, all[i]).Type)
	}
}

func testRemoveWatch(t *testing.T, c *zk.Conn) {
	ctx := t.Context()
	create(t, c, "/n", zk.Persistent)
	_, _, w, err := c.GetW(ctx, "/n")
	require.NoError(t, err)
	require.NoError(t, w.Close())
	require.Equal(t, zk.EventWatchRemoved, receive(t, w).Type)
	require.NoError(t, w.Close(), "again")
	require.ErrorIs(t, c.RemoveWatches(ctx, "/n", zk.KindData), zk.ErrNoWatcher, "the server has forgotten it too")

	_, _, w, err = c.GetW(ctx, "/n")
	require.NoError(t, err)
	_, _, child, err := c.ChildrenW(ctx, "/n")
	require.NoError(t, err)
	require.NoError(t, child.Close())
	_, err = c.Set(ctx, "/n", nil, zk.AnyVersion)
	require.NoError(t, err)
	require.Equal(t, zk.EventNodeDataChanged, receive(t, w).Type, "the other kind stays")
	require.NoError(t, w.Close(), "it has fired")
}

func testRemoveWatches(t *testing.T, c *zk.Conn) {
	ctx := t.Context()
	create(t, c, "/n", zk.Persistent)
	_, _, w, err := c.GetW(ctx, "/n")
	require.NoError(t, err)
	_, _, child, err := c.ChildrenW(ctx, "/n")
	require.NoError(t, err)
	require.NoError(t, c.RemoveWatches(ctx, "/n", zk.KindAny))
	require.Equal(t, zk.EventWatchRemoved, receive(t, w).Type)
	require.Equal(t, zk.EventWatchRemoved, receive(t, child).Type)
	require.ErrorIs(t, c.RemoveWatches(ctx, "/n", zk.KindChildren), zk.ErrNoWatcher)

	p, err := c.AddWatch(ctx, "/n", zk.WatchPersistent)
	require.NoError(t, err)
	require.NoError(t, c.RemoveWatches(ctx, "/n", zk.KindAny))
	wantNext(t, p, zk.EventWatchRemoved, "/n")
}

func testPersistentWatch(t *testing.T, c *zk.Conn) {
	ctx := t.Context()
	w, err := c.AddWatch(ctx, "/n", zk.WatchPersistent)
	require.NoError(t, err)
	create(t, c, "/n", zk.Persistent)
	create(t, c, "/n/k", zk.Persistent)
	_, err = c.Set(ctx, "/n/k", nil, zk.AnyVersion)
	require.NoError(t, err)
	_, err = c.Set(ctx, "/n", nil, zk.AnyVersion)
	require.NoError(t, err)
	require.NoError(t, c.Delete(ctx, "/n/k", zk.AnyVersion))
	require.NoError(t, c.Delete(ctx, "/n", zk.AnyVersion))
	wantNext(t, w, zk.EventNodeCreated, "/n")
	wantNext(t, w, zk.EventNodeChildrenChanged, "/n")
	wantNext(t, w, zk.EventNodeDataChanged, "/n")
	wantNext(t, w, zk.EventNodeChildrenChanged, "/n")
	wantNext(t, w, zk.EventNodeDeleted, "/n")

	again, err := c.AddWatch(ctx, "/n", zk.WatchPersistent)
	require.NoError(t, err)
	require.NoError(t, w.Close())
	wantNext(t, w, zk.EventWatchRemoved, "/n")
	create(t, c, "/n", zk.Persistent)
	wantNext(t, again, zk.EventNodeCreated, "/n")
	require.NoError(t, again.Close())
	require.NoError(t, again.Close(), "again")
	require.ErrorIs(t, c.RemoveWatches(ctx, "/n", zk.KindAny), zk.ErrNoWatcher, "the server has forgotten it too")
}

func testRecursiveWatch(t *testing.T, c *zk.Conn) {
	ctx := t.Context()
	w, err := c.AddWatch(ctx, "/", zk.WatchRecursive)
	require.NoError(t, err)
	deep, err := c.AddWatch(ctx, "/a/b", zk.WatchRecursive)
	require.NoError(t, err)
	create(t, c, "/a", zk.Persistent)
	create(t, c, "/a/b", zk.Persistent)
	create(t, c, "/a/bc", zk.Persistent)
	_, err = c.Set(ctx, "/", nil, zk.AnyVersion)
	require.NoError(t, err)
	_, err = c.Set(ctx, "/a/b", nil, zk.AnyVersion)
	require.NoError(t, err)
	require.NoError(t, c.Delete(ctx, "/a/b", zk.AnyVersion))
	wantNext(t, w, zk.EventNodeCreated, "/a")
	wantNext(t, w, zk.EventNodeCreated, "/a/b")
	wantNext(t, w, zk.EventNodeCreated, "/a/bc")
	wantNext(t, w, zk.EventNodeDataChanged, "/")
	wantNext(t, w, zk.EventNodeDataChanged, "/a/b")
	wantNext(t, w, zk.EventNodeDeleted, "/a/b")
	wantNext(t, deep, zk.EventNodeCreated, "/a/b")
	wantNext(t, deep, zk.EventNodeDataChanged, "/a/b")
	wantNext(t, deep, zk.EventNodeDeleted, "/a/b")
	require.NoError(t, w.Close())
	wantNext(t, w, zk.EventWatchRemoved, "/")
	require.ErrorIs(t, c.RemoveWatches(ctx, "/", zk.KindAny), zk.ErrNoWatcher)
}

func testWatchLoop(t *testing.T, c *zk.Conn) {
	ctx := t.Context()
	create(t, c, "/n", zk.Persistent)
	stop := make(chan struct{})
	var writer sync.WaitGroup
	writer.Go(func() {
		for {
			if _, err := c.Set(ctx, "/n", nil, zk.AnyVersion); err != nil {
				t.Error(err)
			}
			select {
			case <-stop:
				return
			case <-time.After(10 * time.Millisecond):
			}
		}
	})
	defer writer.Wait()
	defer close(stop)
	n := 0
	for e, err := range c.Watch(ctx, "/n", zk.WatchPersistent) {
		require.NoError(t, err)
		require.Equal(t, zk.EventNodeDataChanged, e.Type)
		if n++; n == 3 {
			break
		}
	}
	require.ErrorIs(t, c.RemoveWatches(ctx, "/n", zk.KindAny), zk.ErrNoWatcher, "the server has forgotten it")

	canceled, cancel := context.WithCancel(ctx)
	cancel()
	for _, err := range c.Watch(canceled, "/n", zk.WatchPersistent) {
		require.ErrorIs(t, err, context.Canceled)
	}
}

func testCheckWatches(t *testing.T, c *zk.Conn) {
	ctx := t.Context()
	has := func(kind zk.WatchKind) bool {
		t.Helper()
		return must(c.CheckWatches(ctx, "/n", kind))(t)
	}
	create(t, c, "/n", zk.Persistent)
	require.False(t, has(zk.KindAny))
	_, _, w, err := c.GetW(ctx, "/n")
	require.NoError(t, err)
	require.True(t, has(zk.KindData))
	require.True(t, has(zk.KindAny))
	require.False(t, has(zk.KindChildren))
	_, _, child, err := c.ChildrenW(ctx, "/n")
	require.NoError(t, err)
	require.True(t, has(zk.KindChildren))
	require.NoError(t, w.Close())
	require.False(t, has(zk.KindData))
	require.True(t, has(zk.KindChildren), "the other kind stays")
	create(t, c, "/n/k", zk.Persistent)
	e, err := child.Wait(ctx)
	require.NoError(t, err)
	require.Equal(t, zk.EventNodeChildrenChanged, e.Type)
	require.False(t, has(zk.KindChildren), "it has fired")

	p, err := c.AddWatch(ctx, "/n", zk.WatchPersistent)
	require.NoError(t, err)
	require.True(t, has(zk.KindAny))
	require.NoError(t, p.Close())
	require.False(t, has(zk.KindAny))
	_, err = c.CheckWatches(ctx, "/n", 9)
	require.ErrorIs(t, err, zk.ErrMarshallingError)
	_, err = c.CheckWatches(ctx, "n", zk.KindAny)
	require.ErrorIs(t, err, zk.ErrBadArguments)
	require.True(t, zk.NotSent(err))
}
