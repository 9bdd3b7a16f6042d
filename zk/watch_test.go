package zk

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/internal/jute"
	"github.com/zookit/zookit/internal/proto"
)

// The zxid that a server is told is frozen at the disconnect, and the same for
// all packets, whatever is read on the new connection: go-zookeeper loses
// watches by reading it anew for each packet.
func TestRestoreFreezesZxid(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, s *script) {
		c, p := s.start()
		p.zxid = 100
		name := strings.Repeat("x", 1000)
		var paths []string
		for i := range 300 { // of 1 KiB: three packets
			path := fmt.Sprintf("/%s%03d", name, i)
			_, _, _, err := armed(c, p, path)
			require.NoError(t, err)
			paths = append(paths, path)
		}
		require.EqualValues(t, 400, c.LastZxid())
		p.conn.Close()
		synctest.Wait()
		get := asyncGet(c, bg, "/other")
		p = s.accept("a:2181")
		p.zxid = 1000
		p.welcome(9 * time.Second)
		require.EqualValues(t, 400, p.hello.LastZxidSeen)
		var restored []string
		packets := 0
		for len(restored) < len(paths) {
			r := p.want(proto.OpSetWatches)
			require.Less(t, len(r.body), 130<<10)
			in := jute.NewReader(r.body, "")
			var m proto.SetWatches
			m.Decode(&in)
			require.NoError(t, in.Err())
			require.EqualValues(t, 400, m.RelativeZxid)
			require.NotNil(t, m.Exist)
			require.NotNil(t, m.Child)
			restored = append(restored, m.Data...)
			packets++
			p.reply(r.xid, 0, nil)
		}
		require.Equal(t, paths, restored)
		require.Equal(t, 3, packets)
		p.reply(p.want(proto.OpGetData).xid, 0, &proto.GetDataResponse{})
		require.NoError(t, get.wait())
		require.EqualValues(t, 1004, c.LastZxid())
		go p.answerAll()
		require.NoError(t, c.Close())
	})
}

func TestRestoreOfAllKinds(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, s *script) {
		c, p := s.start()
		c = c.Chroot("/app")
		_, _, data, err := armed(c, p, "/data")
		require.NoError(t, err)
		var exist *Watch
		call := async(func() (err error) {
			_, _, exist, err = c.ExistsW(bg, "/exist")
			return err
		})
		p.reply(p.want(proto.OpExists).xid, proto.NoNode, nil)
		require.NoError(t, call.wait())
		var child *Watch
		call = async(func() (err error) {
			_, _, child, err = c.ChildrenW(bg, "/child")
			return err
		})
		p.reply(p.want(proto.OpGetChildren2).xid, 0, &proto.GetChildren2Response{})
		require.NoError(t, call.wait())
		lasting := addWatch(t, c, p, "/lasting", WatchPersistent)
		deep := addWatch(t, c, p, "/", WatchRecursive)

		p.conn.Close()
		p = s.accept("a:2181")
		p.welcome(9 * time.Second)
		r := p.want(proto.OpSetWatches2)
		in := jute.NewReader(r.body, "")
		var m proto.SetWatches2
		m.Decode(&in)
		require.Equal(t, proto.SetWatches2{
			SetWatches: proto.SetWatches{RelativeZxid: 5, Data: []string{"/app/data"}, Exist: []string{"/app/exist"}, Child: []string{"/app/child"}},
			Persistent: []string{"/app/lasting"},
			Recursive:  []string{"/app"},
		}, m)
		p.event(EventNodeDeleted, "/app/data")
		p.event(EventNodeCreated, "/app/exist")
		p.event(EventNodeChildrenChanged, "/app/child")
		p.reply(r.xid, 0, nil)
		p.event(EventNodeCreated, "/app/lasting")
		require.Equal(t, Event{Type: EventNodeDeleted, Path: "/data", Zxid: -1}, <-data.C)
		require.Equal(t, Event{Type: EventNodeCreated, Path: "/exist", Zxid: -1}, <-exist.C)
		require.Equal(t, Event{Type: EventNodeChildrenChanged, Path: "/child", Zxid: -1}, <-child.C)
		synctest.Wait()
		require.Equal(t, []string{"Disconnected /lasting", "Resync /lasting", "NodeCreated /lasting"}, queued(lasting))
		require.Equal(t, []string{"Disconnected /", "Resync /", "NodeDeleted /data", "NodeCreated /exist", "NodeCreated /lasting"}, queued(deep))

		// The session is closed: both ways to end.
		go p.answerAll()
		require.NoError(t, c.Close())
		for _, err := range lasting.Events(bg) {
			require.ErrorIs(t, err, ErrClosed)
			require.EqualError(t, err, "zk: watch /lasting: closed")
		}
	})
}

func addWatch(t *testing.T, c *Conn, p *peer, path string, mode WatchMode) (w *PersistentWatch) {
	t.Helper()
	call := async(func() (err error) {
		w, err = c.AddWatch(bg, path, mode)
		return err
	})
	p.reply(p.want(proto.OpAddWatch).xid, 0, &proto.IntRecord{})
	require.NoError(t, call.wait())
	return w
}

// queued empties the queue of w.
func queued(w *PersistentWatch) (all []string) {
	for {
		e, ok, _ := w.take()
		if !ok {
			return all
		}
		all = append(all, e.Type.String()+" "+e.Path)
	}
}

func TestRefusedRestoreIsTriedAgain(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, s *script) {
		c, p := s.start()
		_, _, w, err := armed(c, p, "/n")
		require.NoError(t, err)
		p.conn.Close()
		for range 3 {
			p = s.accept("a:2181")
			p.welcome(9 * time.Second)
			p.reply(p.want(proto.OpSetWatches).xid, proto.MarshallingError, nil)
			p.wantEnd()
		}
		p = s.accept("a:2181")
		p.welcome(9 * time.Second)
		r := p.want(proto.OpSetWatches)
		p.event(EventNodeDataChanged, "/n")
		p.reply(r.xid, 0, nil)
		require.Equal(t, EventNodeDataChanged, (<-w.C).Type)
		go p.answerAll()
		require.NoError(t, c.Close())
	})
}

// An event may follow the reply that arms its watch in the same segment.
func TestEventRightBehindTheReply(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, s *script) {
		c, p := s.start()
		for range 100 {
			var w *Watch
			get := async(func() (err error) {
				_, _, w, err = c.GetW(bg, "/n")
				return err
			})
			r := p.want(proto.OpGetData)
			p.conn.StallPeer(true)
			p.reply(r.xid, 0, &proto.GetDataResponse{})
			p.event(EventNodeDataChanged, "/n")
			p.conn.StallPeer(false)
			require.NoError(t, get.wait())
			require.Equal(t, EventNodeDataChanged, (<-w.C).Type)
		}
		go p.answerAll()
		require.NoError(t, c.Close())
	})
}

func TestWatchLoopThatBreaks(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, s *script) {
		c, p := s.start()
		loop := async(func() error {
			for e, err := range c.Watch(bg, "/n", WatchPersistent) {
				require.NoError(t, err)
				require.Equal(t, EventNodeCreated, e.Type)
				break
			}
			return nil
		})
		p.reply(p.want(proto.OpAddWatch).xid, 0, &proto.IntRecord{})
		p.event(EventNodeCreated, "/n")
		require.NoError(t, loop.wait(), "it does not wait for the server to forget the watch")
		p.reply(p.want(proto.OpRemoveWatches).xid, 0, nil)

		ctx, cancel := context.WithCancel(bg)
		loop = async(func() error {
			for range c.Watch(ctx, "/n", WatchPersistent) {
				t.Error("there was no event")
			}
			return nil
		})
		p.reply(p.want(proto.OpAddWatch).xid, 0, &proto.IntRecord{})
		synctest.Wait()
		cancel()
		require.NoError(t, loop.wait())
		p.want(proto.OpRemoveWatches)
		go p.answerAll()
		c.Close()
	})
}

// fire on the registry alone: the table of spec/sessions-watches-ensemble, B.9.
func TestDispatch(t *testing.T) {
	const n, child = "/p/n", "/p/n/c"
	all := []string{"data", "exist", "child", "persistent", "recursive", "recursive /p", "recursive /"}
	for _, tc := range []struct {
		typ  EventType
		path string
		want []string
	}{
		{EventNodeCreated, n, []string{"data", "exist", "persistent", "recursive", "recursive /p", "recursive /"}},
		{EventNodeDataChanged, n, []string{"data", "exist", "persistent", "recursive", "recursive /p", "recursive /"}},
		{EventNodeChildrenChanged, n, []string{"child", "persistent"}},
		{EventNodeDeleted, n, all},
		{EventNodeCreated, child, []string{"recursive", "recursive /p", "recursive /"}},
		{EventNodeChildrenChanged, "/p", nil},
		{EventNodeDeleted, "/p", []string{"recursive /p", "recursive /"}},
		{EventNodeDeleted, "/p/nn", []string{"recursive /p", "recursive /"}},
		{EventType(99), n, nil},
	} {
		t.Run(fmt.Sprint(tc.typ, tc.path), func(t *testing.T) {
			g := new(registry)
			oneShots := map[string]*Watch{}
			for i, name := range []string{"data", "exist", "child"} {
				events := make(chan Event, 1)
				w := &Watch{events: events, C: events, key: n, path: n, table: table(i)}
				r := &request{op: proto.OpGetData, oneShot: w}
				g.settle(r)
				oneShots[name] = w
			}
			lasting := map[string]*PersistentWatch{}
			for name, w := range map[string]*PersistentWatch{
				"persistent":   {key: n, mode: WatchPersistent},
				"recursive":    {key: n, mode: WatchRecursive},
				"recursive /p": {key: "/p", mode: WatchRecursive},
				"recursive /":  {key: "/", mode: WatchRecursive},
			} {
				w.path, w.wake = w.key, make(chan struct{}, 1)
				g.settle(&request{op: proto.OpAddWatch, lasting: w})
				lasting[name] = w
			}
			g.fire(tc.typ, tc.path, 7)
			var got []string
			for _, name := range all {
				var e Event
				fired := false
				if w := oneShots[name]; w != nil {
					if fired = len(w.C) > 0; fired {
						e = <-w.C
					}
					require.Equal(t, !fired, g.drop(w), "it fires once")
				} else {
					e, fired, _ = lasting[name].take()
				}
				if fired {
					require.Equal(t, Event{Type: tc.typ, Path: tc.path, Zxid: 7}, e)
					got = append(got, name)
				}
			}
			require.True(t, slices.Equal(tc.want, got), "want %q, got %q", tc.want, got)
		})
	}
}
