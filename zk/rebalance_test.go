package zk

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/zookit/zookit/internal/proto"
)

// However the list changes, servers that had the same load have the same load
// afterwards, and nobody moves without need.
func TestRebalanceKeepsLoadEven(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		const clients = 5000
		draw := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0))
		server := func(i int) string { return fmt.Sprintf("s%d:2181", i) }
		some := func(name string) []string {
			return rapid.Map(rapid.SliceOfNDistinct(rapid.IntRange(0, 9), 1, 9, rapid.ID), func(ids []int) (list []string) {
				for _, id := range ids {
					list = append(list, server(id))
				}
				return list
			}).Draw(t, name)
		}
		old := some("old")
		var at []string
		for i := range clients {
			at = append(at, old[i%len(old)])
		}
		for range rapid.IntRange(1, 3).Draw(t, "changes") {
			list := some("new")
			load := make(map[string]int)
			moved := 0
			for i, current := range at {
				order, leave := rebalance(old, list, current, draw)
				if len(order) != len(list) {
					t.Fatalf("%v is not an order of %v", order, list)
				}
				if leave {
					at[i] = order[0]
					moved++
				} else if order[len(order)-1] != current {
					t.Fatalf("who stays at %s goes to %s last, not %v", current, current, order)
				}
				load[at[i]]++
			}
			even := float64(clients) / float64(len(list))
			for _, s := range list {
				if n := float64(load[s]); n < 0.75*even || n > 1.25*even {
					t.Fatalf("%v -> %v: load %v, not %.0f each", old, list, load, even)
				}
			}
			gone := 0
			for _, s := range old {
				if !slices.Contains(list, s) {
					gone++
				}
			}
			if need := float64(gone) / float64(len(old)); len(list) <= len(old) && float64(moved) > (need+0.06)*clients {
				t.Fatalf("%v -> %v: %d clients moved, %.0f would do", old, list, moved, need*clients)
			}
			old = list
		}
	})
}

func TestUpdateServersMoves(t *testing.T) {
	inBubble(t, 2, func(t *testing.T, s *script) {
		c, p := s.start()
		states := c.States(bg)
		session := c.Session()
		get := asyncGet(c, bg, "/n")
		require.NoError(t, c.UpdateServers("b"))
		synctest.Wait()
		late := asyncGet(c, bg, "/late")
		p.reply(p.want(proto.OpGetData).xid, 0, &proto.GetDataResponse{})
		require.NoError(t, get.wait(), "what is under way is answered by the old server")
		p.reply(p.want(proto.OpExists).xid, proto.NoNode, nil)
		p.wantEnd()
		p = s.accept("b:2181")
		p.welcome(9 * time.Second)
		require.Equal(t, session.ID(), p.hello.SessionID)
		r := p.want(proto.OpGetData)
		require.Equal(t, "/late", r.path())
		p.reply(r.xid, 0, &proto.GetDataResponse{})
		require.NoError(t, late.wait(), "what came later waits for the new one")
		require.Equal(t, "b:2181", c.Server())
		require.Equal(t, session, c.Session())
		go p.answerAll()
		require.NoError(t, c.Close())
		require.Equal(t, []State{Connected, Suspended, Connected, Closed}, slices.Collect(states))
	})
}

// A server that is to be left and answers nothing holds nobody up for long.
func TestUpdateServersLeavesMuteServer(t *testing.T) {
	inBubble(t, 2, func(t *testing.T, s *script) {
		c, _ := s.start()
		began := time.Now()
		get := asyncGet(c, bg, "/n")
		require.NoError(t, c.UpdateServers("b"))
		err := get.wait()
		require.ErrorIs(t, err, ErrConnectionLoss)
		require.ErrorContains(t, err, "the list of servers has changed")
		require.Equal(t, 3*time.Second, time.Since(began), "a third of the session")
		s.serve("b:2181")
		require.NoError(t, c.Close())
	})
}

func TestCloseWhileMovingEndsTheSession(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, s *script) {
		c, p := s.start()
		require.NoError(t, c.UpdateServers("b"))
		synctest.Wait()
		closed := async(c.Close)
		p.want(proto.OpExists)
		p.reply(1, 0, &proto.Stat{})
		p.reply(p.want(proto.OpCloseSession).xid, 0, nil)
		p.conn.Close()
		require.NoError(t, closed.wait())
	})
}

// As kazoo's set_hosts: who may stay stays, and the new list counts from the
// next loss on.
func TestUpdateServersStays(t *testing.T) {
	inBubble(t, 3, func(t *testing.T, s *script) {
		d := s.counting()
		c, p := s.start(Dialer(d.dial))
		require.NoError(t, c.UpdateServers("a"))
		require.NoError(t, c.UpdateServers("a:2181/"))
		go p.answerAll()
		time.Sleep(time.Hour)
		require.Len(t, d.at, 1)
		require.Equal(t, Connected, c.State())
		p.conn.Close()
		s.serve("a:2181")
		require.NoError(t, c.Close())
	})
}

// A list may have the address of a server that the connect string has by name.
func TestUpdateServersKnowsAddresses(t *testing.T) {
	inBubble(t, 2, func(t *testing.T, s *script) {
		n := &names{hosts: map[string][]string{"zk": {"a"}}}
		d := s.counting()
		wait := s.dial("zk", Resolve(n), Dialer(d.dial))
		s.serve("a:2181")
		c, err := wait()
		require.NoError(t, err)
		require.NoError(t, c.UpdateServers("a"))
		time.Sleep(time.Minute)
		require.Equal(t, Connected, c.State())
		require.Len(t, d.at, 1)
		require.NoError(t, c.Close())
	})
	inBubble(t, 1, func(t *testing.T, s *script) {
		dial := func(ctx context.Context, network, addr string) (net.Conn, error) {
			conn, err := s.net.DialContext(ctx, network, addr)
			return nowhere{conn}, err
		}
		wait := s.dial("a", Dialer(dial))
		s.serve("a:2181")
		c, err := wait()
		require.NoError(t, err)
		require.NoError(t, c.UpdateServers("a"))
		synctest.Wait()
		require.Equal(t, Connected, c.State(), "connections of a Dialer may have no address")
		require.NoError(t, c.Close())
	})
}

// nowhere is a connection to no address.
type nowhere struct{ net.Conn }

func (nowhere) RemoteAddr() net.Addr { return nil }

func TestUpdateServersOfGrowingEnsemble(t *testing.T) {
	moved := 0
	for seed := range uint64(60) {
		inBubble(t, 3, func(t *testing.T, s *script) {
			d := s.counting()
			c, p := s.start(Seed(seed), Dialer(d.dial))
			go p.answerAll()
			require.NoError(t, c.UpdateServers("a,b,c"))
			synctest.Wait()
			if len(d.addrs) > 1 {
				require.NotEqual(t, "a:2181", d.addrs[1])
				s.serve(d.addrs[1])
				moved++
			}
			require.NoError(t, c.Close())
		})
	}
	require.InDelta(t, 40, moved, 12, "two of three are to move")
}

// While there is no connection a new list ends the pause.
func TestUpdateServersWhileSuspended(t *testing.T) {
	inBubble(t, 2, func(t *testing.T, s *script) {
		day := RetryFunc(func(Try) (time.Duration, bool) { return 24 * time.Hour, true })
		c, p := s.start(ConnectRetry(day), SessionTimeout(time.Hour))
		s.listeners["a:2181"].Close()
		p.conn.Close()
		synctest.Wait()
		began := time.Now()
		require.NoError(t, c.UpdateServers("b"))
		p = s.serve("b:2181")
		require.Zero(t, time.Since(began))
		require.EqualValues(t, sessionID, p.hello.SessionID)
		require.NoError(t, c.Close())
	})
}

func TestUpdateServersIsChecked(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, s *script) {
		wait := s.dial("a/app")
		p := s.accept("a:2181")
		p.welcome(9 * time.Second)
		c, err := wait()
		require.NoError(t, err)
		go p.answerAll()
		require.NoError(t, c.UpdateServers("a/app"))
		require.NoError(t, c.UpdateServers("a"))
		require.NoError(t, c.Chroot("/view").UpdateServers("a/app"))
		for connect, want := range map[string]string{
			"a/other": `chroot "/other" is not "/app", which stays`,
			"":        "it is empty",
			"a:x":     "port",
		} {
			err := c.UpdateServers(connect)
			require.ErrorIs(t, err, ErrBadArguments, connect)
			require.ErrorContains(t, err, want)
			require.True(t, strings.HasPrefix(err.Error(), "zk: update servers"), err)
		}
		require.NoError(t, c.Close())
		require.ErrorIs(t, c.UpdateServers("a"), ErrClosed)
	})
}
