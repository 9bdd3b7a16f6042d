package zk

import (
	"context"
	"errors"
	"math/rand/v2"
	"net"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/internal/proto"
)

func TestDecorrelatedJitter(t *testing.T) {
	try := Try{Rand: rand.New(rand.NewPCG(1, 1))}
	var pauses []time.Duration
	for range 40 {
		d, again := DecorrelatedJitter{}.Retry(try)
		require.True(t, again)
		pauses, try.Pause = append(pauses, d), d
	}
	require.Less(t, pauses[0], 50*time.Millisecond)
	require.GreaterOrEqual(t, slices.Min(pauses), 10*time.Millisecond)
	require.Equal(t, time.Second, slices.Max(pauses))
	d, _ := DecorrelatedJitter{Base: time.Minute, Max: time.Hour}.Retry(Try{Pause: time.Hour, Rand: try.Rand})
	require.GreaterOrEqual(t, d, time.Minute)
	require.LessOrEqual(t, d, time.Hour)
	d, _ = DecorrelatedJitter{Base: time.Hour, Max: time.Minute}.Retry(Try{Rand: try.Rand})
	require.Equal(t, time.Minute, d)
}

// dials counts attempts, at which nobody listens but who is in the network.
type dials struct {
	s     *script
	began time.Time
	at    []time.Duration
	addrs []string
}

func (d *dials) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	d.at = append(d.at, time.Since(d.began))
	d.addrs = append(d.addrs, addr)
	return d.s.net.DialContext(ctx, network, addr)
}

func (s *script) counting() *dials { return &dials{s: s, began: time.Now()} }

func TestConnectRetryDecides(t *testing.T) {
	inBubble(t, 0, func(t *testing.T, s *script) {
		d := s.counting()
		var tries []Try
		policy := RetryFunc(func(t Try) (time.Duration, bool) {
			tries = append(tries, t)
			return []time.Duration{2 * time.Second, 0, time.Minute, 0}[t.N-1], t.N < 4
		})
		_, err := Dial(t.Context(), "a,b", s.options(Dialer(d.dial), ConnectRetry(policy))...)
		require.ErrorIs(t, err, ErrGaveUp)
		require.ErrorContains(t, err, "zk: dial a,b: gave up connecting: ")
		require.ErrorContains(t, err, "a:2181: dial mem a:2181: connection refused")
		require.ErrorContains(t, err, "b:2181: dial mem b:2181: connection refused")
		require.True(t, NotSent(err))
		seconds := time.Second
		least := 10 * time.Millisecond // whatever the policy says
		last := 62*seconds + least
		require.Equal(t, []time.Duration{0, 0, 2 * seconds, 2 * seconds, 2*seconds + least, 2*seconds + least, last, last}, d.at)
		require.Equal(t, last, time.Since(d.began), "it ends at once")
		for i, try := range tries {
			require.Equal(t, i+1, try.N)
			require.Equal(t, d.at[2*i], try.Elapsed)
			require.ErrorContains(t, try.Err, "a:2181: ")
			require.ErrorContains(t, try.Err, "b:2181: ")
			require.NotNil(t, try.Rand)
		}
		require.Equal(t, []time.Duration{0, 2 * seconds, least, 60 * seconds},
			[]time.Duration{tries[0].Pause, tries[1].Pause, tries[2].Pause, tries[3].Pause})
	})
}

// Who gives up ends the Conn, with all that waits on it.
func TestConnectRetryGivesUpLater(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, s *script) {
		c, p := s.start(ConnectRetry(RetryNever()))
		states := c.States(bg)
		s.listeners["a:2181"].Close()
		get := asyncGet(c, bg, "/")
		p.conn.Close()
		require.ErrorIs(t, get.wait(), ErrConnectionLoss, "it was sent")
		st, err := c.WaitState(bg, Closed)
		require.NoError(t, err)
		require.Equal(t, Closed, st)
		_, err = c.WaitState(bg, Connected)
		require.ErrorIs(t, err, ErrGaveUp)
		_, _, err = c.Get(bg, "/")
		require.ErrorIs(t, err, ErrGaveUp)
		require.ErrorContains(t, err, "a:2181: ")
		require.True(t, NotSent(err))
		require.ErrorIs(t, context.Cause(c.Session().Context()), ErrGaveUp)
		require.NoError(t, c.Close())
		require.Equal(t, []State{Connected, Suspended, Closed}, slices.Collect(states))
	})
}

// A connection that lived makes the count begin anew; one that did not is a
// failure as if there had been none.
func TestConnectRetryCountsShortLives(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, s *script) {
		var counts []int
		policy := RetryFunc(func(t Try) (time.Duration, bool) {
			counts = append(counts, t.N)
			return time.Second, true
		})
		c, p := s.start(ConnectRetry(policy))
		again := func(life time.Duration) {
			time.Sleep(life)
			p.conn.Close()
			p = s.serve("a:2181")
		}
		again(0)
		require.Empty(t, counts, "the first is answered at once")
		again(longLife - 1)
		again(0)
		require.Equal(t, []int{1, 2}, counts)
		again(longLife)
		require.Len(t, counts, 2)
		again(0)
		require.Len(t, counts, 2)
		again(0)
		require.Equal(t, []int{1, 2, 1}, counts)
		require.NoError(t, c.Close())
	})
}

func TestAttemptsAreBounded(t *testing.T) {
	greeting := proto.ConnectResponse{Timeout: 9000, SessionID: 1, Password: make([]byte, 16)}.AppendTo([]byte{0, 0, 0, 37})
	refusal := proto.ReplyHeader{Xid: proto.XidAuth, Err: proto.SystemError}.AppendTo([]byte{0, 0, 0, 16})
	for name, answer := range map[string][]byte{
		"closes":              nil,
		"long frame":          {0x7f, 0xff, 0xff, 0xff},
		"no session":          proto.ConnectResponse{Password: make([]byte, 16)}.AppendTo([]byte{0, 0, 0, 37}),
		"session, then end":   greeting,
		"session, then rot":   slices.Concat(greeting, []byte{0, 0, 0, 1, 0}),
		"session, then event": slices.Concat(greeting, refusal),
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, 3, func(t *testing.T, s *script) {
				for _, l := range s.listeners {
					go func() {
						for {
							conn, err := l.Accept()
							if err != nil {
								return
							}
							if answer != nil {
								conn.Read(make([]byte, 49))
								conn.Write(answer)
							}
							conn.Close()
						}
					}()
				}
				d := s.counting()
				ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
				defer cancel()
				if c, err := Dial(ctx, "a,b,c", s.options(Dialer(d.dial))...); err == nil {
					<-ctx.Done()
					c.Close()
				}
				t.Log(len(d.at), "attempts in a minute")
				require.Less(t, len(d.at), 3*150)
				require.Greater(t, len(d.at), 3*50, "it does not give up either")
			})
		})
	}
}

// A timeout of 1 ms is for the session, not for the network.
func TestShortSessionDoesNotSpin(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, s *script) {
		d := s.counting()
		wait := s.dial("a", SessionTimeout(time.Millisecond), Dialer(d.dial))
		p := s.accept("a:2181")
		time.Sleep(leastAttempt - 1)
		p.welcome(4 * time.Second)
		c, err := wait()
		require.NoError(t, err)
		require.Len(t, d.at, 1)
		go p.answerAll()
		require.NoError(t, c.Close())
	})
}

func TestAttemptTimeout(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, s *script) {
		d := s.counting()
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		_, err := Dial(ctx, "a", s.options(Dialer(d.dial), AttemptTimeout(4*time.Second))...)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.Len(t, d.at, 3)
		require.Equal(t, 4*time.Second, d.at[1].Truncate(time.Second))
		require.Equal(t, 8*time.Second, d.at[2].Truncate(time.Second))
	})
}

// Mute servers leave to the others their share of what is left of the session.
func TestMuteServersShareTheSession(t *testing.T) {
	inBubble(t, 5, func(t *testing.T, s *script) {
		d := s.counting()
		wait := s.dial("a,b,c,d,e", Dialer(d.dial))
		var p *peer
		synctest.Wait()
		p = s.accept(d.addrs[0])
		p.welcome(9 * time.Second)
		c, err := wait()
		require.NoError(t, err)
		const began = 1         // attempts before
		lost := 6 * time.Second // nothing is heard any more
		_, err = c.WaitState(bg, Lost)
		require.NoError(t, err)
		require.Equal(t, 9*time.Second, time.Since(d.began))
		require.Len(t, d.at, began+5, "all had their turn")
		slices.Sort(d.addrs[began:])
		require.Len(t, slices.Compact(d.addrs[began:]), 5)
		for i := range 5 {
			require.Equal(t, lost+time.Duration(i)*600*time.Millisecond, d.at[began+i])
		}
		c.Close()
	})
}

func TestConnectErrorIsOneForEachServer(t *testing.T) {
	inBubble(t, 0, func(t *testing.T, s *script) {
		n := 0
		dial := func(context.Context, string, string) (net.Conn, error) {
			n++
			return nil, errors.New([]string{"first", "second", "third"}[min(n, 3)-1])
		}
		twice := RetryFunc(func(t Try) (time.Duration, bool) { return 0, t.N < 3 })
		_, err := Dial(t.Context(), "a", s.options(Dialer(dial), ConnectRetry(twice))...)
		require.EqualError(t, err, "zk: dial a: gave up connecting: a:2181: third", "the latest")
	})
}
