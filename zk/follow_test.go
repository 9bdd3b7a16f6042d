package zk_test

import (
	"context"
	"fmt"
	"iter"
	"net"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/fakezk"
	"github.com/zookit/zookit/internal/javazk"
	"github.com/zookit/zookit/zk"
)

// A pulled is a loop from which a test takes one value after the other.
type pulled[T any] struct {
	t    *testing.T
	next func() (T, error, bool)
	stop func()
}

func pull[T any](t *testing.T, loop iter.Seq2[T, error]) pulled[T] {
	next, stop := iter.Pull2(loop)
	t.Cleanup(stop)
	return pulled[T]{t, next, stop}
}

// get is the next value, which must come.
func (p pulled[T]) get() T {
	p.t.Helper()
	v, err, ok := p.next()
	require.True(p.t, ok, "the loop has ended")
	require.NoError(p.t, err)
	return v
}

// fail is the error that ends the loop.
func (p pulled[T]) fail() error {
	p.t.Helper()
	_, err, ok := p.next()
	require.True(p.t, ok, "the loop has ended")
	require.Error(p.t, err)
	_, _, ok = p.next()
	require.False(p.t, ok, "nothing follows an error")
	return err
}

// A stage is a server, with a client whose connections can be cut, one that
// sees to changes, and a node of the case's own.
type stage struct {
	*testing.T
	on    on
	other *zk.Conn
	dir   string
}

func (s stage) client(opts ...zk.Option) *zk.Conn { return s.on.dialLink(s.T, opts...) }

// cut ends the connections of the clients, does something before there is
// another, and returns when there is.
func (s stage) cut(c *zk.Conn, do func()) {
	s.Helper()
	s.on.link.cut()
	do()
	s.on.link.heal()
	for c.Sync(s.Context(), "/") != nil { // the cut may not have been noticed
	}
}

// expire ends the session of c, but not c.
func (s stage) expire(c *zk.Conn) {
	s.Helper()
	was := c.Session()
	s.on.link.cut() // or c takes it back
	thief := s.on.dial(s.T, zk.Attach(was.ID(), was.Password()))
	require.NoError(s, thief.Close())
	s.on.link.heal()
	<-was.Context().Done()
	_, err := c.WaitState(s.Context(), zk.Connected)
	require.NoError(s, err)
}

var stages = []struct {
	name string
	f    func(stage)
}{
	{"follow a node", testFollow},
	{"follow children", testFollowChildren},
	{"follow over a cut", testFollowCut},
	{"follow over a lost session", testFollowSession},
	{"follow slowly", testFollowSlowly},
	{"end of follow", testFollowEnds},
	{"forbidden node", testFollowForbidden},
	{"wait for a node", testWaitNode},
	{"settle", testSettle},
	{"listeners", testListeners},
	{"listener of events", testOnEvent},
	{"one zxid", testOneZxid},
	{"watches beside each other", testShared},
}

func TestStagesFake(t *testing.T) {
	for _, version := range []string{"3.9.5", "3.8.0"} {
		for _, tc := range stages {
			t.Run(version+"/"+tc.name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					e := fakezk.New(t, fakezk.Version(version))
					play(t, on{e.ConnectString(), &cuttable{base: e.DialContext}}, tc.f)
				})
			})
		}
	}
}

func TestStagesReal(t *testing.T) {
	for _, version := range []string{"3.9.5", "3.8.0"} {
		server := javazk.Start(t, javazk.Version(version))
		for _, tc := range stages {
			t.Run(version+"/"+tc.name, func(t *testing.T) {
				play(t, on{server.Addr(), &cuttable{base: new(net.Dialer).DialContext}}, tc.f)
			})
		}
	}
}

func play(t *testing.T, on on, f func(stage)) {
	s := stage{t, on, on.dial(t), "/" + strings.NewReplacer("/", "-", " ", "-").Replace(t.Name())}
	_, _, err := s.other.Create(t.Context(), s.dir, nil, zk.Persistent)
	require.NoError(t, err)
	f(s)
}

func testFollow(s stage) {
	c, path := s.client(), s.dir+"/n"
	p := pull(s.T, c.Follow(s.Context(), path))
	require.Equal(s, zk.Node{Path: path}, p.get(), "a node that is not there")
	create(s.T, s.other, path, zk.Persistent)
	n := p.get()
	require.True(s, n.Exists)
	require.Equal(s, path, string(n.Data))
	require.Equal(s, zk.EventNodeCreated, n.Event.Type)
	require.Equal(s, path, n.Event.Path)
	_, err := s.other.Set(s.Context(), path, []byte("2"), 0)
	require.NoError(s, err)
	n = p.get()
	require.Equal(s, "2 1 NodeDataChanged", fmt.Sprint(string(n.Data), " ", n.Stat.Version, " ", n.Event.Type))
	require.NoError(s, s.other.Delete(s.Context(), path, 1))
	n = p.get()
	require.Equal(s, zk.EventNodeDeleted, n.Event.Type)
	n.Event = zk.Event{}
	require.Equal(s, zk.Node{Path: path}, n)
	create(s.T, s.other, path, zk.Persistent)
	require.True(s, p.get().Exists)
}

func testFollowChildren(s stage) {
	c, path := s.client(), s.dir+"/n"
	p := pull(s.T, c.FollowChildren(s.Context(), path))
	require.Equal(s, zk.Children{Path: path}, p.get())
	create(s.T, s.other, path, zk.Persistent)
	n := p.get()
	require.True(s, n.Exists)
	require.Empty(s, n.Names)
	create(s.T, s.other, path+"/b", zk.Persistent)
	require.Equal(s, []string{"b"}, p.get().Names)
	create(s.T, s.other, path+"/a", zk.Persistent)
	n = p.get()
	require.Equal(s, []string{"a", "b"}, n.Names, "sorted")
	require.Equal(s, "NodeChildrenChanged "+path, fmt.Sprint(n.Event.Type, " ", n.Event.Path))
	_, err := s.other.Multi(s.Context(), zk.DeleteOp(path+"/a", zk.AnyVersion), zk.DeleteOp(path+"/b", zk.AnyVersion), zk.DeleteOp(path, zk.AnyVersion))
	require.NoError(s, err)
	for n = p.get(); n.Exists; n = p.get() { // a server tells of the operations one by one
	}
	require.Empty(s, n.Names)
}

// A lost connection ends no loop, shows nothing that is not new, and hides
// nothing that is.
func testFollowCut(s stage) {
	c, path := s.client(), s.dir+"/n"
	create(s.T, s.other, path, zk.Persistent)
	data := pull(s.T, c.Follow(s.Context(), path))
	names := pull(s.T, c.FollowChildren(s.Context(), path))
	data.get()
	names.get()
	for i := range 3 {
		s.cut(c, func() {})
		s.cut(c, func() {
			_, err := s.other.Set(s.Context(), path, []byte{byte(i)}, zk.AnyVersion)
			require.NoError(s, err)
			create(s.T, s.other, fmt.Sprintf("%s/%d", path, i), zk.Persistent)
		})
		require.Equal(s, []byte{byte(i)}, data.get().Data)
		require.Len(s, names.get().Names, i+1)
	}
	s.cut(c, func() {})
	_, err := s.other.Set(s.Context(), path, []byte("last"), zk.AnyVersion)
	require.NoError(s, err)
	require.Equal(s, "last", string(data.get().Data), "and nothing before it")
}

// Nor does a lost session, but in a view that is bound to it.
func testFollowSession(s stage) {
	c, path := s.client(), s.dir+"/n"
	create(s.T, s.other, path, zk.Persistent)
	all := pull(s.T, c.Follow(s.Context(), path))
	all.get()
	one := pull(s.T, c.InSession(c.Session()).FollowChildren(s.Context(), path))
	one.get()
	s.expire(c)
	require.ErrorIs(s, one.fail(), zk.ErrSessionExpired)
	_, err := s.other.Set(s.Context(), path, []byte("next"), zk.AnyVersion)
	require.NoError(s, err)
	require.Equal(s, "next", string(all.get().Data), "and nothing before it")
	s.expire(c)
	_, err = s.other.Set(s.Context(), path, []byte("third"), zk.AnyVersion)
	require.NoError(s, err)
	require.Equal(s, "third", string(all.get().Data))
}

func testFollowSlowly(s stage) {
	c, path := s.client(), s.dir+"/n"
	create(s.T, s.other, path, zk.Persistent)
	p := pull(s.T, c.Follow(s.Context(), path))
	p.get()
	for i := range 100 {
		_, err := s.other.Set(s.Context(), path, []byte{byte(i)}, zk.AnyVersion)
		require.NoError(s, err)
	}
	require.NoError(s, c.Sync(s.Context(), "/"))
	require.Equal(s, []byte{99}, p.get().Data, "the latest")
	has, err := c.CheckWatches(s.Context(), path, zk.KindData)
	require.NoError(s, err)
	require.True(s, has)
}

func testFollowEnds(s stage) {
	c, path := s.client(), s.dir+"/n"
	create(s.T, s.other, path, zk.Persistent)
	watched := func(kind zk.WatchKind) bool {
		has, err := c.CheckWatches(s.Context(), path, kind)
		require.NoError(s, err)
		return has
	}
	for range c.Follow(s.Context(), path) {
		require.True(s, watched(zk.KindData))
		break
	}
	require.False(s, watched(zk.KindAny), "the server has forgotten it")
	ctx, cancel := context.WithCancel(s.Context())
	defer cancel()
	n := 0
	for _, err := range c.FollowChildren(ctx, path) {
		require.NoError(s, err)
		require.True(s, watched(zk.KindChildren))
		n++
		cancel()
	}
	require.Equal(s, 1, n, "the end of the context is no error")
	require.False(s, watched(zk.KindAny))
	for range c.Follow(ctx, path) {
		s.Error("the context has ended before")
	}

	require.ErrorIs(s, pull(s.T, c.Follow(s.Context(), "n")).fail(), zk.ErrBadArguments)
	closed := pull(s.T, c.Follow(s.Context(), s.dir))
	closed.get()
	require.NoError(s, c.Close())
	require.ErrorIs(s, closed.fail(), zk.ErrClosed)
	require.ErrorIs(s, pull(s.T, c.Follow(s.Context(), path)).fail(), zk.ErrClosed)
}

func testWaitNode(s stage) {
	c, path := s.client(), s.dir+"/n"
	ctx, cancel := context.WithTimeout(s.Context(), 10*time.Millisecond)
	defer cancel()
	_, err := c.WaitNode(ctx, path, func(n zk.Node) bool { return n.Exists })
	require.ErrorIs(s, err, context.DeadlineExceeded)
	var other sync.WaitGroup
	other.Go(func() {
		for i := range 10 {
			if _, _, err := s.other.Create(s.Context(), path, []byte{byte(i)}, zk.Persistent); err != nil {
				s.Error(err)
			}
			if err := s.other.Delete(s.Context(), path, zk.AnyVersion); err != nil {
				s.Error(err)
			}
		}
		_, _, err := s.other.Create(s.Context(), path, []byte("here"), zk.Persistent)
		if err != nil {
			s.Error(err)
		}
	})
	n, err := c.WaitNode(s.Context(), path, func(n zk.Node) bool { return string(n.Data) == "here" })
	require.NoError(s, err)
	require.True(s, n.Exists)
	other.Wait()
}

// What cannot pass by itself ends the loop.
func testFollowForbidden(s stage) {
	c, path := s.client(), s.dir+"/n"
	create(s.T, s.other, path, zk.Persistent)
	p := pull(s.T, c.Follow(s.Context(), path))
	p.get()
	_, err := s.other.SetACL(s.Context(), path, []zk.ACL{zk.WorldACL(zk.PermWrite)}, zk.AnyVersion)
	require.NoError(s, err)
	s.cut(c, func() { // servers of 3.9 hide the event of what may not be read, but not what was missed
		_, err = s.other.Set(s.Context(), path, nil, zk.AnyVersion)
		require.NoError(s, err)
	})
	err = p.fail()
	require.ErrorIs(s, err, zk.ErrNoAuth)
	require.EqualError(s, err, "zk: get "+path+": "+zk.ErrNoAuth.Error())
}

func testSettle(s stage) {
	c := s.client()
	const quiet = 100 * time.Millisecond
	ctx, cancel := context.WithCancel(s.Context())
	defer cancel()
	began := time.Now()
	p := pull(s.T, c.FollowChildren(ctx, s.dir, zk.Settle(quiet)))
	p.get()
	require.GreaterOrEqual(s, time.Since(began), quiet)
	var last time.Time
	var other sync.WaitGroup
	other.Go(func() {
		for i := range 5 {
			time.Sleep(quiet / 5)
			if _, _, err := s.other.Create(s.Context(), fmt.Sprintf("%s/%d", s.dir, i), nil, zk.Persistent); err != nil {
				s.Error(err)
			}
			last = time.Now()
			if i == 2 {
				s.cut(c, func() {})
			}
		}
	})
	for n := p.get(); len(n.Names) < 5; n = p.get() { // a slow machine may make pauses
	}
	other.Wait()
	require.GreaterOrEqual(s, time.Since(last), quiet)
}

func testListeners(s stage) {
	c, path := s.client(), s.dir+"/n"
	nodes, names := make(chan zk.Node, 10), make(chan zk.Children, 10)
	data := c.OnData(path, func(n zk.Node) bool {
		_, _, err := c.Exists(s.Context(), s.dir) // it may make calls
		nodes <- n
		return err == nil && string(n.Data) != "stop"
	})
	children := c.OnChildren(s.dir, func(n zk.Children) bool { names <- n; return true })
	again := c.OnChildren(s.dir, func(n zk.Children) bool { names <- n; return true })
	require.False(s, (<-nodes).Exists)
	require.Empty(s, (<-names).Names)
	require.Empty(s, (<-names).Names)
	create(s.T, s.other, path, zk.Persistent)
	require.True(s, (<-nodes).Exists)
	require.Equal(s, []string{"n"}, (<-names).Names)
	require.Equal(s, []string{"n"}, (<-names).Names, "each of two")
	s.cut(c, func() {})
	_, err := s.other.Set(s.Context(), path, []byte("stop"), zk.AnyVersion)
	require.NoError(s, err)
	require.Equal(s, "stop", string((<-nodes).Data))
	<-data.Done()
	require.NoError(s, data.Err())
	require.NoError(s, data.Close())
	require.NoError(s, children.Close())
	require.NoError(s, children.Close(), "again")
	require.NoError(s, again.Err())
	require.Empty(s, names)
	require.NoError(s, c.Close())
	<-again.Done()
	require.ErrorIs(s, again.Err(), zk.ErrClosed)
	bad := c.OnData("bad", nil)
	<-bad.Done()
	require.ErrorIs(s, bad.Close(), zk.ErrBadArguments)
}

func testOnEvent(s stage) {
	c := s.client()
	events := make(chan zk.Event, 10)
	want := func(typ zk.EventType, path string) {
		s.Helper()
		e := <-events
		require.Equal(s, fmt.Sprint(typ, " ", path), fmt.Sprint(e.Type, " ", e.Path))
	}
	l := c.OnEvent(s.dir, zk.WatchRecursive, func(e zk.Event) bool { events <- e; return e.Type != zk.EventNodeDeleted })
	for ok := false; !ok; { // it is armed on a goroutine of its own
		var err error
		ok, err = c.CheckWatches(s.Context(), s.dir, zk.KindAny)
		require.NoError(s, err)
	}
	create(s.T, s.other, s.dir+"/a", zk.Persistent)
	want(zk.EventNodeCreated, s.dir+"/a")
	s.cut(c, func() {})
	want(zk.EventDisconnected, s.dir)
	want(zk.EventResync, s.dir)
	s.expire(c)
	want(zk.EventDisconnected, s.dir)
	want(zk.EventResync, s.dir)
	require.NoError(s, s.other.Delete(s.Context(), s.dir+"/a", zk.AnyVersion))
	want(zk.EventNodeDeleted, s.dir+"/a")
	<-l.Done()
	require.NoError(s, l.Close())
	has, err := c.CheckWatches(s.Context(), s.dir, zk.KindAny)
	require.NoError(s, err)
	require.False(s, has)
}

// A multi is several events with one zxid, and none of them is lost: not to the
// one-shot watches, each of which gets the first, nor to the persistent one.
func testOneZxid(s stage) {
	c := s.client()
	w, err := c.AddWatch(s.Context(), s.dir, zk.WatchRecursive)
	require.NoError(s, err)
	_, _, once, err := c.ExistsW(s.Context(), s.dir+"/a")
	require.NoError(s, err)
	_, _, twice, err := c.ExistsW(s.Context(), s.dir+"/b")
	require.NoError(s, err)
	_, err = s.other.Multi(s.Context(),
		zk.CreateOp(s.dir+"/a", nil, zk.Persistent),
		zk.SetOp(s.dir+"/a", []byte("1"), 0),
		zk.CreateOp(s.dir+"/b", nil, zk.Persistent),
		zk.DeleteOp(s.dir+"/a", 1),
		zk.CreateOp(s.dir+"/a", nil, zk.Persistent))
	require.NoError(s, err)
	stat, _, err := s.other.Exists(s.Context(), s.dir+"/a")
	require.NoError(s, err)
	zxid := stat.Czxid
	e, err := once.Wait(s.Context())
	require.NoError(s, err)
	if e.Zxid == -1 {
		require.Contains(s, s.Name(), "3.8", "servers tell it since 3.9")
		zxid = -1
	}
	require.Equal(s, zk.Event{Type: zk.EventNodeCreated, Path: s.dir + "/a", Zxid: zxid}, e)
	e, err = twice.Wait(s.Context())
	require.NoError(s, err)
	require.Equal(s, zk.Event{Type: zk.EventNodeCreated, Path: s.dir + "/b", Zxid: zxid}, e)
	for _, want := range []zk.Event{
		{Type: zk.EventNodeCreated, Path: s.dir + "/a"},
		{Type: zk.EventNodeDataChanged, Path: s.dir + "/a"},
		{Type: zk.EventNodeCreated, Path: s.dir + "/b"},
		{Type: zk.EventNodeDeleted, Path: s.dir + "/a"},
		{Type: zk.EventNodeCreated, Path: s.dir + "/a"},
	} {
		want.Zxid = zxid
		e, err := next(s.T, w)
		require.NoError(s, err)
		require.Equal(s, want, e)
	}
}

// Handles of one path and mode share what the server has, and each gets all
// events. Two modes on one path are two watches at servers from 3.9 on only:
// before, the later takes the place of the earlier.
func testShared(s stage) {
	c := s.client()
	a, err := c.AddWatch(s.Context(), s.dir, zk.WatchPersistent)
	require.NoError(s, err)
	b, err := c.Chroot(s.dir).AddWatch(s.Context(), "/", zk.WatchPersistent)
	require.NoError(s, err)
	for i := range 2 {
		create(s.T, s.other, fmt.Sprintf("%s/%d", s.dir, i), zk.Persistent)
		wantNext(s.T, a, zk.EventNodeChildrenChanged, s.dir)
		wantNext(s.T, b, zk.EventNodeChildrenChanged, "/")
	}
	require.NoError(s, a.Close())
	wantNext(s.T, a, zk.EventWatchRemoved, s.dir)
	create(s.T, s.other, s.dir+"/2", zk.Persistent)
	wantNext(s.T, b, zk.EventNodeChildrenChanged, "/")

	r, err := c.AddWatch(s.Context(), s.dir, zk.WatchRecursive)
	require.NoError(s, err)
	create(s.T, s.other, s.dir+"/3", zk.Persistent)
	wantNext(s.T, r, zk.EventNodeCreated, s.dir+"/3")
	if !strings.Contains(s.Name(), "3.8") {
		wantNext(s.T, b, zk.EventNodeChildrenChanged, "/")
	}
	require.NoError(s, b.Close())
	wantNext(s.T, b, zk.EventWatchRemoved, "/")
	if !strings.Contains(s.Name(), "3.8") {
		create(s.T, s.other, s.dir+"/4", zk.Persistent)
		wantNext(s.T, r, zk.EventNodeCreated, s.dir+"/4")
	}
	require.NoError(s, r.Close())
	has, err := c.CheckWatches(s.Context(), s.dir, zk.KindAny)
	require.NoError(s, err)
	require.False(s, has)
}
