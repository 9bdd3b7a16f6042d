package fakezk_test

import (
	"fmt"
	"io"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/fakezk"
	"github.com/zookit/zookit/internal/jute"
	"github.com/zookit/zookit/internal/proto"
)

// dial opens a connection that sends and receives frames.
func dial(t *testing.T, e *fakezk.Ensemble) *rawClient {
	t.Helper()
	nc, err := e.DialContext(t.Context(), "tcp", e.ConnectString())
	require.NoError(t, err)
	t.Cleanup(func() { nc.Close() })
	return &rawClient{t: t, nc: nc}
}

// shake sends a handshake and returns its answer.
func (c *rawClient) shake(req proto.ConnectRequest) proto.ConnectResponse {
	c.t.Helper()
	c.send(req.AppendTo(nil))
	r := jute.NewReader(c.receive(), "ConnectResponse")
	var resp proto.ConnectResponse
	resp.Decode(&r)
	require.NoError(c.t, r.Err())
	c.session, c.password = resp.SessionID, append([]byte(nil), resp.Password...)
	return resp
}

// begin connects with a new session.
func begin(t *testing.T, e *fakezk.Ensemble, timeout time.Duration) *rawClient {
	t.Helper()
	c := dial(t, e)
	c.shake(proto.ConnectRequest{Timeout: int32(timeout.Milliseconds())})
	require.NotZero(t, c.session)
	return c
}

// do sends a request and returns the code of its reply.
func (c *rawClient) do(op proto.Op, body interface{ AppendTo([]byte) []byte }) proto.Code {
	c.t.Helper()
	c.xid++
	b := proto.RequestHeader{Xid: c.xid, Op: op}.AppendTo(nil)
	if body != nil {
		b = body.AppendTo(b)
	}
	c.send(b)
	r := jute.NewReader(c.receive(), "reply")
	var h proto.ReplyHeader
	h.Decode(&r)
	require.NoError(c.t, r.Err())
	return h.Err
}

func (c *rawClient) make(path string, flags int32, op proto.Op, ttl time.Duration) {
	c.t.Helper()
	req := proto.CreateTTLRequest{
		CreateRequest: proto.CreateRequest{Path: path, ACL: []proto.ACL{{Perms: 31, Scheme: "world", ID: "anyone"}}, Flags: flags},
		TTL:           ttl.Milliseconds(),
	}
	if op != proto.OpCreateTTL {
		require.Equal(c.t, proto.OK, c.do(op, req.CreateRequest), "create %s", path)
		return
	}
	require.Equal(c.t, proto.OK, c.do(op, req), "create %s", path)
}

// end waits until the server ends the connection, without a word.
func (c *rawClient) end() time.Time {
	c.t.Helper()
	rest, err := io.ReadAll(c.nc)
	require.NoError(c.t, err)
	require.Empty(c.t, rest)
	return time.Now()
}

func exists(e *fakezk.Ensemble, path string) bool { _, ok := e.Znode(path); return ok }

// A session ends at the first tick that is more than its timeout after its last
// request, and its ephemerals and its connection with it.
func TestSessionsExpireInTicks(t *testing.T) {
	const tick, timeout = 2 * time.Second, 30 * time.Second
	for offset := time.Duration(0); offset < tick; offset += 137 * time.Millisecond {
		synctest.Test(t, func(t *testing.T) {
			e := fakezk.New(t, fakezk.TickTime(tick))
			start := time.Now()
			time.Sleep(offset)
			c := begin(t, e, timeout)
			c.make("/e", proto.FlagEphemeral, proto.OpCreate, 0)
			touched := time.Now()
			ended := c.end()
			require.Greater(t, ended.Sub(touched), timeout)
			require.LessOrEqual(t, ended.Sub(touched), timeout+tick)
			require.Zero(t, ended.Sub(start)%tick, "ended at %v", ended.Sub(start))
			require.False(t, exists(e, "/e"))
			resp := dial(t, e).shake(proto.ConnectRequest{SessionID: c.session, Password: c.password})
			require.Zero(t, resp.SessionID)
		})
	}
}

func TestPingsKeepASession(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := fakezk.New(t)
		c := begin(t, e, 30*time.Second)
		for range 100 {
			time.Sleep(29 * time.Second)
			require.Equal(t, proto.OK, c.do(proto.OpPing, nil))
		}
	})
}

// The reaper looks once a minute: a container that has lost its last child goes
// at the next look, a TTL node at the first that is more than its time after its
// last change.
func TestReaper(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := fakezk.New(t, fakezk.ExtendedTypes(), fakezk.SessionTimeouts(0, time.Hour))
		start := time.Now()
		at := func(d time.Duration) { time.Sleep(d - time.Since(start)); synctest.Wait() }
		c := begin(t, e, time.Hour)
		at(10 * time.Second)
		c.make("/ttl", proto.FlagPersistentTTL, proto.OpCreateTTL, 90*time.Second)
		c.make("/container", proto.FlagContainer, proto.OpCreateContainer, 0)
		c.make("/unused", proto.FlagContainer, proto.OpCreateContainer, 0)
		c.make("/container/child", 0, proto.OpCreate, 0)
		at(70 * time.Second)
		require.Equal(t, proto.OK, c.do(proto.OpDelete, proto.PathVersion{Path: "/container/child", Version: -1}))
		at(120*time.Second - time.Millisecond)
		require.True(t, exists(e, "/ttl"))
		require.True(t, exists(e, "/container"))
		at(120 * time.Second)
		require.False(t, exists(e, "/container"))
		require.True(t, exists(e, "/ttl"), "10,000 a minute go: one each 6 ms")
		at(120*time.Second + 6*time.Millisecond)
		require.False(t, exists(e, "/ttl"), "110 s after it was made")
		at(time.Hour / 2)
		require.True(t, exists(e, "/unused"), "a container that never had a child stays")
	})
}

func TestSnapshotAndRestore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := fakezk.New(t)
		old := begin(t, e, 30*time.Second)
		old.make("/e", proto.FlagEphemeral, proto.OpCreate, 0)
		s := e.Snapshot()
		late := begin(t, e, 30*time.Second)
		late.make("/late", 0, proto.OpCreate, 0)
		zxid := e.Zxid()
		require.True(t, exists(e, "/late"))
		for range 2 { // a snapshot can be restored again and again
			e.Restore(s)
			require.False(t, exists(e, "/late"))
			require.True(t, exists(e, "/e"))
			require.Greater(t, e.Zxid(), zxid, "no client is ahead of the server")
			require.NoError(t, e.Put("/late", nil))
		}
		old.end()
		late.end()
		resp := dial(t, e).shake(proto.ConnectRequest{SessionID: late.session, Password: late.password, LastZxidSeen: zxid})
		require.Zero(t, resp.SessionID, "a session that the snapshot does not know is expired")
		resp = dial(t, e).shake(proto.ConnectRequest{SessionID: old.session, Password: old.password, LastZxidSeen: zxid, Timeout: 30000})
		require.Equal(t, old.session, resp.SessionID)
		time.Sleep(time.Minute)
		require.False(t, exists(e, "/e"), "the session has expired after the restore")
	})
}

func TestExpireAndDisconnect(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := fakezk.New(t)
		c := begin(t, e, 30*time.Second)
		c.make("/e", proto.FlagEphemeral, proto.OpCreate, 0)
		require.NoError(t, e.Disconnect(c.session))
		c.end()
		require.True(t, exists(e, "/e"))
		again := dial(t, e)
		require.Equal(t, c.session, again.shake(proto.ConnectRequest{SessionID: c.session, Password: c.password}).SessionID)
		require.NoError(t, e.Expire(c.session))
		again.end()
		require.False(t, exists(e, "/e"))
		require.ErrorContains(t, e.Expire(c.session), "no session")
		require.ErrorContains(t, e.Disconnect(c.session), "no session")
	})
}

// A restart keeps address, data and sessions, which begin their timeouts anew.
func TestRestartKeepsAll(t *testing.T) {
	check := func(t *testing.T, e *fakezk.Ensemble) {
		c := begin(t, e, 30*time.Second)
		c.make("/e", proto.FlagEphemeral, proto.OpCreate, 0)
		addr := e.ConnectString()
		for range 3 {
			require.NoError(t, e.Servers()[0].Restart())
			require.Equal(t, addr, e.ConnectString())
			c.nc.Close()
			again := dial(t, e)
			require.Equal(t, c.session, again.shake(proto.ConnectRequest{SessionID: c.session, Password: c.password}).SessionID)
			require.Equal(t, proto.OK, again.do(proto.OpExists, proto.PathWatch{Path: "/e"}))
			c = again
		}
	}
	t.Run("memory", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			e := fakezk.New(t)
			check(t, e)
			require.NoError(t, e.Servers()[0].Stop())
			time.Sleep(time.Hour)
			require.True(t, exists(e, "/e"), "no session expires while the server is down")
			require.NoError(t, e.Servers()[0].Start())
			time.Sleep(time.Minute)
			require.False(t, exists(e, "/e"))
		})
	})
	t.Run("TCP", func(t *testing.T) {
		e, err := fakezk.Listen()
		require.NoError(t, err)
		defer e.Close()
		check(t, e)
	})
}

// Sessions that expire at once end in one tick, with all that they had.
func TestManySessionsExpire(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := fakezk.New(t, fakezk.MaxClientConns(0))
		for i := range 1000 {
			c := begin(t, e, 30*time.Second)
			c.make(fmt.Sprintf("/e%d", i), proto.FlagEphemeral, proto.OpCreate, 0)
			c.nc.Close()
		}
		require.Len(t, e.Sessions(), 1000)
		time.Sleep(time.Minute)
		require.Empty(t, e.Sessions())
		names, _ := e.Children("/")
		require.Equal(t, []string{"zookeeper"}, names)
	})
}
