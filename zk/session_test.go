package zk_test

import (
	"context"
	"fmt"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/fakezk"
	"github.com/zookit/zookit/internal/javazk"
	"github.com/zookit/zookit/zk"
)

// A server that crashes and comes back keeps the session, its ephemerals, the
// credentials and the watches.
func TestRestartReal(t *testing.T) {
	for _, version := range []string{"3.9", "3.8"} {
		t.Run(version, func(t *testing.T) {
			s := javazk.Start(t, javazk.Version(version))
			c := dial(t, s.Addr(), zk.SessionTimeout(4*time.Second), zk.Auth("digest", []byte("bob:secret")))
			other := dial(t, s.Addr(), zk.SessionTimeout(4*time.Second))
			testRestart(t, c, other, s.Kill, s.Start)
		})
	}
}

func testRestart(t *testing.T, c, other *zk.Conn, kill, start func()) {
	ctx := t.Context()
	states := c.States(ctx)
	session := c.Session()
	for _, path := range []string{"/set", "/gone", "/quiet", "/parent", "/tree"} {
		create(t, c, path, zk.Persistent)
	}
	create(t, c, "/eph", zk.Ephemeral)
	_, _, err := c.Create(ctx, "/mine", nil, zk.Persistent, zk.AuthACL(zk.PermAll))
	require.NoError(t, err)
	_, _, set, err := c.GetW(ctx, "/set")
	require.NoError(t, err)
	_, _, gone, err := c.GetW(ctx, "/gone")
	require.NoError(t, err)
	_, _, quiet, err := c.GetW(ctx, "/quiet")
	require.NoError(t, err)
	_, _, parent, err := c.ChildrenW(ctx, "/parent")
	require.NoError(t, err)
	_, ok, born, err := c.ExistsW(ctx, "/born")
	require.NoError(t, err)
	require.False(t, ok)
	tree, err := c.AddWatch(ctx, "/tree", zk.WatchRecursive)
	require.NoError(t, err)

	kill()
	_, err = c.WaitState(ctx, zk.Suspended)
	require.NoError(t, err)
	type answer struct {
		data []byte
		err  error
	}
	got := make(chan answer, 1)
	go func() {
		data, _, err := c.Get(ctx, "/mine") // waits, and needs the credential
		got <- answer{data, err}
	}()
	start()
	a := <-got
	require.NoError(t, a.err)
	require.Equal(t, session, c.Session())
	require.NoError(t, session.Context().Err())
	stat, ok, err := c.Exists(ctx, "/eph")
	require.NoError(t, err)
	require.True(t, ok)
	require.Equal(t, session.ID(), stat.EphemeralOwner)
	wantNext(t, tree, zk.EventDisconnected, "/tree")
	wantNext(t, tree, zk.EventResync, "/tree")
	for _, w := range []*zk.Watch{set, gone, quiet, parent, born} {
		silent(t, c, w)
	}

	_, err = other.Set(ctx, "/set", nil, zk.AnyVersion)
	require.NoError(t, err)
	require.NoError(t, other.Delete(ctx, "/gone", zk.AnyVersion))
	create(t, other, "/parent/k", zk.Persistent)
	create(t, other, "/born", zk.Persistent)
	create(t, other, "/tree/k", zk.Persistent)
	require.Equal(t, zk.EventNodeDataChanged, receive(t, set).Type)
	require.Equal(t, zk.EventNodeDeleted, receive(t, gone).Type)
	require.Equal(t, zk.EventNodeChildrenChanged, receive(t, parent).Type)
	require.Equal(t, zk.EventNodeCreated, receive(t, born).Type)
	wantNext(t, tree, zk.EventNodeCreated, "/tree/k")
	silent(t, c, quiet)

	want := []zk.State{zk.Connected, zk.Suspended, zk.Connected}
	for st := range states {
		require.Equal(t, want[0], st)
		if want = want[1:]; len(want) == 0 {
			break
		}
	}
}

func TestRestartFake(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := fakezk.New(t)
		s := e.Servers()[0]
		c := dial(t, e.ConnectString(), zk.Dialer(e.DialContext), zk.Auth("digest", []byte("bob:secret")))
		other := dial(t, e.ConnectString(), zk.Dialer(e.DialContext))
		testRestart(t, c, other, func() { require.NoError(t, s.Stop()) }, func() { require.NoError(t, s.Start()) })
	})
}

// Changes made while a client is away are told when it is back.
func TestMissedChangesReal(t *testing.T) { onReal(t, testMissedChanges) }
func TestMissedChangesFake(t *testing.T) { onFake(t, testMissedChanges) }

// A session that the server has expired is replaced.
func TestExpiryReal(t *testing.T) { onReal(t, testExpiry) }
func TestExpiryFake(t *testing.T) { onFake(t, testExpiry) }

// Another client may take a session over, and end it.
func TestAttachReal(t *testing.T) { onReal(t, testAttach) }
func TestAttachFake(t *testing.T) { onFake(t, testAttach) }

// on is a server and how to reach it.
type on struct {
	connect string
	link    *cuttable
}

func (o on) dial(t *testing.T, opts ...zk.Option) *zk.Conn {
	return dial(t, o.connect, append([]zk.Option{zk.SessionTimeout(4 * time.Second), zk.Dialer(o.link.base)}, opts...)...)
}

// dialLink is dial through the link, which can be cut.
func (o on) dialLink(t *testing.T, opts ...zk.Option) *zk.Conn {
	return o.dial(t, append(opts, zk.Dialer(o.link.dial))...)
}

func onReal(t *testing.T, f func(*testing.T, on)) {
	s := javazk.Start(t)
	f(t, on{s.Addr(), &cuttable{base: new(net.Dialer).DialContext}})
}

func onFake(t *testing.T, f func(*testing.T, on)) {
	synctest.Test(t, func(t *testing.T) {
		e := fakezk.New(t)
		f(t, on{e.ConnectString(), &cuttable{base: e.DialContext}})
	})
}

func testMissedChanges(t *testing.T, on on) {
	ctx := t.Context()
	c, other, link := on.dialLink(t), on.dial(t), on.link
	const n = 1000
	var watches []*zk.Watch
	for i := range n {
		path := fmt.Sprintf("/n%d", i)
		if i%3 != 2 {
			create(t, c, path, zk.Persistent)
		}
		var w *zk.Watch
		var err error
		switch i % 3 {
		case 0:
			_, _, w, err = c.GetW(ctx, path)
		case 1:
			_, _, w, err = c.ChildrenW(ctx, path)
		case 2:
			_, _, w, err = c.ExistsW(ctx, path)
		}
		require.NoError(t, err)
		watches = append(watches, w)
	}
	link.cut()
	_, err := c.WaitState(ctx, zk.Suspended)
	require.NoError(t, err)
	for i := range n {
		path := fmt.Sprintf("/n%d", i)
		switch i % 3 {
		case 0:
			_, err = other.Set(ctx, path, nil, zk.AnyVersion)
			require.NoError(t, err)
		case 1:
			create(t, other, path+"/k", zk.Persistent)
		case 2:
			create(t, other, path, zk.Persistent)
		}
	}
	// Readers that are faster than the restoring of watches must not hide
	// what was missed.
	readers, stop := context.WithCancel(ctx)
	var ended []chan struct{}
	for range 8 {
		done := make(chan struct{})
		ended = append(ended, done)
		go func() {
			defer close(done)
			for readers.Err() == nil {
				c.Get(readers, "/n0")
			}
		}()
	}
	link.heal()
	want := []zk.EventType{zk.EventNodeDataChanged, zk.EventNodeChildrenChanged, zk.EventNodeCreated}
	for i, w := range watches {
		require.Equal(t, want[i%3], receive(t, w).Type)
	}
	stop()
	for _, done := range ended {
		<-done
	}
}

func testExpiry(t *testing.T, on on) {
	ctx := t.Context()
	c, other, link := on.dialLink(t, zk.SessionTimeout(time.Second)), on.dial(t), on.link
	create(t, c, "/eph", zk.Ephemeral)
	_, ok, w, err := other.ExistsW(ctx, "/eph")
	require.NoError(t, err)
	require.True(t, ok)
	session := c.Session()
	bound := c.InSession(session)
	_, _, err = bound.Get(ctx, "/eph")
	require.NoError(t, err)
	_, _, mine, err := c.GetW(ctx, "/eph")
	require.NoError(t, err)
	link.cut()
	require.Equal(t, zk.EventNodeDeleted, receive(t, w).Type)
	<-session.Context().Done()
	require.ErrorIs(t, context.Cause(session.Context()), zk.ErrSessionExpired)
	require.Equal(t, zk.EventSessionLost, receive(t, mine).Type)
	link.heal()
	_, err = c.WaitState(ctx, zk.Connected)
	require.NoError(t, err)
	require.NotEqual(t, session.ID(), c.Session().ID())
	create(t, c, "/eph", zk.Ephemeral)
	_, err = bound.Set(ctx, "/eph", nil, 0)
	require.ErrorIs(t, err, zk.ErrSessionExpired, "a view of the old session does nothing in the new one")
	require.True(t, zk.NotSent(err))
}

func testAttach(t *testing.T, on on) {
	ctx := t.Context()
	first := on.dialLink(t)
	create(t, first, "/eph", zk.Ephemeral)
	session := first.Session()
	on.link.cut() // or it would take the session back
	second, err := zk.Dial(ctx, on.connect, zk.Dialer(on.link.base), zk.Attach(session.ID(), session.Password()))
	require.NoError(t, err)
	stat, ok, err := second.Exists(ctx, "/eph")
	require.NoError(t, err)
	require.True(t, ok)
	require.Equal(t, second.Session().ID(), stat.EphemeralOwner)
	require.NoError(t, second.Close())
	on.link.heal()
	_, err = first.WaitState(ctx, zk.Lost)
	require.NoError(t, err)
	_, err = first.WaitState(ctx, zk.Connected)
	require.NoError(t, err)
	_, ok, err = first.Exists(ctx, "/eph")
	require.NoError(t, err)
	require.False(t, ok)
	_, err = zk.Dial(ctx, on.connect, zk.Dialer(on.link.base), zk.Attach(session.ID(), session.Password()))
	require.ErrorIs(t, err, zk.ErrSessionExpired)
}

func TestAuthRefusedReal(t *testing.T) {
	s := javazk.Start(t)
	_, err := zk.Dial(t.Context(), s.Addr(), zk.Auth("nosuch", nil))
	require.ErrorIs(t, err, zk.ErrAuthFailed)
}
