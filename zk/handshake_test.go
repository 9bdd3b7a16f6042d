package zk

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/internal/proto"
)

func TestHandshakeOfNewSession(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, s *script) {
		wait := s.dial("a/app")
		p := s.accept("a:2181")
		p.greet()
		require.Equal(t, proto.ConnectRequest{Timeout: 9000, Password: make([]byte, 16)}, p.hello)
		p.respond(proto.ConnectResponse{Timeout: 4000, SessionID: 7, Password: []byte("0123456789abcdef"), NoReadOnly: true})
		c, err := wait()
		require.NoError(t, err)
		require.Equal(t, Connected, c.State())
		require.Equal(t, "a:2181", c.Server())
		require.EqualValues(t, 7, c.Session().ID())
		require.Equal(t, "0123456789abcdef", string(c.Session().Password()))
		require.Equal(t, 4*time.Second, c.Session().Timeout(), "what is granted counts")
		go p.answerAll()
		require.NoError(t, c.Close())
	})
}

func TestHostsThatDoNotAnswerArePassedBy(t *testing.T) {
	cases := map[string]struct {
		atOnce bool // the client need not wait to know
		f      func(p *peer)
	}{
		"mute":                   {false, func(p *peer) {}},
		"closes":                 {true, func(p *peer) { p.conn.Close() }},
		"resets":                 {true, func(p *peer) { p.conn.Reset() }},
		"error frame":            {true, func(p *peer) { p.reply(0, proto.NotReadOnly, nil) }},
		"too long":               {true, func(p *peer) { p.conn.Write([]byte{0x7f, 0xff, 0xff, 0xff}) }},
		"negative length":        {true, func(p *peer) { p.conn.Write([]byte{0xff, 0xff, 0xff, 0xff}) }},
		"half an answer":         {false, func(p *peer) { p.conn.Write([]byte{0, 0, 0, 37, 0, 0}) }},
		"half an answer and end": {true, func(p *peer) { p.conn.Write([]byte{0, 0, 0, 37, 0, 0}); p.conn.Close() }},
		"read-only": {true, func(p *peer) {
			p.respond(proto.ConnectResponse{Timeout: 9000, SessionID: 5, Password: make([]byte, 16), ReadOnly: true})
		}},
		"no session": {true, func(p *peer) { p.respond(proto.ConnectResponse{Password: make([]byte, 16)}) }},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			inBubble(t, 2, func(t *testing.T, s *script) {
				began := time.Now()
				wait := s.dial("a,b", Seed(first("a", "b")))
				bad := s.accept("a:2181")
				bad.greet()
				tc.f(bad)
				p := s.accept("b:2181")
				took := time.Since(began)
				p.welcome(9 * time.Second)
				c, err := wait()
				require.NoError(t, err)
				require.Equal(t, "b:2181", c.Server())
				if tc.atOnce {
					require.Zero(t, took)
				} else {
					require.Equal(t, 3*time.Second, took, "a third of the session")
				}
				go p.answerAll()
				require.NoError(t, c.Close())
			})
		})
	}
}

// first finds a seed that makes a the first of two hosts.
func first(a, b string) uint64 {
	for seed := uint64(0); ; seed++ {
		c := newClient(config{seed: seed}, []string{a, b})
		if host, _ := c.hosts.next(); host == a {
			return seed
		}
	}
}

func TestReadOnlyServer(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, s *script) {
		wait := s.dial("a", CanBeReadOnly())
		p := s.accept("a:2181")
		require.True(t, p.greet().ReadOnly)
		p.respond(proto.ConnectResponse{Timeout: 9000, SessionID: 5, Password: make([]byte, 16), ReadOnly: true})
		c, err := wait()
		require.NoError(t, err)
		require.Equal(t, ReadOnly, c.State())
		go p.answerAll()
		require.NoError(t, c.Close())
	})
}

func TestDialFailsWithAllCauses(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, s *script) {
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		began := time.Now()
		_, err := Dial(ctx, "a,nowhere,b/x", s.options()...)
		require.Equal(t, 5*time.Second, time.Since(began))
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.ErrorContains(t, err, "zk: dial a,nowhere,b/x: context deadline exceeded")
		require.ErrorContains(t, err, "a:2181: no answer to the handshake")
		require.ErrorContains(t, err, "nowhere:2181: dial mem nowhere:2181: connection refused")
		require.ErrorContains(t, err, "b:2181: ")
		require.True(t, NotSent(err))
	})
}

func TestDialRefusesNonsense(t *testing.T) {
	for _, connect := range []string{"", ",", "a,", "a:0", "a:65536", "a:x", ":2181", "[::1", "a/x/", "a//x", "a/.."} {
		_, err := Dial(t.Context(), connect)
		require.ErrorIs(t, err, ErrBadArguments, connect)
	}
	for name, opt := range map[string]Option{
		"no timeout":    SessionTimeout(0),
		"long timeout":  SessionTimeout(1000 * time.Hour),
		"no dialer":     Dialer(nil),
		"no logger":     Logger(nil),
		"attach to 0":   Attach(0, nil),
		"small frame":   MaxFrame(10),
		"small request": MaxRequest(-1),
	} {
		_, err := Dial(t.Context(), "a", opt)
		require.ErrorIs(t, err, ErrBadArguments, name)
	}
}

func TestAttach(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, s *script) {
		password := []byte("0123456789abcdef")
		wait := s.dial("a", Attach(77, password))
		p := s.accept("a:2181")
		p.greet()
		require.EqualValues(t, 77, p.hello.SessionID)
		require.Equal(t, password, p.hello.Password)
		p.respond(proto.ConnectResponse{Timeout: 9000, SessionID: 77, Password: password})
		c, err := wait()
		require.NoError(t, err)
		require.EqualValues(t, 77, c.Session().ID())
		go p.answerAll()
		require.NoError(t, c.Close())

		wait = s.dial("a", Attach(78, password))
		p = s.accept("a:2181")
		p.greet()
		p.respond(proto.ConnectResponse{Password: make([]byte, 16)})
		_, err = wait()
		require.ErrorIs(t, err, ErrSessionExpired)
	})
}

func TestExpiredAnswer(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, s *script) {
		c, p := s.start()
		get := async(func() error {
			_, _, w, err := c.GetW(bg, "/n")
			if err == nil {
				go func() {
					e := <-w.C
					if e.Type != EventSessionLost || e.Err != ErrSessionExpired || e.Path != "/n" {
						t.Errorf("the watch got %+v", e)
					}
				}()
			}
			return err
		})
		p.zxid = 41
		p.reply(p.want(proto.OpGetData).xid, 0, &proto.GetDataResponse{})
		require.NoError(t, get.wait())
		require.EqualValues(t, 42, c.LastZxid())
		old := c.Session()
		states := c.States(bg)

		p.conn.Close()
		synctest.Wait()
		waiting := asyncGet(c, bg, "/waits")
		p = s.accept("a:2181")
		p.greet()
		require.EqualValues(t, sessionID, p.hello.SessionID)
		require.EqualValues(t, 42, p.hello.LastZxidSeen)
		p.respond(proto.ConnectResponse{Password: make([]byte, 16)})
		p.conn.Close()
		err := waiting.wait()
		require.ErrorIs(t, err, ErrSessionExpired)
		require.True(t, NotSent(err))
		require.Equal(t, ErrSessionExpired, context.Cause(old.Context()))

		p = s.accept("a:2181")
		p.greet()
		require.Zero(t, p.hello.SessionID, "a new one is begun at once")
		require.Zero(t, p.hello.LastZxidSeen, "a wiped server must do")
		p.respond(proto.ConnectResponse{Timeout: 9000, SessionID: 99, Password: make([]byte, 16)})
		_, err = c.WaitState(bg, Connected)
		require.NoError(t, err)
		require.EqualValues(t, 99, c.Session().ID())
		require.NoError(t, c.Session().Context().Err())
		go p.answerAll()
		require.NoError(t, c.Close())

		var all []State
		for st := range states {
			all = append(all, st)
		}
		require.Equal(t, []State{Connected, Suspended, Lost, Connected, Closed}, all)
	})
}
