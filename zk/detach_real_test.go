package zk_test

import (
	"context"
	"net"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/fakezk"
	"github.com/zookit/zookit/harness"
	"github.com/zookit/zookit/zk"
)

// A session goes from hand to hand, with its ephemerals.
func TestDetachReal(t *testing.T) { onReal(t, testDetach) }
func TestDetachFake(t *testing.T) { onFake(t, testDetach) }

func testDetach(t *testing.T, on on) {
	ctx := t.Context()
	first := on.dial(t)
	create(t, first, "/eph", zk.Ephemeral)
	id, password, err := first.Detach()
	require.NoError(t, err)
	for range 3 {
		next := on.dial(t, zk.Attach(id, password))
		stat, ok, err := next.Exists(ctx, "/eph")
		require.NoError(t, err)
		require.True(t, ok)
		require.Equal(t, id, stat.EphemeralOwner)
		require.Equal(t, id, next.Session().ID())
		again, same, err := next.Detach()
		require.NoError(t, err)
		require.Equal(t, id, again)
		require.Equal(t, password, same)
	}

	wrong := append([]byte{}, password...)
	wrong[0]++
	_, err = zk.Dial(ctx, on.connect, zk.Dialer(on.link.base), zk.Attach(id, wrong))
	require.ErrorIs(t, err, zk.ErrSessionExpired)
	_, err = zk.Dial(ctx, on.connect, zk.Dialer(on.link.base), zk.Attach(id+1, password))
	require.ErrorIs(t, err, zk.ErrSessionExpired)

	last := on.dial(t, zk.Attach(id, password))
	_, ok, err := last.Exists(ctx, "/eph")
	require.NoError(t, err)
	require.True(t, ok, "a wrong password does not harm the session")
	require.NoError(t, last.Close())
	other := on.dial(t)
	_, ok, err = other.Exists(ctx, "/eph")
	require.NoError(t, err)
	require.False(t, ok, "Close does end it")
	_, err = zk.Dial(ctx, on.connect, zk.Dialer(on.link.base), zk.Attach(id, password))
	require.ErrorIs(t, err, zk.ErrSessionExpired)
}

// A session that nobody takes over expires.
func TestDetachedSessionExpiresReal(t *testing.T) { onReal(t, testDetachedExpires) }
func TestDetachedSessionExpiresFake(t *testing.T) { onFake(t, testDetachedExpires) }

func testDetachedExpires(t *testing.T, on on) {
	ctx := t.Context()
	c, other := on.dial(t, zk.SessionTimeout(time.Second)), on.dial(t)
	create(t, c, "/eph", zk.Ephemeral)
	_, _, w, err := other.ExistsW(ctx, "/eph")
	require.NoError(t, err)
	id, password, err := c.Detach()
	require.NoError(t, err)
	require.Equal(t, zk.EventNodeDeleted, receive(t, w).Type)
	_, err = zk.Dial(ctx, on.connect, zk.Dialer(on.link.base), zk.Attach(id, password))
	require.ErrorIs(t, err, zk.ErrSessionExpired)
}

// Two processes with one session take it from each other, as each of them
// connects; they do so ever more rarely, and it outlives the one that gives up.
func TestSessionOfTwoReal(t *testing.T) { onReal(t, testSessionOfTwo) }
func TestSessionOfTwoFake(t *testing.T) { onFake(t, testSessionOfTwo) }

func testSessionOfTwo(t *testing.T, on on) {
	ctx := t.Context()
	first := on.dialLink(t)
	create(t, first, "/eph", zk.Ephemeral)
	session := first.Session()
	second := on.dialLink(t, zk.Attach(session.ID(), session.Password()))
	time.Sleep(5 * time.Second)
	on.link.mu.Lock()
	dials := on.link.dials
	on.link.mu.Unlock()
	t.Log(dials, "connections in 5 s")
	require.Less(t, dials, 200, "34 as a rule, and thousands without pauses")
	_, _, err := second.Detach()
	require.NoError(t, err)
	time.Sleep(2 * time.Second) // what second had under way when it ended may still take the session once
	_, err = first.WaitState(ctx, zk.Connected)
	require.NoError(t, err)
	stat, ok, err := first.Exists(ctx, "/eph")
	require.NoError(t, err)
	require.True(t, ok)
	require.Equal(t, session.ID(), stat.EphemeralOwner)
	require.NoError(t, session.Context().Err())
}

// What is called "/" and gets a sequence number stands in the chroot, as with
// kazoo. Java's client puts it beside the chroot, and returns a path that is
// none.
func TestSequenceAtChrootReal(t *testing.T) { onReal(t, testSequenceAtChroot) }
func TestSequenceAtChrootFake(t *testing.T) { onFake(t, testSequenceAtChroot) }

func testSequenceAtChroot(t *testing.T, on on) {
	ctx := t.Context()
	root := on.dial(t)
	on.connect += "/app"
	c := on.dial(t, zk.CreateChroot())
	path, _, err := c.Create(ctx, "/", nil, zk.PersistentSequential)
	require.NoError(t, err)
	require.Equal(t, "/0000000000", path)
	_, ok, err := c.Exists(ctx, path)
	require.NoError(t, err)
	require.True(t, ok)
	_, ok, err = root.Exists(ctx, "/app/0000000000")
	require.NoError(t, err)
	require.True(t, ok)
}

func TestCreateChrootReal(t *testing.T) { onReal(t, testCreateChroot) }
func TestCreateChrootFake(t *testing.T) { onFake(t, testCreateChroot) }

func testCreateChroot(t *testing.T, on on) {
	ctx := t.Context()
	root := on.dial(t)
	plain := on
	plain.connect += "/a/b/c"
	c := plain.dial(t)
	_, _, err := c.Create(ctx, "/n", nil, zk.Persistent)
	require.ErrorIs(t, err, zk.ErrNoNode, "without the option it is not made")
	for range 2 {
		c = plain.dial(t, zk.CreateChroot())
		stat, ok, err := c.Exists(ctx, "/")
		require.NoError(t, err)
		require.True(t, ok)
		require.Zero(t, stat.EphemeralOwner, "neither ephemeral nor container")
	}
	create(t, c, "/n", zk.Persistent)

	// Who may not create in the parents need not, if they are there.
	_, err = root.SetACL(ctx, "/a", []zk.ACL{zk.WorldACL(zk.PermRead)}, zk.AnyVersion)
	require.NoError(t, err)
	plain.dial(t, zk.CreateChroot())
	on.connect += "/a/other"
	_, err = zk.Dial(ctx, on.connect, zk.Dialer(on.link.base), zk.CreateChroot())
	require.ErrorIs(t, err, zk.ErrNoAuth)
	require.ErrorContains(t, err, "zk: dial "+on.connect+": chroot: zk: create /a/other: ")
}

// On an ensemble of which one member is left: who has no session finds reads,
// and later a session that writes; who has one keeps it.
func TestReadOnlyReal(t *testing.T) {
	e := harness.New(t, harness.Java(), harness.Servers(3), harness.ReadOnly(),
		harness.Config("localSessionsEnabled=true", "localSessionsUpgradingEnabled=true", "maxSessionTimeout=60000"))
	ctx := t.Context()
	c, err := zk.Dial(ctx, e.ConnectString(), zk.SessionTimeout(4*time.Second), zk.CanBeReadOnly())
	require.NoError(t, err)
	defer c.Close()
	keeper, err := zk.Dial(ctx, e.ConnectString(), zk.SessionTimeout(60*time.Second), zk.CanBeReadOnly())
	require.NoError(t, err)
	defer keeper.Close()
	create(t, keeper, "/n", zk.Persistent)
	create(t, keeper, "/eph", zk.Ephemeral) // which makes the session one of the ensemble
	kept := keeper.Session()
	states := c.States(ctx)

	servers := e.Servers()
	servers[1].Kill()
	servers[2].Kill()
	_, err = c.WaitState(ctx, zk.ReadOnly)
	require.NoError(t, err)
	require.Equal(t, servers[0].Addr(), c.Server())
	_, _, w, err := c.GetW(ctx, "/n")
	require.NoError(t, err)
	_, err = c.Set(ctx, "/n", nil, zk.AnyVersion)
	require.ErrorIs(t, err, zk.ErrNotReadOnly)
	local := c.Session()
	require.Equal(t, zk.Suspended, keeper.State(), "a session of the ensemble is not shown to what is left of it")

	servers[1].Start()
	servers[2].Start()
	_, err = c.WaitState(ctx, zk.Connected)
	require.NoError(t, err)
	require.Error(t, local.Context().Err())
	require.NotEqual(t, local.ID(), c.Session().ID())
	_, err = c.Set(ctx, "/n", []byte("x"), zk.AnyVersion)
	require.NoError(t, err)
	require.Equal(t, zk.EventNodeDataChanged, receive(t, w).Type)
	_, err = keeper.WaitState(ctx, zk.Connected)
	require.NoError(t, err)
	require.Equal(t, kept, keeper.Session())
	stat, ok, err := keeper.Exists(ctx, "/eph")
	require.NoError(t, err)
	require.True(t, ok)
	require.Equal(t, kept.ID(), stat.EphemeralOwner)
	var all []zk.State
	for st := range states { // on the way to ReadOnly there may be others, as members die one after the other
		if all = append(all, st); st == zk.Connected && slices.Contains(all, zk.ReadOnly) {
			break
		}
	}
	t.Log(all)
	require.Equal(t, []zk.State{zk.Suspended, zk.Connected}, all[len(all)-2:])
}

// The data of all servers is wiped: the client has seen more than they have.
func TestWipedFake(t *testing.T) {
	onFake(t, func(t *testing.T, on on) {
		ctx := t.Context()
		var at atomic.Pointer[fakezk.Ensemble]
		empty := fakezk.New(t)
		full := on.link.base
		on.link.base = func(ctx context.Context, network, addr string) (net.Conn, error) {
			if wiped := at.Load(); wiped != nil {
				return wiped.DialContext(ctx, network, wiped.ConnectString())
			}
			return full(ctx, network, addr)
		}
		c := on.dialLink(t)
		for range 10 {
			_, _, err := c.Create(ctx, "/n-", nil, zk.PersistentSequential)
			require.NoError(t, err)
		}
		seen := c.LastZxid()
		at.Store(empty)
		on.link.cut()
		on.link.heal()
		_, err := c.WaitState(ctx, zk.Lost)
		require.NoError(t, err)
		_, err = c.WaitState(ctx, zk.Connected)
		require.NoError(t, err)
		require.Less(t, c.LastZxid(), seen)
		_, _, err = c.Get(ctx, "/n-0000000000")
		require.ErrorIs(t, err, zk.ErrNoNode)
	})
}
