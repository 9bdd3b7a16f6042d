package zk

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/internal/jute"
	"github.com/zookit/zookit/internal/memnet"
	"github.com/zookit/zookit/internal/proto"
	"github.com/zookit/zookit/internal/wire"
)

// anyCall is one call of each operation, with a reply that is in order.
var anyCall = []struct {
	name  string
	call  func(ctx context.Context, c *Conn) error
	reply proto.Record
}{
	{"get", func(ctx context.Context, c *Conn) error { _, _, err := c.Get(ctx, "/n"); return err }, &proto.GetDataResponse{Data: []byte("data")}},
	{"get and watch", func(ctx context.Context, c *Conn) error { _, _, _, err := c.GetW(ctx, "/n"); return err }, &proto.GetDataResponse{}},
	{"exists", func(ctx context.Context, c *Conn) error { _, _, err := c.Exists(ctx, "/n"); return err }, &proto.Stat{}},
	{"exists and watch", func(ctx context.Context, c *Conn) error { _, _, _, err := c.ExistsW(ctx, "/n"); return err }, &proto.Stat{}},
	{"children", func(ctx context.Context, c *Conn) error { _, _, err := c.Children(ctx, "/n"); return err }, &proto.GetChildren2Response{Children: []string{"a", "b"}}},
	{"names", func(ctx context.Context, c *Conn) error { _, err := c.ChildNames(ctx, "/n"); return err }, &proto.StringsRecord{Strings: []string{"a", "b"}}},
	{"set", func(ctx context.Context, c *Conn) error { _, err := c.Set(ctx, "/n", nil, 1); return err }, &proto.Stat{}},
	{"create", func(ctx context.Context, c *Conn) error { _, _, err := c.Create(ctx, "/n", nil, Ephemeral); return err }, &proto.Create2Response{Path: "/n"}},
	{"create with TTL", func(ctx context.Context, c *Conn) error {
		_, _, err := c.CreateTTL(ctx, "/n", nil, Persistent, time.Second)
		return err
	}, &proto.Create2Response{Path: "/n"}},
	{"delete", func(ctx context.Context, c *Conn) error { return c.Delete(ctx, "/n", 1) }, nil},
	{"get ACL", func(ctx context.Context, c *Conn) error { _, _, err := c.ACL(ctx, "/n"); return err }, &proto.GetACLResponse{ACL: []proto.ACL{{Perms: 31, Scheme: "world", ID: "anyone"}}}},
	{"set ACL", func(ctx context.Context, c *Conn) error {
		_, err := c.SetACL(ctx, "/n", []ACL{WorldACL(PermAll)}, 1)
		return err
	}, &proto.Stat{}},
	{"sync", func(ctx context.Context, c *Conn) error { return c.Sync(ctx, "/n") }, &proto.PathRecord{Path: "/n"}},
	{"multi", func(ctx context.Context, c *Conn) error {
		_, err := c.Multi(ctx, CreateOp("/n", nil, Persistent), SetOp("/n", nil, 1), DeleteOp("/n", 2), CheckOp("/n", 3))
		return err
	}, &proto.MultiResponse{Results: []proto.MultiResult{
		{Op: proto.OpCreate, Path: "/n"}, {Op: proto.OpSetData}, {Op: proto.OpDelete}, {Op: proto.OpCheck},
	}}},
	{"multi read", func(ctx context.Context, c *Conn) error {
		_, err := c.MultiRead(ctx, GetOp("/n"), ChildrenOp("/n"))
		return err
	}, &proto.MultiResponse{Results: []proto.MultiResult{
		{Op: proto.OpGetData, Data: []byte("data")}, {Op: proto.OpGetChildren, Children: []string{"a"}},
	}}},
	{"ephemerals", func(ctx context.Context, c *Conn) error { _, err := c.Ephemerals(ctx, "/"); return err }, &proto.StringsRecord{Strings: []string{"/a"}}},
	{"number", func(ctx context.Context, c *Conn) error { _, err := c.AllChildrenNumber(ctx, "/"); return err }, &proto.IntRecord{Value: 1}},
	{"who am I", func(ctx context.Context, c *Conn) error { _, err := c.WhoAmI(ctx); return err }, &proto.WhoAmIResponse{Info: []proto.ClientInfo{{Scheme: "ip", User: "a"}}}},
	{"config", func(ctx context.Context, c *Conn) error { _, _, err := c.Config(ctx); return err }, &proto.GetDataResponse{Data: []byte("version=0")}},
	{"reconfig", func(ctx context.Context, c *Conn) error {
		_, _, err := c.Reconfig(ctx, Reconfiguration{Leaving: []string{"3"}})
		return err
	}, &proto.GetDataResponse{Data: []byte("version=0")}},
	{"add watch", func(ctx context.Context, c *Conn) error { _, err := c.AddWatch(ctx, "/n", WatchRecursive); return err }, &proto.IntRecord{}},
	{"remove watches", func(ctx context.Context, c *Conn) error { return c.RemoveWatches(ctx, "/n", KindAny) }, nil},
	{"check watches", func(ctx context.Context, c *Conn) error { _, err := c.CheckWatches(ctx, "/n", KindAny); return err }, nil},
	{"add auth", func(ctx context.Context, c *Conn) error { return c.AddAuth(ctx, "digest", []byte("a:b")) }, nil},
}

// body is the reply to the call i behind its header.
func bodyOf(i int) []byte {
	if r := anyCall[i].reply; r != nil {
		return r.AppendTo(nil)
	}
	return nil
}

// replyFrame is a reply as it goes over the wire.
func replyFrame(xid int32, zxid int64, code proto.Code, body []byte) []byte {
	b, start := wire.BeginFrame(nil)
	b = proto.ReplyHeader{Xid: xid, Zxid: zxid, Err: code}.AppendTo(b)
	return wire.EndFrame(append(b, body...), start)
}

// A victim is a client with calls under way on its first connection.
type victim struct {
	*script
	c     *Conn
	p     *peer
	calls []*result
	xids  []int32
}

func (s *script) victim(calls ...int) *victim {
	s.t.Helper()
	v := &victim{script: s}
	v.c, v.p = s.start()
	ctx, cancel := context.WithCancel(s.t.Context())
	s.t.Cleanup(cancel)
	for _, i := range calls {
		v.calls = append(v.calls, async(func() error { return anyCall[i].call(ctx, v.c) }))
		v.xids = append(v.xids, v.p.receive().xid)
	}
	return v
}

// every is the index of every call.
func every() (calls []int) {
	for i := range anyCall {
		calls = append(calls, i)
	}
	return calls
}

// survives has the server send bytes and close the connection, and requires
// that all calls end, with an error that tells of it or without one, and that
// the client goes on with the next connection. It returns how they ended.
func (v *victim) survives(bytes []byte) (errs []error) {
	v.t.Helper()
	before := allocated()
	v.p.conn.Write(bytes) // fails if the client closes in between
	v.p.conn.Close()
	synctest.Wait()
	go v.serveAll()
	ctx, cancel := context.WithTimeout(v.t.Context(), time.Hour)
	defer cancel()
	_, _, err := v.c.Exists(ctx, "/alive")
	if !errors.Is(err, ErrAuthFailed) { // which a server may say
		require.NoError(v.t, err, "the client goes on")
	}
	for i, call := range v.calls {
		var err error
		select {
		case err = <-call.done:
		case <-time.After(time.Hour):
			v.t.Fatalf("call %d hangs", i)
		}
		if err != nil {
			_, ok := errors.AsType[*Error](err)
			require.True(v.t, ok, "%v", err)
		}
		errs = append(errs, err)
	}
	require.LessOrEqual(v.t, allocated()-before, 2<<20+200*uint64(len(bytes)),
		"%d bytes make the client allocate a small multiple of them", len(bytes))
	return errs
}

// serveAll serves one connection after the other.
func (v *victim) serveAll() {
	for {
		conn, err := v.listeners["a:2181"].Accept()
		if err != nil {
			return
		}
		p := &peer{t: v.t, conn: conn.(*memnet.Conn), in: wire.NewFrameReader(conn, 1<<20)}
		if frame, err := p.in.Next(); err == nil {
			r := jute.NewReader(frame, "")
			p.hello.Decode(&r)
			id := p.hello.SessionID
			if id == 0 {
				id = sessionID
			}
			b, start := wire.BeginFrame(nil)
			conn.Write(wire.EndFrame(proto.ConnectResponse{
				Timeout: 9000, SessionID: id, Password: make([]byte, proto.PasswordLen),
			}.AppendTo(b), start))
			p.answerAll()
		}
		conn.Close()
	}
}

func allocated() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.TotalAlloc
}

func uint32s(n ...int32) (b []byte) {
	for _, n := range n {
		b = binary.BigEndian.AppendUint32(b, uint32(n))
	}
	return b
}

// go-zookeeper/zk panics on a frame of 4 bytes, in a goroutine of its own, and
// allocates what a length prefix says.
func TestMalformedFrames(t *testing.T) {
	for _, tc := range []struct {
		name  string
		bytes []byte
		cause string
	}{
		{"4 bytes", uint32s(4, 1), "reply of 4 bytes"},
		{"15 bytes", append(uint32s(15), make([]byte, 15)...), "reply of 15 bytes"},
		{"no bytes", uint32s(0), "reply of 0 bytes"},
		{"1 GiB", uint32s(1<<30, 1), "1073741824"},
		{"beyond MaxFrame by one", uint32s(16<<20+1, 1), "16777217"},
		{"MaxFrame, of which little comes", append(uint32s(16<<20, 1), make([]byte, 100)...), "unexpected EOF"},
		{"negative", uint32s(-1), "-1"},
		{"the least", uint32s(-1 << 31), "-2147483648"},
		{"half a prefix", []byte{0, 0}, "unexpected EOF"},
		{"half a frame", uint32s(100, 1, 0, 1), "unexpected EOF"},
		{"nothing", nil, "EOF"},
		{"another xid", replyFrame(7, 1, proto.OK, nil), "xid 7"},
		{"xid 0", replyFrame(0, 1, proto.OK, nil), "xid 0"},
		{"an xid of a kind that is not known", replyFrame(-9, 1, proto.OK, nil), "xid -9"},
		{"an event without a body", replyFrame(proto.XidNotify, -1, proto.OK, nil), "WatcherEvent"},
		{"an event with a path that is longer than the frame", replyFrame(proto.XidNotify, -1, proto.OK, uint32s(3, 3, 1<<30)), "WatcherEvent"},
		{"a credential that was not given", replyFrame(proto.XidAuth, 0, proto.OK, nil), "auth"},
		{"watches that were not asked for", replyFrame(proto.XidSetWatches, 0, proto.SystemError, nil), "watches"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			inBubble(t, 1, func(t *testing.T, s *script) {
				for _, err := range s.victim(0, 1, 13).survives(tc.bytes) {
					require.ErrorIs(t, err, ErrConnectionLoss)
					require.ErrorContains(t, err, tc.cause)
				}
			})
		})
	}
}

// Every reply that ends too early is an error, and none but of the call, and
// after it, on this connection.
func TestTruncatedReplies(t *testing.T) {
	for i, tc := range anyCall {
		t.Run(tc.name, func(t *testing.T) {
			body := bodyOf(i)
			step := max(1, len(body)/9)
			for n := 0; n < len(body); n += step {
				inBubble(t, 1, func(t *testing.T, s *script) {
					v := s.victim(i)
					err := v.survives(replyFrame(v.xids[0], 1, proto.OK, body[:n]))[0]
					if tc.name == "sync" || tc.name == "add watch" {
						require.NoError(t, err, "of this reply nothing is read")
						return
					}
					require.ErrorIs(t, err, ErrConnectionLoss, "%d of %d bytes", n, len(body))
				})
			}
			inBubble(t, 1, func(t *testing.T, s *script) {
				v := s.victim(i)
				require.NoError(t, v.survives(replyFrame(v.xids[0], 1, proto.OK, body))[0])
			})
		})
	}
}

// Lengths and counts in a reply are no promise.
func TestAbsurdCounts(t *testing.T) {
	for i, tc := range anyCall {
		for _, n := range []int32{-1, -2, -1 << 31, 1 << 20, 1<<31 - 1} {
			t.Run(fmt.Sprintf("%s/%d", tc.name, n), func(t *testing.T) {
				inBubble(t, 1, func(t *testing.T, s *script) {
					v := s.victim(i)
					body := bodyOf(i)
					for at := 0; at+4 <= len(body) && at < 12; at += 4 {
						copy(body[at:], uint32s(n))
					}
					v.survives(replyFrame(v.xids[0], 1, proto.OK, body))
				})
			})
		}
	}
}

// A null string or vector is an empty one.
func TestNullReplies(t *testing.T) {
	null := proto.Stat{}.AppendTo(uint32s(-1))
	inBubble(t, 1, func(t *testing.T, s *script) {
		c, p := s.start()
		go func() {
			for range 3 {
				p.conn.Write(replyFrame(p.receive().xid, 1, proto.OK, null))
			}
		}()
		data, _, err := c.Get(bg, "/n")
		require.NoError(t, err)
		require.Nil(t, data)
		names, _, err := c.Children(bg, "/n")
		require.NoError(t, err)
		require.Empty(t, names)
		acl, _, err := c.ACL(bg, "/n")
		require.NoError(t, err)
		require.Empty(t, acl)
	})
}

// A code that has no name is an error like another, and costs no connection.
func TestUnknownCode(t *testing.T) {
	for i, tc := range anyCall {
		if tc.name == "add auth" {
			continue // any error is ErrAuthFailed there
		}
		t.Run(tc.name, func(t *testing.T) {
			inBubble(t, 1, func(t *testing.T, s *script) {
				v := s.victim(i)
				v.p.conn.Write(replyFrame(v.xids[0], 1, -777, nil))
				err := v.calls[0].wait()
				require.ErrorIs(t, err, Code(-777))
				require.ErrorContains(t, err, "-777")
				require.Equal(t, Connected, v.c.State())
			})
		})
	}
}
