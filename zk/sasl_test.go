package zk

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/internal/jute"
	"github.com/zookit/zookit/internal/proto"
)

// A twoStep mechanism sends "one" and then what the server answers.
type twoStep struct {
	servers []SASLServer
	fail    error // before anything is sent
}

func (m *twoStep) Authenticate(_ context.Context, s SASLServer, send func([]byte) ([]byte, error)) error {
	m.servers = append(m.servers, s)
	if m.fail != nil {
		return m.fail
	}
	answer, err := send([]byte("one"))
	if err != nil {
		return err
	}
	_, err = send(answer)
	return err
}

// token reads a token of the client.
func (p *peer) token(want string) (xid int32) {
	p.t.Helper()
	r := p.want(proto.OpSASL)
	in := jute.NewReader(r.body, "")
	var m proto.SASLToken
	m.Decode(&in)
	require.Equal(p.t, want, string(m.Token))
	return r.xid
}

func (p *peer) answer(xid int32, token string) {
	p.t.Helper()
	p.send(proto.SASLToken{Token: []byte(token)}.AppendTo(proto.ReplyHeader{Xid: xid}.AppendTo(nil)))
}

// login is the server's side of twoStep.
func (p *peer) login() {
	p.t.Helper()
	p.answer(p.token("one"), "two")
	p.answer(p.token("two"), "")
}

// The state was announced before login and credentials had gone through, so
// that callers could be there first.
func TestNothingOvertakesTheLogin(t *testing.T) {
	inBubble(t, 2, func(t *testing.T, s *script) {
		m := &twoStep{}
		wait := s.dial("a", SASL(m), Auth("digest", []byte("u:p")))
		p := s.accept("a:2181")
		p.welcome(9 * time.Second)
		p.login()
		auth := p.want(proto.OpAuth)
		p.wantSilence()
		p.reply(auth.xid, 0, nil)
		c, err := wait()
		require.NoError(t, err)
		require.Equal(t, "a", m.servers[0].Host)
		require.Equal(t, "a:2181", m.servers[0].Addr.String())
		states := c.States(bg)

		watched := async(func() error { _, _, _, err := c.GetW(bg, "/w"); return err })
		p.reply(p.want(proto.OpGetData).xid, 0, &proto.GetDataResponse{})
		require.NoError(t, watched.wait())
		p.conn.Close()
		synctest.Wait()
		get := asyncGet(c, bg, "/a")
		p = s.accept("a:2181")
		p.welcome(9 * time.Second)
		xid := p.token("one")
		p.wantSilence()
		require.Equal(t, Suspended, c.State(), "not before the login")
		p.answer(xid, "two")
		p.answer(p.token("two"), "")
		auth = p.want(proto.OpAuth)
		p.wantSilence()
		require.Equal(t, Suspended, c.State(), "not before the credential")
		p.reply(auth.xid, 0, nil)
		p.want(proto.OpSetWatches)
		p.reply(p.want(proto.OpGetData).xid, 0, &proto.GetDataResponse{})
		require.NoError(t, get.wait())
		require.Len(t, m.servers, 2, "once for each connection")
		go p.answerAll()
		require.NoError(t, c.Close())
		require.Equal(t, []State{Connected, Suspended, Connected, Closed}, collect(states))
	})
}

func collect(states func(func(State) bool)) (all []State) {
	for st := range states {
		all = append(all, st)
	}
	return all
}

func TestLoginIsRefused(t *testing.T) {
	null := func(p *peer, xid int32) {
		p.send(proto.SASLToken{}.AppendTo(proto.ReplyHeader{Xid: xid}.AppendTo(nil)))
	}
	refuse := func(code proto.Code) func(p *peer, xid int32) {
		return func(p *peer, xid int32) {
			p.send(proto.SASLToken{}.AppendTo(proto.ReplyHeader{Xid: xid, Err: code}.AppendTo(nil)))
			p.conn.Close()
		}
	}
	for _, tc := range []struct {
		name, text string
		code       Code
		answer     func(p *peer, xid int32)
	}{
		{"by the server", "authentication failed (SASL)", ErrAuthFailed, refuse(proto.AuthFailed)},
		{"where it is enforced", "requires authentication", ErrSessionClosedRequireSASL, refuse(proto.SessionClosedRequireSASL)},
		{"without SASL", "the server has no SASL", ErrAuthFailed, null},
	} {
		t.Run(tc.name, func(t *testing.T) {
			inBubble(t, 1, func(t *testing.T, s *script) {
				wait := s.dial("a", SASL(&twoStep{}))
				p := s.accept("a:2181")
				p.welcome(9 * time.Second)
				tc.answer(p, p.token("one"))
				_, err := wait()
				require.ErrorIs(t, err, ErrAuthFailed)
				require.ErrorIs(t, err, tc.code)
				require.ErrorContains(t, err, tc.text)
				require.True(t, NotSent(err))
			})
		})
		t.Run(tc.name+", again", func(t *testing.T) {
			inBubble(t, 1, func(t *testing.T, s *script) {
				wait := s.dial("a", SASL(&twoStep{}))
				p := s.accept("a:2181")
				p.welcome(9 * time.Second)
				p.login()
				c, err := wait()
				require.NoError(t, err)
				states := c.States(bg)
				p.conn.Close()
				synctest.Wait()
				get := asyncGet(c, bg, "/a")
				p = s.accept("a:2181")
				p.welcome(9 * time.Second)
				tc.answer(p, p.token("one"))
				require.ErrorIs(t, get.wait(), ErrAuthFailed)
				require.ErrorIs(t, context.Cause(c.Session().Context()), ErrAuthFailed)
				require.Equal(t, []State{Connected, Suspended, AuthFailed}, collect(states), "no connection was announced")
			})
		})
	}
}

// What says nothing about who the client is does not end the Conn, and leaves
// no session behind.
func TestLoginFailsForNow(t *testing.T) {
	for _, tc := range []struct {
		name  string
		fail  error
		serve func(t *testing.T, p *peer)
	}{
		{"the server closes", nil, func(t *testing.T, p *peer) {
			p.token("one")
			p.conn.Close()
		}},
		{"the server is mute", nil, func(t *testing.T, p *peer) {
			p.token("one")
			began := time.Now()
			p.want(proto.OpCloseSession)
			p.wantEnd()
			require.Equal(t, 3*time.Second, time.Since(began), "the budget of an attempt")
		}},
		{"the mechanism has no ticket", errors.New("no ticket"), func(t *testing.T, p *peer) {
			p.want(proto.OpCloseSession)
			p.wantEnd()
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			inBubble(t, 1, func(t *testing.T, s *script) {
				m := &twoStep{fail: tc.fail}
				wait := s.dial("a", SASL(m))
				p := s.accept("a:2181")
				p.welcome(9 * time.Second)
				synctest.Wait()
				m.fail = nil
				tc.serve(t, p)
				p = s.accept("a:2181")
				p.welcome(9 * time.Second)
				p.login()
				c, err := wait()
				require.NoError(t, err)
				go p.answerAll()
				require.NoError(t, c.Close())
			})
		})
	}
}

// A mechanism may say itself that there is no use in going on.
func TestMechanismGivesUp(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, s *script) {
		wait := s.dial("a", SASL(&twoStep{fail: fmt.Errorf("%w: wrong password", ErrAuthFailed)}))
		p := s.accept("a:2181")
		p.welcome(9 * time.Second)
		_, err := wait()
		require.ErrorIs(t, err, ErrAuthFailed)
		require.Equal(t, 1, strings.Count(err.Error(), "a:2181: authentication failed: wrong password (SASL)"), err.Error())
	})
}

func TestCloseDuringLogin(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, s *script) {
		wait := s.dial("a", SASL(&twoStep{}))
		p := s.accept("a:2181")
		p.welcome(9 * time.Second)
		p.login()
		c, err := wait()
		require.NoError(t, err)
		p.conn.Close()
		p = s.accept("a:2181")
		p.welcome(9 * time.Second)
		p.token("one")
		began := time.Now()
		require.ErrorIs(t, c.Close(), ErrConnectionLoss, "the session lives on")
		require.Zero(t, time.Since(began))
		p.wantEnd()
	})
}

func TestNilMechanism(t *testing.T) {
	_, err := Dial(bg, "a", SASL(nil))
	require.ErrorIs(t, err, ErrBadArguments, "a nil that somebody made by mistake is not to mean: no login")
}
