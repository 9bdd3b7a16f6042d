package zk

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/internal/proto"
)

// Replies that break the protocol, each to a get that is in flight.
func TestBadRepliesEndTheConnection(t *testing.T) {
	for name, bad := range map[string]func(p *peer, xid int32){
		"other xid":       func(p *peer, xid int32) { p.reply(xid+1, 0, &proto.GetDataResponse{}) },
		"short":           func(p *peer, xid int32) { p.send(make([]byte, 15)) },
		"no body":         func(p *peer, xid int32) { p.reply(xid, 0, nil) },
		"length":          func(p *peer, xid int32) { p.conn.Write([]byte{0x7f, 0, 0, 0}) },
		"truncated":       func(p *peer, xid int32) { p.conn.Write([]byte{0, 0, 0, 99, 1}); p.conn.Close() },
		"auth unasked":    func(p *peer, xid int32) { p.reply(proto.XidAuth, 0, nil) },
		"malformed event": func(p *peer, xid int32) { p.reply(proto.XidNotify, 0, nil) },
		"watches refused": func(p *peer, xid int32) { p.reply(proto.XidSetWatches, proto.MarshallingError, nil) },
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, 1, func(t *testing.T, s *script) {
				c, p := s.start()
				get := asyncGet(c, bg, "/")
				bad(p, p.want(proto.OpGetData).xid)
				err := get.wait()
				require.ErrorIs(t, err, ErrConnectionLoss)
				require.True(t, MayHaveApplied(err))
				t.Log(err)
				p = s.accept("a:2181")
				p.welcome(9 * time.Second)
				require.EqualValues(t, sessionID, p.hello.SessionID, "the session goes on")
				go p.answerAll()
				_, _, err = c.Get(bg, "/")
				require.NoError(t, err)
				require.NoError(t, c.Close())
			})
		})
	}
}

func TestReplyWithoutRequest(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, s *script) {
		c, p := s.start()
		p.reply(1, 0, nil)
		p.wantEnd()
		_, err := c.WaitState(bg, Suspended)
		require.NoError(t, err)
		c.Close()
	})
}

func TestCallsWaitForTheConnectionInOrder(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, s *script) {
		c, p := s.start()
		_, _, w, err := armed(c, p, "/watched")
		require.NoError(t, err)
		p.conn.Close()
		synctest.Wait()
		var all []*result
		for _, path := range []string{"/1", "/2", "/3"} {
			all = append(all, asyncGet(c, bg, path))
		}
		p = s.accept("a:2181")
		p.welcome(9 * time.Second)
		require.Equal(t, proto.XidSetWatches, p.want(proto.OpSetWatches).xid)
		for i, path := range []string{"/1", "/2", "/3"} {
			r := p.want(proto.OpGetData)
			require.Equal(t, path, r.path())
			require.False(t, all[i].over())
			if i == 0 {
				p.reply(proto.XidSetWatches, 0, nil)
			}
			p.reply(r.xid, 0, &proto.GetDataResponse{})
			require.NoError(t, all[i].wait())
		}
		p.event(EventNodeDataChanged, "/watched")
		require.Equal(t, EventNodeDataChanged, (<-w.C).Type)
		go p.answerAll()
		require.NoError(t, c.Close())
	})
}

// armed is GetW with an answer.
func armed(c *Conn, p *peer, path string) (data []byte, stat Stat, w *Watch, err error) {
	get := async(func() error {
		data, stat, w, err = c.GetW(bg, path)
		return err
	})
	p.reply(p.want(proto.OpGetData).xid, 0, &proto.GetDataResponse{})
	return data, stat, w, get.wait()
}

func TestCancelWhileWaiting(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, s *script) {
		c, p := s.start()
		p.conn.Close()
		synctest.Wait()
		ctx, cancel := context.WithTimeout(bg, time.Second)
		defer cancel()
		began := time.Now()
		_, err := c.Set(ctx, "/canceled", nil, AnyVersion)
		require.Equal(t, time.Second, time.Since(began))
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.ErrorContains(t, err, "zk: set /canceled: context deadline exceeded while not connected (")
		require.True(t, NotSent(err))
		require.False(t, MayHaveApplied(err))
		stays := asyncGet(c, bg, "/stays")
		p = s.accept("a:2181")
		p.welcome(9 * time.Second)
		r := p.want(proto.OpGetData)
		require.Equal(t, "/stays", r.path(), "the canceled one is not sent")
		p.reply(r.xid, 0, &proto.GetDataResponse{})
		require.NoError(t, stays.wait())
		go p.answerAll()
		require.NoError(t, c.Close())
	})
}

func TestCancelInFlight(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, s *script) {
		c, p := s.start()
		ctx, cancel := context.WithCancel(bg)
		first := async(func() error {
			_, err := c.Set(ctx, "/n", []byte("late"), AnyVersion)
			return err
		})
		var data []byte
		second := async(func() (err error) {
			data, _, err = c.Get(bg, "/n")
			return err
		})
		cancel()
		err := first.wait()
		require.ErrorIs(t, err, context.Canceled)
		require.True(t, MayHaveApplied(err))
		require.False(t, NotSent(err))
		p.reply(p.want(proto.OpSetData).xid, proto.BadVersion, nil)
		p.reply(p.want(proto.OpGetData).xid, 0, &proto.GetDataResponse{Data: []byte("mine")})
		require.NoError(t, second.wait())
		require.Equal(t, "mine", string(data), "each gets its own answer")
		require.EqualValues(t, 2, c.LastZxid(), "an answer that nobody waits for was seen too")
		go p.answerAll()
		require.NoError(t, c.Close())
	})
}

func TestCanceledCallArmsNoWatch(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, s *script) {
		c, p := s.start()
		ctx, cancel := context.WithCancel(bg)
		get := async(func() error {
			_, _, _, err := c.GetW(ctx, "/n")
			return err
		})
		add := async(func() error {
			_, err := c.AddWatch(ctx, "/n", WatchRecursive)
			return err
		})
		cancel()
		require.ErrorIs(t, get.wait(), context.Canceled)
		require.ErrorIs(t, add.wait(), context.Canceled)
		p.reply(p.want(proto.OpGetData).xid, 0, &proto.GetDataResponse{})
		p.reply(p.want(proto.OpAddWatch).xid, 0, &proto.IntRecord{})
		p.event(EventNodeDataChanged, "/n")
		p.wantRemoval("/n", KindAny, 0) // or the server keeps the one until it fires, and the other for ever
		p.conn.Close()
		p = s.accept("a:2181")
		p.welcome(9 * time.Second)
		p.wantSilence() // nothing to restore
		go p.answerAll()
		require.NoError(t, c.Close())
	})
}

func TestFateOfCalls(t *testing.T) {
	require.False(t, MayHaveApplied(nil))
	require.False(t, NotSent(nil))
	require.True(t, MayHaveApplied(ErrConnectionLoss))
	require.True(t, MayHaveApplied(&Error{Op: "create", Err: ErrConnectionLoss}), "as a mock would make it")
	require.False(t, MayHaveApplied(&Error{Op: "create", Err: ErrNodeExists}))
	require.False(t, MayHaveApplied(&Error{Op: "create", Err: ErrConnectionLoss, fate: unsent}))
}

// What a server does not know it says so ahead of the answers that are due
// before.
func TestUnimplementedOvertakes(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, s *script) {
		c, p := s.start()
		before, who, behind := c.Async().Get("/1"), c.Async().WhoAmI(), c.Async().Get("/2")
		one, unknown, two := p.want(proto.OpGetData), p.want(proto.OpWhoAmI), p.want(proto.OpGetData)
		p.reply(unknown.xid, proto.Unimplemented, nil)
		_, err := who.Wait(bg)
		require.ErrorIs(t, err, ErrUnimplemented)
		require.False(t, before.Ready())
		p.reply(one.xid, 0, data("1"))
		p.reply(two.xid, 0, data("2"))
		wantGot(t, before, "1")
		wantGot(t, behind, "2")
		p.reply(two.xid, proto.Unimplemented, nil)
		p.wantEnd() // nobody asked
		c.Close()
	})
}
