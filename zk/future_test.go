package zk

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/internal/proto"
)

// data is the answer to a Get.
func data(s string) *proto.GetDataResponse { return &proto.GetDataResponse{Data: []byte(s)} }

// wantPaths reads gets of these paths, and answers each with its path.
func (p *peer) wantPaths(paths ...string) {
	p.t.Helper()
	for _, path := range paths {
		r := p.want(proto.OpGetData)
		require.Equal(p.t, path, r.path(), "the order on the wire is the order of the calls")
		p.reply(r.xid, 0, data(path))
	}
}

func wantGot(t *testing.T, f *Future[Got], want string) {
	t.Helper()
	got, err := f.Wait(bg)
	require.NoError(t, err)
	require.Equal(t, want, string(got.Data))
}

func TestFuturesAreSentInOrder(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, s *script) {
		c, p := s.start()
		one := c.Async().Get("/1")
		two := asyncGet(c, bg, "/2")
		three := c.Async().Get("/3")
		require.False(t, one.Ready())
		p.wantPaths("/1", "/2", "/3")
		wantGot(t, three, "/3")
		wantGot(t, one, "/1")
		wantGot(t, one, "/1")
		require.NoError(t, two.wait())

		p.conn.Close()
		synctest.Wait()
		four := c.Async().Get("/4")
		five := asyncGet(c, bg, "/5")
		six := c.Async().Get("/6")
		p = s.accept("a:2181")
		p.welcome(9 * time.Second)
		_, err := c.WaitState(bg, Connected)
		require.NoError(t, err)
		seven := c.Async().Get("/7")
		p.wantPaths("/4", "/5", "/6", "/7")
		for i, f := range []*Future[Got]{four, six, seven} {
			wantGot(t, f, []string{"/4", "/6", "/7"}[i])
		}
		require.NoError(t, five.wait())
		go p.answerAll()
		require.NoError(t, c.Close())
	})
}

func TestFutureKeepsNothingOfTheCaller(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, s *script) {
		c, p := s.start()
		p.conn.Close()
		synctest.Wait()
		b := []byte("then")
		ops := []Op{SetOp("/multi", b, AnyVersion)}
		c.Async().Set("/set", b, AnyVersion)
		c.Async().Multi(ops...)
		c.Async().AddAuth("digest", b)
		copy(b, "now.")
		ops[0] = Op{}
		p = s.accept("a:2181")
		p.welcome(9 * time.Second)
		p.accepts("digest then")
		for _, op := range []proto.Op{proto.OpSetData, proto.OpMulti} {
			require.Contains(t, string(p.want(op).body), "then")
		}
		p.conn.Close()
		c.Close()
	})
}

func TestFutureErrors(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, s *script) {
		c, p := s.start()
		_, err := c.Async().Get("bad").Wait(bg)
		require.ErrorIs(t, err, ErrBadArguments)
		require.ErrorContains(t, err, "zk: get bad: ")
		require.True(t, NotSent(err))
		_, err = c.Async().CreateTTL("/a", nil, Ephemeral, time.Second).Wait(bg)
		require.ErrorIs(t, err, ErrBadArguments)

		none := c.Async().Get("/none")
		p.reply(p.want(proto.OpGetData).xid, proto.NoNode, nil)
		_, err = none.Wait(bg)
		require.EqualError(t, err, "zk: get /none: node does not exist")
		e, ok := errors.AsType[*Error](err)
		require.True(t, ok)
		require.Equal(t, p.zxid, e.Zxid)
		gone := c.Async().Exists("/none")
		p.reply(p.want(proto.OpExists).xid, proto.NoNode, nil)
		found, err := gone.Wait(bg)
		require.NoError(t, err)
		require.False(t, found.Exists)

		short, cancel := context.WithTimeout(bg, time.Second)
		defer cancel()
		slow := c.Async().Get("/slow")
		_, err = slow.Wait(short)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.True(t, MayHaveApplied(err))
		p.wantPaths("/slow")
		<-slow.Done()
		got, err := slow.Wait(short)
		require.NoError(t, err, "the call went on")
		require.Equal(t, "/slow", string(got.Data))

		lost, next := c.Async().Get("/lost"), c.Async().Get("/next")
		p.reply(p.want(proto.OpGetData).xid, 0, nil) // without a body
		for _, f := range []*Future[Got]{lost, next} {
			_, err = f.Wait(bg)
			require.ErrorIs(t, err, ErrConnectionLoss)
			require.True(t, MayHaveApplied(err))
		}
		c.Close()
	})
}

func TestFutureCancel(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, s *script) {
		c, p := s.start()
		first, second := c.Async().Get("/1"), c.Async().Get("/2")
		require.True(t, first.Cancel())
		require.False(t, first.Cancel())
		require.True(t, first.Ready())
		_, err := first.Wait(bg)
		require.ErrorIs(t, err, context.Canceled)
		require.True(t, MayHaveApplied(err))
		p.wantPaths("/1", "/2")
		wantGot(t, second, "/2")
		require.False(t, second.Cancel())

		p.conn.Close()
		synctest.Wait()
		third, fourth := c.Async().Get("/3"), c.Async().Get("/4")
		require.True(t, third.Cancel())
		_, err = third.Wait(bg)
		require.ErrorIs(t, err, context.Canceled)
		require.True(t, NotSent(err))
		p = s.accept("a:2181")
		p.welcome(9 * time.Second)
		p.wantPaths("/4")
		wantGot(t, fourth, "/4")
		go p.answerAll()
		require.NoError(t, c.Close())
	})
}

// An exists, children or get whose result nobody takes leaves no watch behind.
func TestCanceledFutureArmsNoWatch(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, s *script) {
		c, p := s.start()
		require.True(t, c.Async().GetW("/got").Cancel())
		require.True(t, c.Async().ExistsW("/found").Cancel())
		require.True(t, c.Async().ChildrenW("/listed").Cancel())
		require.True(t, c.Async().GetW("/none").Cancel())
		p.reply(p.want(proto.OpGetData).xid, 0, data(""))
		p.reply(p.want(proto.OpExists).xid, proto.NoNode, nil)
		p.reply(p.want(proto.OpGetChildren2).xid, 0, &proto.GetChildren2Response{})
		p.reply(p.want(proto.OpGetData).xid, proto.NoNode, nil)
		for _, want := range []string{"/got", "/found", "/listed"} {
			r := p.want(proto.OpRemoveWatches)
			require.Equal(t, want, r.path())
			p.reply(r.xid, 0, nil)
		}
		p.wantSilence()
		go p.answerAll()
		require.NoError(t, c.Close())
	})
}

// A watch that is taken keeps what a canceled call armed on the same path.
func TestCanceledFutureLeavesOtherWatches(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, s *script) {
		c, p := s.start()
		canceled, kept := c.Async().GetW("/n"), c.Async().GetW("/n")
		require.True(t, canceled.Cancel())
		p.wantPaths("/n", "/n")
		got, err := kept.Wait(bg)
		require.NoError(t, err)
		p.wantSilence()
		p.event(EventNodeDeleted, "/n")
		require.Equal(t, EventNodeDeleted, (<-got.Watch.C).Type)
		go p.answerAll()
		require.NoError(t, c.Close())
	})
}

// An event is there before the reply that shows its change, although nobody
// waited for either.
func TestEventBeforeLaterReply(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, s *script) {
		c, p := s.start()
		armed, set, get := c.Async().GetW("/n"), c.Async().Set("/n", nil, AnyVersion), c.Async().Get("/n")
		order := make(chan string, 2)
		armed.OnDone(func(got Got, err error) {
			set.OnDone(func(Stat, error) { order <- fmt.Sprint("set, events ", len(got.Watch.C)) })
			get.OnDone(func(Got, error) { order <- fmt.Sprint("get, events ", len(got.Watch.C)) })
		})
		p.reply(p.want(proto.OpGetData).xid, 0, data("old"))
		p.event(EventNodeDataChanged, "/n")
		p.reply(p.want(proto.OpSetData).xid, 0, &proto.Stat{})
		p.reply(p.want(proto.OpGetData).xid, 0, data("new"))
		require.Equal(t, "set, events 1", <-order)
		require.Equal(t, "get, events 1", <-order)
		go p.answerAll()
		require.NoError(t, c.Close())
	})
}

func TestOnDone(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, s *script) {
		c, p := s.start()
		var order []string
		note := func(name string) func(Got, error) {
			return func(Got, error) { order = append(order, name) } // one at a time, so without a lock
		}
		one, two := c.Async().Get("/1"), c.Async().Get("/2")
		two.OnDone(note("two"))
		one.OnDone(note("one"))
		one.OnDone(note("one again"))
		p.wantPaths("/1", "/2")
		synctest.Wait()
		require.Equal(t, []string{"one", "one again", "two"}, order, "in the order of completion")

		one.OnDone(note("late"))
		synctest.Wait()
		require.Equal(t, []string{"one", "one again", "two", "late"}, order, "no callback comes twice")

		// One that takes its time holds up others, but no calls.
		three := c.Async().Get("/3")
		three.OnDone(func(got Got, _ error) {
			data, _, err := c.Get(bg, "/from within")
			require.NoError(t, err)
			order = append(order[:0], string(got.Data), string(data))
			three.OnDone(note("nested"))
			require.Len(t, order, 2, "not called from within")
		})
		p.wantPaths("/3", "/from within")
		synctest.Wait()
		require.Equal(t, []string{"/3", "/from within", "nested"}, order)
		go p.answerAll()
		require.NoError(t, c.Close())
	})
}

// Close answers what was sent, fails what was not, and waits for the callbacks
// of both.
func TestCloseEndsFutures(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, s *script) {
		c, p := s.start()
		get := c.Async().Get("/n")
		var order []string
		get.OnDone(func(got Got, err error) {
			time.Sleep(time.Second)
			order = append(order, fmt.Sprint(string(got.Data), err))
		})
		closed := async(c.Close)
		p.wantPaths("/n")
		go p.answerAll()
		require.NoError(t, closed.wait())
		require.Equal(t, []string{"/n<nil>"}, order)
		get.OnDone(func(Got, error) { order = append(order, "late") })
		require.Equal(t, []string{"/n<nil>", "late"}, order, "there is no goroutine left to call it")
		late := c.Async().Get("/n")
		late.OnDone(func(_ Got, err error) { order = append(order, err.Error()) })
		require.Equal(t, "zk: get /n: closed", order[2])
		_, err := c.Async().AddAuth("digest", nil).Wait(bg)
		require.ErrorIs(t, err, ErrClosed)
	})
	inBubble(t, 1, func(t *testing.T, s *script) {
		c, p := s.start()
		sent := c.Async().Get("/sent")
		p.want(proto.OpGetData)
		p.conn.Close()
		synctest.Wait()
		waits, auth := c.Async().Get("/waits"), c.Async().AddAuth("digest", []byte("a:b"))
		n := 0
		waits.OnDone(func(_ Got, err error) { n++ })
		c.Close()
		require.Equal(t, 1, n)
		_, err := sent.Wait(bg)
		require.ErrorIs(t, err, ErrConnectionLoss)
		_, err = waits.Wait(bg)
		require.ErrorIs(t, err, ErrClosed)
		require.True(t, NotSent(err))
		_, err = auth.Wait(bg)
		require.ErrorIs(t, err, ErrClosed)
	})
}

func TestFutureOfAuth(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, s *script) {
		c, p := s.start()
		get := c.Async().Get("/n")
		one := c.Async().AddAuth("digest", []byte("bob:secret"))
		two := c.Async().AddAuth("digest", []byte("bob:secret"))
		r := p.want(proto.OpGetData)
		require.Equal(t, proto.XidAuth, p.want(proto.OpAuth).xid)
		p.reply(proto.XidAuth, 0, nil) // it overtakes, as real servers have it
		for _, f := range []*Future[struct{}]{one, two} {
			_, err := f.Wait(bg)
			require.NoError(t, err)
		}
		require.True(t, c.Async().AddAuth("digest", []byte("bob:secret")).Ready())
		require.False(t, get.Ready())
		p.reply(r.xid, 0, data("x"))
		wantGot(t, get, "x")
		other := c.Async().AddAuth("digest", []byte("eve:secret"))
		require.True(t, other.Cancel())
		p.want(proto.OpAuth)
		p.reply(proto.XidAuth, 0, nil)
		go p.answerAll()
		require.NoError(t, c.Close())
	})
}

// What nobody waits for is not kept.
func TestDroppedFuturesLeaveNothing(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, s *script) {
		c, p := s.start()
		go p.answerAll()
		for range 1000 {
			c.Async().Get("/n")
		}
		require.NoError(t, c.Sync(bg, "/"))
		synctest.Wait()
		require.Empty(t, c.leftovers())
		require.NoError(t, c.Close())
	})
}

// leftovers is what the client still keeps of calls, "" for nothing.
func (c *client) leftovers() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	left := ""
	add := func(n int, what string) {
		if n > 0 {
			left += fmt.Sprintf("%d %s; ", n, what)
		}
	}
	if c.link != nil {
		add(c.link.ring.n, "sent")
		add(len(c.link.auths), "credentials sent")
	}
	for r := c.waiting.first; r != nil; r = r.after {
		add(1, "waiting")
	}
	for _, m := range c.watches.oneShots {
		add(len(m), "watched once")
	}
	for _, m := range c.watches.lasting {
		add(len(m), "watched")
	}
	c.upcalls.mu.Lock()
	defer c.upcalls.mu.Unlock()
	add(len(c.upcalls.list), "callbacks")
	return left
}

// A request is known by its xid across the end of the numbers.
func TestXidsWrap(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, s *script) {
		c, p := s.start()
		c.mu.Lock()
		c.xid = math.MaxInt32 - 2
		c.mu.Unlock()
		var all []*Future[Got]
		for i := range 4 {
			all = append(all, c.Async().Get(fmt.Sprint("/", i)))
		}
		for i, xid := range []int32{math.MaxInt32 - 1, math.MaxInt32, 1, 2} {
			r := p.want(proto.OpGetData)
			require.Equal(t, xid, r.xid, "never 0 or less: those mean other things")
			p.reply(r.xid, 0, data(r.path()))
			wantGot(t, all[i], fmt.Sprint("/", i))
		}
		go p.answerAll()
		require.NoError(t, c.Close())
	})
}

// A gated connection counts its writes, and each of them waits for the gate.
type gated struct {
	net.Conn
	gate   chan struct{}
	writes int
}

func (g *gated) Write(b []byte) (int, error) {
	g.writes++
	<-g.gate
	return g.Conn.Write(b)
}

// Calls that nobody waits in leave together.
func TestFuturesShareWrites(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, s *script) {
		g := &gated{gate: make(chan struct{}, 10)}
		g.gate <- struct{}{} // for the handshake
		c, p := s.start(Dialer(func(ctx context.Context, network, addr string) (net.Conn, error) {
			conn, err := s.net.DialContext(ctx, network, addr)
			g.Conn = conn
			return g, err
		}))
		synctest.Wait()
		g.writes = 0
		for range 1000 {
			c.Async().Get("/n")
		}
		close(g.gate)
		for range 1000 {
			p.wantPaths("/n")
		}
		synctest.Wait()
		require.LessOrEqual(t, g.writes, 2)
		go p.answerAll()
		require.NoError(t, c.Close())
	})
}
