package zk_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/internal/javazk"
	"github.com/zookit/zookit/zk"
)

func testTxn(t *testing.T, c *zk.Conn) {
	ctx := t.Context()
	create(t, c, "/n", zk.Persistent)
	create(t, c, "/d", zk.Persistent)
	tx := c.Txn()
	check := tx.Check("/n", 0)
	set := tx.Set("/n", []byte("new"), 0)
	made := tx.Create("/n/a", []byte("a"), zk.Persistent)
	digits := tx.Create("/d/", nil, zk.EphemeralSequential, zk.WorldACL(zk.PermRead))
	container := tx.Create("/c", nil, zk.Container)
	ttl := tx.CreateTTL("/t-", nil, zk.PersistentSequential, time.Hour)
	deleted := tx.Delete("/n/a", zk.AnyVersion)
	require.ErrorIs(t, made.Err, zk.ErrNotCommitted)
	require.EqualError(t, check.Err, "zk: check /n: not committed")
	require.NoError(t, tx.Commit(ctx))
	for _, err := range []error{check.Err, set.Err, made.Err, digits.Err, container.Err, ttl.Err, deleted.Err} {
		require.NoError(t, err)
	}
	require.EqualValues(t, 1, set.Stat.Version)
	require.Equal(t, "/n/a", made.Path)
	require.Equal(t, "/d/0000000000", digits.Path, "the slash is the name's parent")
	require.Equal(t, "/c", container.Path)
	require.Equal(t, "/t-0000000003", ttl.Path)
	stat, ok, err := c.Exists(ctx, digits.Path)
	require.NoError(t, err)
	require.True(t, ok)
	require.Equal(t, c.Session().ID(), stat.EphemeralOwner)
	if made := digits.Stat; made != (zk.Stat{}) { // servers before 3.8.2 do not tell
		require.Equal(t, stat, made)
	}

	require.ErrorIs(t, tx.Commit(ctx), zk.ErrBadArguments, "once")
	require.NoError(t, c.Txn().Commit(ctx), "nothing to do is done")
}

func testFailedTxn(t *testing.T, c *zk.Conn) {
	create(t, c, "/n", zk.Persistent)
	failTxn(t, c, func(tx *zk.Txn) error { return tx.Commit(t.Context()) })
	failTxn(t, c, func(tx *zk.Txn) error {
		_, err := c.Async().Commit(tx).Wait(t.Context())
		return err
	})
}

func failTxn(t *testing.T, c *zk.Conn, commit func(*zk.Txn) error) {
	ctx := t.Context()
	tx := c.Txn()
	before, one := tx.Create("/m", nil, zk.Persistent), tx.Create("/n", nil, zk.Persistent)
	after := tx.Delete("/n", zk.AnyVersion)
	err := commit(tx)
	require.ErrorIs(t, err, zk.ErrNodeExists)
	require.EqualError(t, err, "zk: multi: operation 1: create /n: node exists")
	require.False(t, zk.MayHaveApplied(err))
	e, _ := errors.AsType[*zk.Error](err)
	require.Equal(t, c.LastZxid(), e.Zxid, "also a failed transaction has a zxid")
	require.ErrorIs(t, before.Err, zk.ErrRolledBack)
	require.Equal(t, zk.TxnCreated{Err: before.Err}, *before)
	require.EqualError(t, one.Err, "zk: create /n: node exists")
	require.ErrorIs(t, after.Err, zk.ErrNotTried)
	require.EqualError(t, after.Err, "zk: delete /n: not tried: another operation of the transaction failed")
	for _, err := range []error{before.Err, one.Err, after.Err} {
		require.False(t, zk.NotSent(err))
		require.False(t, zk.MayHaveApplied(err))
	}
	_, ok, err := c.Exists(ctx, "/m")
	require.NoError(t, err)
	require.False(t, ok)

	tx = c.Txn()
	before, bad := tx.Create("/m", nil, zk.Persistent), tx.Set("bad", nil, zk.AnyVersion)
	err = commit(tx)
	require.ErrorIs(t, err, zk.ErrBadArguments)
	require.True(t, zk.NotSent(err))
	require.ErrorIs(t, before.Err, zk.ErrNotTried)
	require.ErrorIs(t, bad.Err, zk.ErrBadArguments)
	require.True(t, zk.NotSent(before.Err))
	require.ErrorIs(t, commit(tx), zk.ErrBadArguments)
}

func testReadTxn(t *testing.T, c *zk.Conn) {
	ctx := t.Context()
	create(t, c, "/n", zk.Persistent)
	create(t, c, "/n/k", zk.Persistent)
	tx := c.ReadTxn()
	n, children, none := tx.Get("/n"), tx.Children("/n"), tx.Get("/none")
	require.ErrorIs(t, n.Err, zk.ErrNotCommitted)
	require.NoError(t, tx.Read(ctx))
	require.NoError(t, n.Err)
	require.Equal(t, "/n", string(n.Data))
	require.EqualValues(t, 1, n.Stat.NumChildren)
	require.NoError(t, children.Err)
	require.Equal(t, []string{"k"}, children.Names)
	require.EqualError(t, none.Err, "zk: get /none: node does not exist")
	require.ErrorIs(t, tx.Read(ctx), zk.ErrBadArguments, "once")
	require.NoError(t, c.ReadTxn().Read(ctx))

	tx = c.ReadTxn()
	n, bad := tx.Get("/n"), tx.Children("bad")
	require.ErrorIs(t, tx.Read(ctx), zk.ErrBadArguments)
	require.Error(t, n.Err)
	require.ErrorIs(t, bad.Err, zk.ErrBadArguments)
}

// All futures against a server, each with the result of the call that waits.
func testFutures(t *testing.T, c *zk.Conn) {
	ctx := t.Context()
	a := c.Async()
	made := a.Create("/n", []byte("x"), zk.Persistent)
	nul, empty := a.Create("/null", nil, zk.Ephemeral), a.Create("/empty", []byte{}, zk.Persistent)
	digits := a.Create("/n/", nil, zk.EphemeralSequential)
	ttl := a.CreateTTL("/ttl", nil, zk.Persistent, time.Hour)
	lasting := a.AddWatch("/n", zk.WatchRecursive)
	getW, existsW, childrenW := a.GetW("/n"), a.ExistsW("/later"), a.ChildrenW("/n")
	set := a.Set("/n", []byte("y"), 0)
	get, exists, children, names := a.Get("/n"), a.Exists("/n"), a.Children("/n"), a.ChildNames("/n")
	getNull, getEmpty := a.Get("/null"), a.Get("/empty")
	acl := a.ACL("/n")
	setACL := a.SetACL("/n", []zk.ACL{zk.WorldACL(zk.PermAll)}, 0)
	ephemerals, count, config, who := a.Ephemerals("/"), a.AllChildrenNumber("/"), a.ConfigW(), a.WhoAmI()
	multi := a.Multi(zk.CreateOp("/later", nil, zk.Persistent), zk.DeleteOp("/later", zk.AnyVersion))
	read := a.MultiRead(zk.GetOp("/n"), zk.GetOp("/none"))
	del, sync := a.Delete("/empty", zk.AnyVersion), a.Sync("/")
	_, err := sync.Wait(ctx)
	require.NoError(t, err)
	require.True(t, made.Ready(), "those before it are done")

	require.Equal(t, "/n", must(made.Wait(ctx))(t).Path)
	require.Equal(t, "/n/0000000000", must(digits.Wait(ctx))(t).Path)
	require.Equal(t, "/ttl", must(ttl.Wait(ctx))(t).Path)
	require.Equal(t, "/null", must(nul.Wait(ctx))(t).Path)
	require.Equal(t, "/empty", must(empty.Wait(ctx))(t).Path)
	require.Equal(t, "x", string(must(getW.Wait(ctx))(t).Data))
	wantNext(t, must(lasting.Wait(ctx))(t), zk.EventNodeDataChanged, "/n")
	require.Equal(t, zk.EventNodeDataChanged, receive(t, must(getW.Wait(ctx))(t).Watch).Type)
	require.False(t, must(existsW.Wait(ctx))(t).Exists)
	require.Equal(t, zk.EventNodeCreated, receive(t, must(existsW.Wait(ctx))(t).Watch).Type)
	require.Equal(t, []string{"0000000000"}, must(childrenW.Wait(ctx))(t).Names)
	require.EqualValues(t, 1, must(set.Wait(ctx))(t).Version)
	require.Equal(t, "y", string(must(get.Wait(ctx))(t).Data))
	require.True(t, must(exists.Wait(ctx))(t).Exists)
	require.EqualValues(t, 1, must(children.Wait(ctx))(t).Stat.NumChildren)
	require.Equal(t, []string{"0000000000"}, must(names.Wait(ctx))(t))
	require.Nil(t, must(getNull.Wait(ctx))(t).Data, "null is nil")
	require.Equal(t, []byte{}, must(getEmpty.Wait(ctx))(t).Data, "empty is not")
	require.Equal(t, []zk.ACL{zk.WorldACL(zk.PermAll)}, must(acl.Wait(ctx))(t).ACL)
	require.EqualValues(t, 1, must(setACL.Wait(ctx))(t).Aversion)
	require.ElementsMatch(t, []string{"/null", "/n/0000000000"}, must(ephemerals.Wait(ctx))(t))
	require.Equal(t, 5, must(count.Wait(ctx))(t))
	must(config.Wait(ctx))(t)
	ids, err := who.Wait(ctx)
	require.NoError(t, err)
	require.Equal(t, "ip", ids[0].Scheme)
	require.Equal(t, "/later", must(multi.Wait(ctx))(t)[0].Path)
	require.ErrorIs(t, must(read.Wait(ctx))(t)[1].Err, zk.ErrNoNode)
	must(del.Wait(ctx))(t)
	require.NoError(t, must(lasting.Wait(ctx))(t).Close())
	require.NoError(t, must(childrenW.Wait(ctx))(t).Watch.Close())
	require.NoError(t, must(config.Wait(ctx))(t).Watch.Close())
}

// A real server answers a credential before requests that came ahead of it;
// kazoo takes the answer for theirs and dies.
func testAuthAmongFutures(t *testing.T, c *zk.Conn) {
	ctx := t.Context()
	var all []*zk.Future[zk.Created]
	for range 200 {
		all = append(all, c.Async().Create("/n-", nil, zk.PersistentSequential))
	}
	auth := c.Async().AddAuth("digest", []byte("bob:secret"))
	mine := c.Async().Create("/mine", nil, zk.Persistent, zk.AuthACL(zk.PermAll))
	must(auth.Wait(ctx))(t)
	for i, f := range all {
		require.Equal(t, fmt.Sprintf("/n-%010d", i), must(f.Wait(ctx))(t).Path)
	}
	must(mine.Wait(ctx))(t)
	require.Equal(t, zk.Connected, c.State())
}

// Several events of one zxid, as those of a transaction are, all arrive.
func testEventsOfTxn(t *testing.T, c *zk.Conn) {
	ctx := t.Context()
	w, err := c.AddWatch(ctx, "/", zk.WatchRecursive)
	if errors.Is(err, zk.ErrUnimplemented) {
		t.Skip(err)
	}
	require.NoError(t, err)
	create(t, c, "/old", zk.Persistent)
	wantNext(t, w, zk.EventNodeCreated, "/old")
	one := must(c.Async().ExistsW("/a").Wait(ctx))(t)
	tx := c.Txn()
	tx.Create("/a", nil, zk.Persistent)
	tx.Create("/a/b", nil, zk.Persistent)
	tx.Set("/a", []byte("x"), 0)
	tx.Delete("/old", zk.AnyVersion)
	require.NoError(t, tx.Commit(ctx))
	require.Equal(t, zk.EventNodeCreated, receive(t, one.Watch).Type)
	for _, want := range []struct {
		zk.EventType
		path string
	}{{zk.EventNodeCreated, "/a"}, {zk.EventNodeCreated, "/a/b"}, {zk.EventNodeDataChanged, "/a"}, {zk.EventNodeDeleted, "/old"}} {
		wantNext(t, w, want.EventType, want.path)
	}
	require.NoError(t, w.Close())
}

// Servers that do not know an operation say so ahead of what is due before, and
// close the connection. Who has asked learns why, and does not try again for
// ever; the others lose what was under way, and no session is lost.
func TestUnimplementedAmongFuturesReal(t *testing.T) {
	s := javazk.Start(t, javazk.Version("3.6"))
	c := dial(t, s.Addr())
	session := c.Session()
	for range 5 {
		for c.Sync(t.Context(), "/") != nil { // the end of the connection may not have been noticed
		}
		var all []*zk.Future[zk.Created]
		for range 20 {
			all = append(all, c.Async().Create("/n-", nil, zk.EphemeralSequential))
		}
		_, err := c.WhoAmI(t.Context())
		require.ErrorIs(t, err, zk.ErrUnimplemented)
		for _, f := range all {
			if _, err := f.Wait(t.Context()); err != nil {
				require.ErrorIs(t, err, zk.ErrConnectionLoss)
			}
		}
	}
	for c.Sync(t.Context(), "/") != nil {
	}
	require.Equal(t, session, c.Session())
}
