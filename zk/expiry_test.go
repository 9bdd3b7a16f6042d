package zk

import (
	"context"
	"io"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/internal/proto"
)

func TestDeadline(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, s *script) {
		c, p := s.start()
		began := time.Now()
		after := func(want time.Duration) {
			t.Helper()
			at, ok := c.Session().Deadline()
			require.True(t, ok)
			require.Equal(t, want, at.Sub(began))
		}
		after(9 * time.Second)
		time.Sleep(time.Second)
		get := asyncGet(c, bg, "/")
		after(9 * time.Second)
		p.reply(p.want(proto.OpGetData).xid, 0, &proto.GetDataResponse{})
		require.NoError(t, get.wait())
		after(10 * time.Second)
		time.Sleep(time.Second)
		p.event(EventNodeCreated, "/x")
		synctest.Wait()
		after(11 * time.Second)
		p.conn.Close()
		synctest.Wait()
		time.Sleep(time.Second)
		s.accept("a:2181").greet() // which is no word of the session's
		after(11 * time.Second)
		_, err := c.WaitState(bg, Lost)
		require.NoError(t, err)
		require.Equal(t, 11*time.Second, time.Since(began), "what was predicted")
		after(11 * time.Second)
		c.Close()
	})
}

func TestLostAfter(t *testing.T) {
	for _, factor := range []float64{0.5, 1, 4. / 3, 10} {
		inBubble(t, 1, func(t *testing.T, s *script) {
			c, _ := s.start(LostAfter(factor))
			began := time.Now()
			_, err := c.WaitState(bg, Lost) // the server is mute
			require.NoError(t, err)
			require.Equal(t, time.Duration(factor*float64(9*time.Second)), time.Since(began))
			c.Close()
		})
	}
}

func TestLostOnlyByTheServersWord(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, s *script) {
		c, p := s.start(LostAfter(0))
		_, ok := c.Session().Deadline()
		require.False(t, ok)
		s.listeners["a:2181"].Close()
		p.conn.Close()
		time.Sleep(10 * time.Minute)
		require.Equal(t, Suspended, c.State())
		l, err := s.net.Listen("a:2181")
		require.NoError(t, err)
		defer l.Close()
		s.listeners["a:2181"] = l
		p = s.accept("a:2181")
		require.EqualValues(t, sessionID, p.greet().SessionID)
		p.respond(proto.ConnectResponse{Password: make([]byte, 16)})
		_, err = c.WaitState(bg, Lost)
		require.NoError(t, err)
		c.Close()
	})
}

func TestOneSession(t *testing.T) {
	for name, end := range map[string]func(s *script, p *peer){
		"nothing is heard": func(s *script, p *peer) {},
		"a server says so": func(s *script, p *peer) {
			p.conn.Close()
			p = s.accept("a:2181")
			p.greet()
			p.respond(proto.ConnectResponse{Password: make([]byte, 16)})
		},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, 1, func(t *testing.T, s *script) {
				c, p := s.start(OneSession())
				states := c.States(bg)
				require.NoError(t, c.Err())
				end(s, p)
				_, err := c.WaitState(bg, Closed)
				require.NoError(t, err)
				require.Equal(t, []State{Connected, Suspended, Lost, Closed}, slices.Collect(states))
				require.ErrorIs(t, c.Err(), ErrSessionExpired)
				_, _, err = c.Get(bg, "/")
				require.ErrorIs(t, err, ErrSessionExpired)
				require.True(t, NotSent(err))
				_, err = c.WaitState(bg, Connected)
				require.ErrorIs(t, err, ErrSessionExpired)
				require.Equal(t, ErrSessionExpired, context.Cause(c.Session().Context()))
				require.ErrorIs(t, c.AddAuth(bg, "digest", nil), ErrSessionExpired)
				require.NoError(t, c.Close(), "there is no session that could stay")
			})
		})
	}
}

// A client that has seen more than any server has, since their data was wiped,
// is refused by all of them without a word. It begins anew when its session
// must be dead, with nothing seen.
func TestServersAreWiped(t *testing.T) {
	inBubble(t, 2, func(t *testing.T, s *script) {
		wait := s.dial("a,b", Seed(first("a", "b")))
		p := s.accept("a:2181")
		p.welcome(9 * time.Second)
		c, err := wait()
		require.NoError(t, err)
		p.zxid = 1 << 40
		set := async(func() error { _, err := c.Set(bg, "/", nil, AnyVersion); return err })
		p.reply(p.want(proto.OpSetData).xid, 0, &proto.Stat{})
		require.NoError(t, set.wait())
		began := time.Now()
		for _, l := range s.listeners {
			go func() {
				for {
					conn, err := l.Accept()
					if err != nil {
						return
					}
					go func() {
						defer conn.Close()
						b := make([]byte, 49)
						if n, _ := conn.Read(b); n < 49 || b[8]|b[9]|b[10]|b[11]|b[12]|b[13]|b[14]|b[15] != 0 {
							return // the client is ahead
						}
						conn.Write(proto.ConnectResponse{Timeout: 9000, SessionID: 7, Password: make([]byte, 16)}.AppendTo([]byte{0, 0, 0, 37}))
						io.Copy(io.Discard, conn)
					}()
				}
			}()
		}
		p.conn.Close()
		synctest.Wait()
		get := asyncGet(c, bg, "/")
		require.ErrorIs(t, get.wait(), ErrSessionExpired)
		require.Equal(t, 9*time.Second, time.Since(began))
		_, err = c.WaitState(bg, Connected)
		require.NoError(t, err)
		require.Less(t, time.Since(began), 11*time.Second)
		require.EqualValues(t, 7, c.Session().ID())
		c.Close()
	})
}
