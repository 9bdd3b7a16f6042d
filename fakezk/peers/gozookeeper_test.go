package peers_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	gozk "github.com/go-zookeeper/zk"
	"github.com/stretchr/testify/require"
)

func TestGoZookeeper(t *testing.T) {
	t.Parallel()
	do := map[string]func(*testing.T, *server){
		"create": gozkCreate, "watch": gozkWatch, "children": gozkChildren, "kinds": gozkKinds,
		"multi": gozkMulti, "acl": gozkACL, "expiry": gozkExpiry, "reconnect": gozkReconnect, "vanish": gozkVanish,
	}
	for _, s := range slices.Concat(steps, []step{vanish}) {
		t.Run(s.name, func(t *testing.T) { s.run(t, do[s.name]) })
	}
}

var open = gozk.WorldACL(gozk.PermAll)

// A gozkClient is a connection of go-zookeeper.
type gozkClient struct {
	*gozk.Conn
	t      *testing.T
	states chan gozk.State // all of them, in order
	ended  func()          // closes, and waits for the end of its goroutines
}

// gozkConnect connects and waits for a session. The end of t closes it at the
// latest.
func gozkConnect(t *testing.T, srv *server) *gozkClient {
	c := &gozkClient{t: t, states: make(chan gozk.State, 1000)}
	toStates := gozk.WithEventCallback(func(e gozk.Event) {
		if e.Type == gozk.EventSession {
			c.states <- e.State
		}
	})
	// It waits for a second when it has been through all of its servers.
	servers := slices.Repeat([]string{srv.ConnectString()}, 3)
	conn, events, err := gozk.Connect(servers, 10*time.Second,
		toStates, gozk.WithLogger(gozkLogger{t}))
	require.NoError(t, err)
	c.Conn = conn
	c.ended = func() {
		conn.Close()
		for range events {
		}
	}
	t.Cleanup(c.ended)
	c.awaitStates(gozk.StateConnecting, gozk.StateConnected, gozk.StateHasSession)
	return c
}

// awaitStates are the next states, in this order.
func (c *gozkClient) awaitStates(wanted ...gozk.State) {
	c.t.Helper()
	for _, want := range wanted {
		select {
		case got := <-c.states:
			require.Equal(c.t, want, got)
		case <-time.After(patience):
			require.FailNow(c.t, "it never is in "+want.String())
		}
	}
}

// awaitSession is the next session or resumption, whatever comes before it.
func (c *gozkClient) awaitSession() {
	c.t.Helper()
	for deadline := time.After(patience); ; {
		select {
		case got := <-c.states:
			if got == gozk.StateHasSession {
				return
			}
		case <-deadline:
			require.FailNow(c.t, "it never has a session")
		}
	}
}

// create makes an open znode without data.
func (c *gozkClient) create(path string, flags int32) string {
	c.t.Helper()
	created, err := c.Create(path, []byte{}, flags, open)
	require.NoError(c.t, err)
	return created
}

// owner is the session of the ephemeral at path.
func (c *gozkClient) owner(path string) int64 {
	c.t.Helper()
	ok, stat, err := c.Exists(path)
	require.NoError(c.t, err)
	require.True(c.t, ok, path)
	return stat.EphemeralOwner
}

func (c *gozkClient) children(path string) []string {
	c.t.Helper()
	names, _, err := c.Children(path)
	require.NoError(c.t, err)
	slices.Sort(names)
	return names
}

// awaitEvent is the event of a watch.
func awaitEvent(t *testing.T, watch <-chan gozk.Event, kind gozk.EventType, path string) {
	t.Helper()
	select {
	case e := <-watch:
		require.NoError(t, e.Err)
		require.Equal(t, fmt.Sprint(kind, path), fmt.Sprint(e.Type, e.Path))
	case <-time.After(patience):
		require.FailNow(t, fmt.Sprintf("no event %v of %s", kind, path))
	}
}

func requireQuiet(t *testing.T, watch <-chan gozk.Event) {
	t.Helper()
	select {
	case e := <-watch:
		require.FailNow(t, fmt.Sprintf("unexpected event %+v", e))
	default:
	}
}

// gozkLogger writes to the output of t while t runs.
type gozkLogger struct{ t *testing.T }

func (l gozkLogger) Printf(format string, args ...any) {
	fmt.Fprintf(l.t.Output(), strings.TrimSuffix(format, "\n")+"\n", args...)
}

func gozkCreate(t *testing.T, srv *server) {
	c := gozkConnect(t, srv)
	defer c.ended()
	path, err := c.Create("/create", []byte("v0"), gozk.FlagPersistent, open)
	require.NoError(t, err)
	require.Equal(t, "/create", path)
	c.create("/create/child", gozk.FlagPersistent)
	_, err = c.Create("/create", nil, gozk.FlagPersistent, open)
	require.ErrorIs(t, err, gozk.ErrNodeExists)
	_, err = c.Create("/create/none/child", nil, gozk.FlagPersistent, open)
	require.ErrorIs(t, err, gozk.ErrNoNode)
	data, stat, err := c.Get("/create")
	require.NoError(t, err)
	require.Equal(t, "v0", string(data))
	require.Equal(t, [2]int32{0, 1}, [2]int32{stat.Version, stat.NumChildren})
	stat, err = c.Set("/create", []byte("v1"), 0)
	require.NoError(t, err)
	require.EqualValues(t, 1, stat.Version)
	_, err = c.Set("/create", []byte("v2"), 0)
	require.ErrorIs(t, err, gozk.ErrBadVersion)
	require.ErrorIs(t, c.Delete("/create", -1), gozk.ErrNotEmpty)
	ok, _, err := c.Exists("/create/none")
	require.NoError(t, err)
	require.False(t, ok)
	_, _, err = c.Get("/create/none")
	require.ErrorIs(t, err, gozk.ErrNoNode)
	c.create("/create/gone", gozk.FlagPersistent)
	require.ErrorIs(t, c.Delete("/create/gone", 7), gozk.ErrBadVersion)
	require.NoError(t, c.Delete("/create/gone", 0))
	path, err = c.Sync("/create")
	require.NoError(t, err)
	require.Equal(t, "/create", path)
}

func gozkWatch(t *testing.T, srv *server) {
	a, b := gozkConnect(t, srv), gozkConnect(t, srv)
	defer a.ended()
	defer b.ended()
	set := func(data string) {
		t.Helper()
		_, err := b.Set("/watch", []byte(data), -1)
		require.NoError(t, err)
	}
	_, err := a.Create("/watch", []byte("old"), gozk.FlagPersistent, open)
	require.NoError(t, err)
	data, _, changed, err := a.GetW("/watch")
	require.NoError(t, err)
	require.Equal(t, "old", string(data))
	ok, _, created, err := a.ExistsW("/watch/later")
	require.NoError(t, err)
	require.False(t, ok)
	set("new")
	awaitEvent(t, changed, gozk.EventNodeDataChanged, "/watch")
	data, _, err = a.Get("/watch")
	require.NoError(t, err)
	require.Equal(t, "new", string(data))

	b.create("/watch/later", gozk.FlagPersistent)
	awaitEvent(t, created, gozk.EventNodeCreated, "/watch/later")
	_, _, deleted, err := a.GetW("/watch/later")
	require.NoError(t, err)
	require.NoError(t, b.Delete("/watch/later", -1))
	awaitEvent(t, deleted, gozk.EventNodeDeleted, "/watch/later")

	// Each of them was for one event: what comes now is the last watch's.
	_, _, last, err := a.GetW("/watch")
	require.NoError(t, err)
	b.create("/watch/later", gozk.FlagPersistent)
	require.NoError(t, b.Delete("/watch/later", -1))
	set("newer")
	awaitEvent(t, last, gozk.EventNodeDataChanged, "/watch")
	require.Empty(t, srv.Watches())
}

func gozkChildren(t *testing.T, srv *server) {
	a, b := gozkConnect(t, srv), gozkConnect(t, srv)
	defer a.ended()
	defer b.ended()
	a.create("/children", gozk.FlagPersistent)
	names, _, born, err := a.ChildrenW("/children")
	require.NoError(t, err)
	require.Empty(t, names)
	b.create("/children/b", gozk.FlagPersistent)
	awaitEvent(t, born, gozk.EventNodeChildrenChanged, "/children")
	b.create("/children/a", gozk.FlagPersistent)
	b.create("/children/c", gozk.FlagPersistent)
	names, stat, gone, err := a.ChildrenW("/children")
	require.NoError(t, err)
	require.ElementsMatch(t, []string{"a", "b", "c"}, names)
	require.Equal(t, [2]int32{3, 3}, [2]int32{stat.NumChildren, stat.Cversion})
	_, err = b.Set("/children/b", []byte("data is no business of a child watch"), 0)
	require.NoError(t, err)
	_, err = a.Sync("/children")
	require.NoError(t, err)
	requireQuiet(t, gone)
	require.NoError(t, b.Delete("/children/c", -1))
	awaitEvent(t, gone, gozk.EventNodeChildrenChanged, "/children")
	_, _, last, err := a.ChildrenW("/children/a")
	require.NoError(t, err)
	require.NoError(t, b.Delete("/children/a", -1))
	awaitEvent(t, last, gozk.EventNodeDeleted, "/children/a")
	_, _, err = a.Children("/children/a")
	require.ErrorIs(t, err, gozk.ErrNoNode)
}

func gozkKinds(t *testing.T, srv *server) {
	a, b := gozkConnect(t, srv), gozkConnect(t, srv)
	defer b.ended()
	a.create("/kinds", gozk.FlagPersistent)
	a.create("/kinds/seq", gozk.FlagPersistent)
	a.create("/kinds/e", gozk.FlagEphemeral)
	require.Equal(t, a.SessionID(), b.owner("/kinds/e"))
	_, err := a.Create("/kinds/e/child", nil, gozk.FlagPersistent, open)
	require.ErrorIs(t, err, gozk.ErrNoChildrenForEphemerals)
	require.Equal(t, "/kinds/seq/s-0000000000", a.create("/kinds/seq/s-", gozk.FlagSequence))
	require.Equal(t, "/kinds/seq/s-0000000001", a.create("/kinds/seq/s-", gozk.FlagSequence))
	both := a.create("/kinds/seq/s-", gozk.FlagSequence|gozk.FlagEphemeral)
	require.Equal(t, "/kinds/seq/s-0000000002", both)
	_, _, gone, err := b.ExistsW("/kinds/e")
	require.NoError(t, err)
	_, stat, bothGone, err := b.ExistsW(both)
	require.NoError(t, err)
	require.Equal(t, a.SessionID(), stat.EphemeralOwner)
	a.ended()
	awaitEvent(t, gone, gozk.EventNodeDeleted, "/kinds/e")
	awaitEvent(t, bothGone, gozk.EventNodeDeleted, both)
	require.Equal(t, "/kinds/seq/s-0000000003", b.create("/kinds/seq/s-", gozk.FlagSequence))
}

func gozkMulti(t *testing.T, srv *server) {
	c := gozkConnect(t, srv)
	defer c.ended()
	c.create("/multi", gozk.FlagPersistent)
	c.create("/multi/doomed", gozk.FlagPersistent)
	results, err := c.Multi(
		&gozk.CreateRequest{Path: "/multi/a", Data: []byte("1"), Acl: open},
		&gozk.SetDataRequest{Path: "/multi", Data: []byte("v"), Version: 0},
		&gozk.CheckVersionRequest{Path: "/multi", Version: 1},
		&gozk.DeleteRequest{Path: "/multi/doomed", Version: -1},
	)
	require.NoError(t, err)
	require.Len(t, results, 4)
	require.Equal(t, "/multi/a", results[0].String)
	require.EqualValues(t, 1, results[1].Stat.Version)

	names, _, born, err := c.ChildrenW("/multi")
	require.NoError(t, err)
	require.Equal(t, []string{"a"}, names)
	results, err = c.Multi(
		&gozk.CreateRequest{Path: "/multi/b", Acl: open},
		&gozk.CheckVersionRequest{Path: "/multi", Version: 99},
		&gozk.DeleteRequest{Path: "/multi/a", Version: -1},
	)
	require.ErrorIs(t, err, gozk.ErrBadVersion)
	require.Len(t, results, 3)
	require.NoError(t, results[0].Error)
	require.ErrorIs(t, results[1].Error, gozk.ErrBadVersion)
	require.Error(t, results[2].Error) // runtime inconsistency, for which it has no name
	require.Equal(t, []string{"a"}, c.children("/multi"))
	requireQuiet(t, born)
	c.create("/multi/c", gozk.FlagPersistent)
	awaitEvent(t, born, gozk.EventNodeChildrenChanged, "/multi")
}

func gozkACL(t *testing.T, srv *server) {
	a, b := gozkConnect(t, srv), gozkConnect(t, srv)
	defer a.ended()
	defer b.ended()
	digest := gozk.DigestACL(gozk.PermAll, "alice", "secret")
	require.NoError(t, a.AddAuth("digest", []byte("alice:secret")))
	_, err := a.Create("/acl", []byte{}, gozk.FlagPersistent, gozk.AuthACL(gozk.PermAll))
	require.NoError(t, err)
	_, err = a.Create("/acl/hash", []byte("mine"), gozk.FlagPersistent, digest)
	require.NoError(t, err)
	acl, stat, err := a.GetACL("/acl")
	require.NoError(t, err)
	require.Equal(t, digest, acl)
	require.EqualValues(t, 0, stat.Aversion)

	closed := func() {
		t.Helper()
		_, _, err := b.Get("/acl/hash")
		require.ErrorIs(t, err, gozk.ErrNoAuth)
		_, err = b.Set("/acl/hash", nil, -1)
		require.ErrorIs(t, err, gozk.ErrNoAuth)
		_, _, err = b.Children("/acl")
		require.ErrorIs(t, err, gozk.ErrNoAuth)
		_, err = b.Create("/acl/hash/child", nil, gozk.FlagPersistent, open)
		require.ErrorIs(t, err, gozk.ErrNoAuth)
		require.ErrorIs(t, b.Delete("/acl/hash", -1), gozk.ErrNoAuth)
		_, _, err = b.GetACL("/acl/hash")
		require.ErrorIs(t, err, gozk.ErrNoAuth)
		_, err = b.SetACL("/acl/hash", digest, -1)
		require.ErrorIs(t, err, gozk.ErrNoAuth)
	}
	closed()
	require.NoError(t, b.AddAuth("digest", []byte("alice:guess")))
	closed()
	_, err = a.Create("/acl/bad", nil, gozk.FlagPersistent, []gozk.ACL{{Perms: gozk.PermAll, Scheme: "digest", ID: "alice"}})
	require.ErrorIs(t, err, gozk.ErrInvalidACL)

	readable := slices.Concat(digest, gozk.WorldACL(gozk.PermRead))
	stat, err = a.SetACL("/acl/hash", readable, 0)
	require.NoError(t, err)
	require.EqualValues(t, 1, stat.Aversion)
	_, err = a.SetACL("/acl/hash", digest, 0)
	require.ErrorIs(t, err, gozk.ErrBadVersion)
	data, _, err := b.Get("/acl/hash")
	require.NoError(t, err)
	require.Equal(t, "mine", string(data))
	acl, _, err = b.GetACL("/acl/hash")
	require.NoError(t, err)
	require.Equal(t, slices.Concat([]gozk.ACL{{Perms: gozk.PermAll, Scheme: "digest", ID: "alice:x"}}, gozk.WorldACL(gozk.PermRead)), acl)
	_, err = b.Set("/acl/hash", nil, -1)
	require.ErrorIs(t, err, gozk.ErrNoAuth)

	require.NoError(t, b.AddAuth("digest", []byte("alice:secret")))
	require.Equal(t, []string{"hash"}, b.children("/acl"))

	// A new connection has the identity, too.
	srv.disconnect(t, a.SessionID())
	a.awaitStates(gozk.StateDisconnected, gozk.StateConnecting, gozk.StateConnected, gozk.StateHasSession)
	require.Equal(t, []string{"hash"}, a.children("/acl"))
}

func gozkExpiry(t *testing.T, srv *server) {
	a, b := gozkConnect(t, srv), gozkConnect(t, srv)
	defer a.ended()
	defer b.ended()
	a.create("/expiry", gozk.FlagPersistent)
	a.create("/expiry/e", gozk.FlagEphemeral)
	old := a.SessionID()
	_, stat, gone, err := b.ExistsW("/expiry/e")
	require.NoError(t, err)
	require.Equal(t, old, stat.EphemeralOwner)
	_, _, lost, err := a.GetW("/expiry")
	require.NoError(t, err)
	srv.expire(t, old)
	awaitEvent(t, gone, gozk.EventNodeDeleted, "/expiry/e")
	a.awaitStates(gozk.StateDisconnected, gozk.StateConnecting, gozk.StateConnected,
		gozk.StateExpired, gozk.StateDisconnected, gozk.StateConnecting, gozk.StateConnected, gozk.StateHasSession)
	require.ErrorIs(t, (<-lost).Err, gozk.ErrSessionExpired)
	require.NotContains(t, []int64{0, old}, a.SessionID())
	a.create("/expiry/e", gozk.FlagEphemeral)
	require.Equal(t, a.SessionID(), b.owner("/expiry/e"))
}

func gozkReconnect(t *testing.T, srv *server) {
	if raceDetector {
		t.Skip("go-zookeeper has a data race of its own when it reconnects with watches (lastZxid in recvLoop and sendSetWatches); this step runs without -race")
	}
	a, b := gozkConnect(t, srv), gozkConnect(t, srv)
	defer a.ended()
	defer b.ended()
	set := func(c *gozkClient, data string, version int32) {
		t.Helper()
		_, err := c.Set("/reconnect/w", []byte(data), version)
		require.NoError(t, err)
	}
	a.create("/reconnect", gozk.FlagPersistent)
	a.create("/reconnect/w", gozk.FlagPersistent)
	a.create("/reconnect/e", gozk.FlagEphemeral)
	_, _, changed, err := a.GetW("/reconnect/w")
	require.NoError(t, err)
	id := a.SessionID()
	_, stat, gone, err := b.ExistsW("/reconnect/e")
	require.NoError(t, err)
	require.Equal(t, id, stat.EphemeralOwner)

	srv.disconnect(t, id)
	set(b, "new", 0)
	a.awaitStates(gozk.StateDisconnected, gozk.StateConnecting, gozk.StateConnected, gozk.StateHasSession)
	awaitEvent(t, changed, gozk.EventNodeDataChanged, "/reconnect/w")
	require.Equal(t, id, a.SessionID())
	require.Equal(t, id, a.owner("/reconnect/e"))
	a.create("/reconnect/after", gozk.FlagPersistent)
	require.Zero(t, b.owner("/reconnect/after"))
	requireQuiet(t, gone)

	_, _, changed, err = a.GetW("/reconnect/w")
	require.NoError(t, err)
	srv.restart(t)
	a.awaitSession()
	b.awaitSession()
	require.Equal(t, id, a.SessionID())
	require.Equal(t, id, b.owner("/reconnect/e"))
	set(b, "newer", 1)
	awaitEvent(t, changed, gozk.EventNodeDataChanged, "/reconnect/w")
	requireQuiet(t, gone)
}

// gozkVanish makes a container, which goes when it has lost its last child,
// and a TTL node, which goes in its time.
func gozkVanish(t *testing.T, srv *server) {
	c := gozkConnect(t, srv)
	defer c.ended()
	c.create("/vanish", gozk.FlagPersistent)
	_, err := c.CreateContainer("/vanish/container", nil, gozk.FlagContainer, open)
	require.NoError(t, err)
	c.create("/vanish/container/child", gozk.FlagPersistent)
	_, _, gone, err := c.ExistsW("/vanish/container")
	require.NoError(t, err)
	require.NoError(t, c.Delete("/vanish/container/child", -1))
	awaitEvent(t, gone, gozk.EventNodeDeleted, "/vanish/container")

	_, err = c.CreateTTL("/vanish/ttl", nil, gozk.FlagTTL, open, 100*time.Millisecond)
	require.NoError(t, err)
	ok, _, gone, err := c.ExistsW("/vanish/ttl")
	require.NoError(t, err)
	if ok { // else it is over already
		awaitEvent(t, gone, gozk.EventNodeDeleted, "/vanish/ttl")
	}
	_, _, err = c.Get("/vanish/ttl")
	require.True(t, errors.Is(err, gozk.ErrNoNode), err)
}
