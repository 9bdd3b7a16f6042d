package zk

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/internal/jute"
	"github.com/zookit/zookit/internal/proto"
)

func TestAuthIsRefused(t *testing.T) {
	t.Run("by Dial", func(t *testing.T) {
		inBubble(t, 1, func(t *testing.T, s *script) {
			wait := s.dial("a", Auth("nosuch", []byte("x")))
			p := s.accept("a:2181")
			p.welcome(9 * time.Second)
			p.reply(p.want(proto.OpAuth).xid, proto.AuthFailed, nil)
			_, err := wait()
			require.ErrorIs(t, err, ErrAuthFailed)
			require.ErrorContains(t, err, "scheme nosuch")
		})
	})
	t.Run("later", func(t *testing.T) {
		inBubble(t, 1, func(t *testing.T, s *script) {
			c, p := s.start()
			states := c.States(bg)
			get := asyncGet(c, bg, "/")
			add := async(func() error { return c.AddAuth(bg, "nosuch", nil) })
			p.want(proto.OpGetData)
			p.reply(p.want(proto.OpAuth).xid, proto.AuthFailed, nil)
			require.ErrorIs(t, add.wait(), ErrAuthFailed)
			require.ErrorIs(t, get.wait(), ErrAuthFailed)
			p.wantEnd()
			_, _, err := c.Get(bg, "/")
			require.ErrorIs(t, err, ErrAuthFailed)
			require.ErrorIs(t, context.Cause(c.Session().Context()), ErrAuthFailed)
			require.NoError(t, c.Close())
			require.Equal(t, AuthFailed, c.State(), "it is the end")
			_, err = c.WaitState(bg, Connected)
			require.ErrorIs(t, err, ErrAuthFailed)
			require.Equal(t, []State{Connected, AuthFailed}, collect(states))
		})
	})
}

// credential reads the packet of one.
func (p *peer) credential(want string) {
	p.t.Helper()
	r := p.want(proto.OpAuth)
	require.Equal(p.t, proto.XidAuth, r.xid)
	in := jute.NewReader(r.body, "")
	var m proto.AuthPacket
	m.Decode(&in)
	require.Equal(p.t, want, m.Scheme+" "+string(m.Auth))
}

// accepts reads a packet and accepts it.
func (p *peer) accepts(want string) {
	p.t.Helper()
	p.credential(want)
	p.reply(proto.XidAuth, 0, nil)
}

// down drops the connection.
func (p *peer) down() {
	p.conn.Close()
	synctest.Wait()
}

func TestAuthIsReplayed(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, s *script) {
		wait := s.dial("a", Auth("digest", []byte("one")), Auth("digest", []byte("one")))
		p := s.accept("a:2181")
		p.welcome(9 * time.Second)
		p.accepts("digest one")
		c, err := wait()
		require.NoError(t, err)
		p.down()
		require.Equal(t, Suspended, c.State())

		ctx, cancel := context.WithCancel(bg)
		down := async(func() error { return c.AddAuth(ctx, "digest", []byte("two")) })
		cancel()
		require.ErrorIs(t, down.wait(), context.Canceled)
		down = async(func() error { return c.AddAuth(bg, "digest", []byte("two")) })
		get := asyncGet(c, bg, "/")
		p = s.accept("a:2181")
		p.welcome(9 * time.Second)
		p.accepts("digest one")
		p.accepts("digest two")
		require.NoError(t, down.wait())
		p.reply(p.want(proto.OpGetData).xid, 0, &proto.GetDataResponse{})
		require.NoError(t, get.wait())
		go p.answerAll()
		require.NoError(t, c.Close())
	})
}

// A list of credentials grew with each call, and an old password stayed in it.
func TestAnotherPasswordTakesTheOldOnesPlace(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, s *script) {
		wait := s.dial("a", Auth("digest", []byte("u:one")), Auth("ip", nil), Auth("digest", []byte("u:two")))
		p := s.accept("a:2181")
		p.welcome(9 * time.Second)
		p.accepts("ip ")
		p.accepts("digest u:two")
		c, err := wait()
		require.NoError(t, err)
		for range 3 {
			add := async(func() error { return c.AddAuth(bg, "digest", []byte("u:three")) })
			if !add.over() {
				p.accepts("digest u:three")
			}
			require.NoError(t, add.wait())
		}
		require.NoError(t, c.AddAuth(bg, "ip", nil), "it is accepted already")
		other := async(func() error { return c.AddAuth(bg, "digest", []byte("other")) })
		p.accepts("digest other")
		require.NoError(t, other.wait())
		p.wantSilence()
		p.down()

		replaced := async(func() error { return c.AddAuth(bg, "digest", []byte("other:one")) })
		last := async(func() error { return c.AddAuth(bg, "digest", []byte("other:two")) })
		require.False(t, replaced.over(), "who waits for one that is replaced waits for the other")
		p = s.accept("a:2181")
		p.welcome(9 * time.Second)
		p.accepts("ip ")
		p.accepts("digest u:three")
		p.credential("digest other:two")
		require.False(t, replaced.over())
		require.False(t, last.over())
		p.reply(proto.XidAuth, 0, nil)
		require.NoError(t, replaced.wait())
		require.NoError(t, last.wait())
		p.wantSilence()
		go p.answerAll()
		require.NoError(t, c.Close())
	})
}

// A credential that is added while others are replayed is not lost, and not
// sent twice.
func TestAuthDuringReplay(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, s *script) {
		wait := s.dial("a", Auth("digest", []byte("one")))
		p := s.accept("a:2181")
		p.welcome(9 * time.Second)
		p.accepts("digest one")
		c, err := wait()
		require.NoError(t, err)
		p.down()
		p = s.accept("a:2181")
		p.welcome(9 * time.Second)
		p.credential("digest one")
		two := async(func() error { return c.AddAuth(bg, "digest", []byte("two")) })
		p.wantSilence()
		p.reply(proto.XidAuth, 0, nil)
		p.credential("digest two")
		synctest.Wait()
		require.Equal(t, Connected, c.State())
		require.False(t, two.over())
		p.reply(proto.XidAuth, 0, nil)
		require.NoError(t, two.wait())
		p.wantSilence()
		go p.answerAll()
		require.NoError(t, c.Close())
	})
}

// A bad scheme that is kept and replayed made the state go to Connected and
// then to its end.
func TestRefusedReplayAnnouncesNoConnection(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, s *script) {
		c, p := s.start()
		states := c.States(bg)
		p.down()
		add := async(func() error { return c.AddAuth(bg, "nosuch", []byte("x")) })
		get := asyncGet(c, bg, "/")
		p = s.accept("a:2181")
		p.welcome(9 * time.Second)
		p.credential("nosuch x")
		p.reply(proto.XidAuth, proto.AuthFailed, nil)
		p.wantEnd()
		require.ErrorIs(t, add.wait(), ErrAuthFailed)
		err := get.wait()
		require.ErrorIs(t, err, ErrAuthFailed)
		require.True(t, NotSent(err))
		require.Equal(t, []State{Connected, Suspended, AuthFailed}, collect(states))
	})
}

// A server that closes instead of an answer, or says nothing, is passed by.
func TestReplayIsBounded(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, s *script) {
		wait := s.dial("a", Auth("digest", []byte("one")))
		p := s.accept("a:2181")
		p.welcome(9 * time.Second)
		p.credential("digest one")
		p.conn.Close()
		p = s.accept("a:2181")
		p.welcome(9 * time.Second)
		p.credential("digest one")
		began := time.Now()
		p.want(proto.OpCloseSession)
		p.wantEnd()
		require.Equal(t, 3*time.Second, time.Since(began))
		p = s.accept("a:2181")
		p.welcome(9 * time.Second)
		p.accepts("digest one")
		c, err := wait()
		require.NoError(t, err)
		go p.answerAll()
		require.NoError(t, c.Close())
	})
}

func TestCredentialsThatEndEverything(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, s *script) {
		c, p := s.start()
		for _, scheme := range []string{"", "sasl"} {
			err := c.AddAuth(bg, scheme, []byte("u:p"))
			require.ErrorIs(t, err, ErrBadArguments, "a server would refuse it, and the Conn end")
			require.True(t, NotSent(err))
			_, err = Dial(bg, "a", Auth(scheme, nil))
			require.ErrorIs(t, err, ErrBadArguments)
		}
		p.wantSilence()
		go p.answerAll()
		require.NoError(t, c.Close())
	})
}

// A server that wants a login first refuses everything, pings and the end of
// the session too: to come back would be of no use.
func TestEnforcedLogin(t *testing.T) {
	for name, answer := range map[string]func(c *Conn, p *peer) error{
		"a call": func(c *Conn, p *peer) error {
			get := asyncGet(c, bg, "/")
			p.reply(p.want(proto.OpGetData).xid, proto.SessionClosedRequireSASL, nil)
			p.conn.Close()
			return get.wait()
		},
		"a ping": func(c *Conn, p *peer) error {
			p.reply(p.want(proto.OpPing).xid, proto.SessionClosedRequireSASL, nil)
			p.conn.Close()
			synctest.Wait()
			return asyncGet(c, bg, "/").wait()
		},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, 1, func(t *testing.T, s *script) {
				c, p := s.start()
				require.ErrorIs(t, answer(c, p), ErrSessionClosedRequireSASL)
				_, err := c.WaitState(bg, AuthFailed)
				require.NoError(t, err)
				_, _, err = c.Get(bg, "/")
				require.ErrorIs(t, err, ErrAuthFailed)
				require.ErrorIs(t, err, ErrSessionClosedRequireSASL)
			})
		})
	}
}
