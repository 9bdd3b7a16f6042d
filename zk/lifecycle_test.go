package zk

import (
	"context"
	"fmt"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/internal/proto"
)

func TestPings(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, s *script) {
		c, p := s.start()
		began := time.Now()
		at := func(d time.Duration) {
			t.Helper()
			require.Equal(t, d, time.Since(began))
		}
		r := p.want(proto.OpPing)
		at(3 * time.Second)
		require.Equal(t, proto.XidPing, r.xid)
		require.Empty(t, r.body)
		p.zxid = 5
		p.reply(proto.XidPing, 0, nil)
		time.Sleep(2 * time.Second)
		get := asyncGet(c, bg, "/")
		p.reply(p.want(proto.OpGetData).xid, 0, &proto.GetDataResponse{})
		require.NoError(t, get.wait())
		require.EqualValues(t, 7, c.LastZxid())
		p.want(proto.OpPing)
		at(8 * time.Second) // a third of the session after the request
		p.zxid = 99
		p.reply(proto.XidPing, 0, nil)
		synctest.Wait()
		require.EqualValues(t, 7, c.LastZxid(), "pings do not count")
		require.NoError(t, p.conn.SetReadDeadline(time.Now().Add(3*time.Second-1)))
		_, err := p.in.Peek(1)
		require.Error(t, err, "no ping before it is due")
		p.conn.SetReadDeadline(time.Time{})
		go p.answerAll()
		time.Sleep(time.Hour)
		require.Equal(t, Connected, c.State())
		require.NoError(t, c.Close())
	})
}

func TestSilentServerIsDropped(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, s *script) {
		c, p := s.start()
		began := time.Now()
		get := asyncGet(c, bg, "/")
		err := get.wait()
		require.Equal(t, 6*time.Second, time.Since(began), "two thirds of the session")
		require.ErrorIs(t, err, ErrConnectionLoss)
		require.ErrorContains(t, err, "zk: get /: connection loss: nothing heard from a:2181 for 6s")
		require.True(t, MayHaveApplied(err))
		require.False(t, NotSent(err))
		require.Equal(t, Suspended, c.State())
		require.Empty(t, c.Server())
		p.want(proto.OpGetData)
		p.want(proto.OpPing)
		p.wantEnd()
		require.NoError(t, c.Session().Context().Err(), "the session may be alive")

		p = s.accept("a:2181")
		require.Equal(t, 6*time.Second, time.Since(began), "at once")
		p.welcome(9 * time.Second)
		_, err = c.WaitState(bg, Connected)
		require.NoError(t, err)
		go p.answerAll()
		require.NoError(t, c.Close())
	})
}

func TestSessionIsLostWhenNothingIsHeard(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, s *script) {
		c, _ := s.start()
		began := time.Now()
		session := c.Session()
		state, err := c.WaitState(bg, Suspended)
		require.NoError(t, err)
		require.Equal(t, Suspended, state)
		get := asyncGet(c, bg, "/") // the servers accept and are mute
		err = get.wait()
		require.Equal(t, 9*time.Second, time.Since(began), "exactly the session's timeout")
		require.ErrorIs(t, err, ErrSessionExpired)
		require.True(t, NotSent(err))
		require.Equal(t, Lost, c.State())
		require.Equal(t, ErrSessionExpired, context.Cause(session.Context()))

		get = asyncGet(c, bg, "/")
		require.False(t, get.over(), "it waits for the next session")
		for {
			p := s.accept("a:2181")
			if p.greet().SessionID == 0 {
				p.respond(proto.ConnectResponse{Timeout: 9000, SessionID: 8, Password: make([]byte, 16)})
				go p.answerAll()
				break
			}
			p.wantEnd() // attempts to resume
		}
		require.NoError(t, get.wait())
		require.EqualValues(t, 8, c.Session().ID())
		require.NoError(t, c.Close())
	})
}

func TestCloseWhenServerIsMute(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, s *script) {
		c, p := s.start()
		get := asyncGet(c, bg, "/")
		began := time.Now()
		err := c.Close()
		require.Equal(t, time.Second, time.Since(began))
		require.ErrorIs(t, err, ErrConnectionLoss)
		require.ErrorContains(t, err, "zk: close session: connection loss: closeSession not answered within 1s")
		require.Equal(t, err, c.Close(), "again")
		require.Equal(t, time.Second, time.Since(began))
		err = get.wait()
		require.ErrorIs(t, err, ErrClosed)
		require.True(t, MayHaveApplied(err))
		p.want(proto.OpGetData)
		p.want(proto.OpCloseSession)
		p.wantEnd()
		require.Equal(t, Closed, c.State())
		require.Equal(t, ErrClosed, context.Cause(c.Session().Context()))
		_, _, err = c.Get(bg, "/")
		require.ErrorIs(t, err, ErrClosed)
		require.True(t, NotSent(err))
		require.EqualError(t, err, "zk: get /: closed")
		require.ErrorIs(t, c.AddAuth(bg, "digest", nil), ErrClosed)
	})
}

func TestCloseAnswersEarlierCallsFirst(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, s *script) {
		c, p := s.start()
		get := asyncGet(c, bg, "/")
		closed := async(c.Close)
		p.reply(p.want(proto.OpGetData).xid, 0, &proto.GetDataResponse{})
		require.NoError(t, get.wait())
		require.False(t, closed.over())
		p.reply(p.want(proto.OpCloseSession).xid, 0, nil)
		p.conn.Close()
		require.NoError(t, closed.wait())
	})
}

func TestCloseWhileNotConnected(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, s *script) {
		c, p := s.start()
		p.conn.Close()
		synctest.Wait()
		get := asyncGet(c, bg, "/")
		began := time.Now()
		err := c.Close()
		require.ErrorIs(t, err, ErrConnectionLoss, "the session lives on")
		require.Zero(t, time.Since(began))
		err = get.wait()
		require.ErrorIs(t, err, ErrClosed)
		require.True(t, NotSent(err))
	})
}

func TestServersThatAcceptAndCloseAreNotFlooded(t *testing.T) {
	inBubble(t, 3, func(t *testing.T, s *script) {
		for _, l := range s.listeners {
			go func() {
				for {
					conn, err := l.Accept()
					if err != nil {
						return
					}
					conn.Close()
				}
			}()
		}
		n := 0
		counting := Dialer(func(ctx context.Context, network, addr string) (net.Conn, error) {
			n++
			return s.net.DialContext(ctx, network, addr)
		})
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		_, err := Dial(ctx, "a,b,c", s.options(counting)...)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		t.Log(n, "connections in a minute")
		require.Less(t, n, 3*150)
		require.Greater(t, n, 3*50, "it does not give up either")
	})
}

func TestServersThatGreetAndCloseAreNotFlooded(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, s *script) {
		n := 0
		go func() {
			for {
				conn, err := s.listeners["a:2181"].Accept()
				if err != nil {
					return
				}
				n++
				buf := make([]byte, 49)
				conn.Read(buf)
				frame := proto.ConnectResponse{Timeout: 9000, SessionID: 1, Password: make([]byte, 16)}.AppendTo([]byte{0, 0, 0, 37})
				conn.Write(frame)
				conn.Close()
			}
		}()
		c, err := Dial(t.Context(), "a", s.options()...)
		require.NoError(t, err)
		time.Sleep(time.Minute)
		synctest.Wait()
		t.Log(n, "connections in a minute")
		require.Less(t, n, 200)
		require.Greater(t, n, 50)
		c.Close()
	})
}

func TestLossIsAnsweredAtOnceByTheNextHost(t *testing.T) {
	inBubble(t, 2, func(t *testing.T, s *script) {
		wait := s.dial("a,b", Seed(first("a", "b")))
		p := s.accept("a:2181")
		p.welcome(9 * time.Second)
		c, err := wait()
		require.NoError(t, err)
		for range 3 {
			began := time.Now()
			p.conn.Close()
			p = s.accept("b:2181")
			require.Zero(t, time.Since(began))
			p.welcome(9 * time.Second)
			go p.answerAll()
			time.Sleep(longLife)
			p.conn.Close()
			p = s.accept("a:2181")
			p.welcome(9 * time.Second)
			go p.answerAll()
			time.Sleep(longLife)
		}
		require.NoError(t, c.Close())
	})
}

func TestPauseRespectsTheSession(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		// Nobody listens, so attempts fail at once: what is seen are the pauses.
		s := &script{t: t}
		l, err := s.net.Listen("a:2181")
		require.NoError(t, err)
		var attempts []time.Duration
		began := time.Now()
		dial := Dialer(func(ctx context.Context, network, addr string) (net.Conn, error) {
			attempts = append(attempts, time.Since(began))
			return s.net.DialContext(ctx, network, addr)
		})
		result := make(chan *Conn)
		go func() {
			c, _ := Dial(t.Context(), "a", s.options(dial, SessionTimeout(300*time.Millisecond))...)
			result <- c
		}()
		conn, err := l.Accept()
		require.NoError(t, err)
		conn.Read(make([]byte, 49))
		conn.Write(proto.ConnectResponse{Timeout: 300, SessionID: 1, Password: make([]byte, 16)}.AppendTo([]byte{0, 0, 0, 37}))
		c := <-result
		l.Close()
		conn.Close()
		_, err = c.WaitState(bg, Lost)
		require.NoError(t, err)
		require.Equal(t, 300*time.Millisecond, time.Since(began))
		c.Close()
		require.Greater(t, len(attempts), 5)
		require.Less(t, len(attempts), 30)
		for i := 2; i < len(attempts); i++ {
			left := 300*time.Millisecond - attempts[i-1]
			require.LessOrEqual(t, attempts[i]-attempts[i-1], max(left/3, leastPause))
		}
	})
}

func TestStates(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, s *script) {
		c, p := s.start()
		states := c.States(bg)
		for range 100 {
			p.conn.Close()
			p = s.accept("a:2181")
			p.welcome(9 * time.Second)
			synctest.Wait()
		}
		go p.answerAll()
		require.NoError(t, c.Close())
		want := "Connected"
		for range 100 {
			want += " Suspended Connected"
		}
		var all string
		for st := range states {
			all += fmt.Sprint(st, " ")
		}
		require.Equal(t, want+" Closed ", all, "nothing is left out, although nobody was reading")

		_, err := c.WaitState(bg, Connected)
		require.ErrorIs(t, err, ErrClosed)
		require.EqualError(t, err, "zk: wait for state: closed")
	})
}

func TestWaitStateIsBoundByItsContext(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, s *script) {
		c, p := s.start()
		ctx, cancel := context.WithTimeout(bg, time.Second)
		defer cancel()
		st, err := c.WaitState(ctx, Suspended)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.Equal(t, Connected, st)
		for range c.States(ctx) {
			require.Fail(t, "ctx is over")
		}
		go p.answerAll()
		require.NoError(t, c.Close())
	})
}
