package zk

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/internal/proto"
)

// config answers the question of FollowConfig.
func (p *peer) config(text string) {
	p.t.Helper()
	r := p.want(proto.OpGetData)
	require.Equal(p.t, configPath, r.path())
	p.reply(r.xid, 0, &proto.GetDataResponse{Data: []byte(text)})
	synctest.Wait()
}

func TestFollowConfig(t *testing.T) {
	inBubble(t, 2, func(t *testing.T, s *script) {
		wait := s.dial("a", FollowConfig(nil)) // of b it does not know
		p := s.accept("a:2181")
		p.welcome(9 * time.Second)
		c, err := wait()
		require.NoError(t, err)
		session := c.Session()
		p.config("server.1=a:1:2:participant;0.0.0.0:2181\nversion=100000000")
		p.wantSilence()
		p.event(EventNodeDataChanged, configPath)
		p.config("server.2=b:1:2:participant;0.0.0.0:2181\nversion=200000000")
		p.reply(p.want(proto.OpExists).xid, 0, &proto.Stat{}) // the last answer: a is not in it any more
		p.wantEnd()
		p = s.accept("b:2181")
		p.welcome(9 * time.Second)
		synctest.Wait()
		require.Equal(t, "b:2181", c.Server())
		require.Same(t, session, c.Session())
		p.want(proto.OpSetWatches)
		p.event(EventNodeDataChanged, configPath)
		p.config("server.2=b:1:2:participant;0.0.0.0:2181\nversion=200000000")
		p.wantSilence()
		go p.answerAll()
		require.NoError(t, c.Close())
	})
}

func TestFollowConfigKeepsTheList(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, s *script) {
		c, p := s.start(FollowConfig(func(m Member) string {
			if m.ID == 9 {
				return "b:2181"
			}
			return ""
		}))
		for _, text := range []string{
			"",                                      // a server alone
			"server.1=a:1:2:participant\nversion=0", // no port
			"server.1=a:1:2:participant;2181\nversion=1", // by the function none
			"nonsense=\nserver.x",                        // by no server
		} {
			p.config(text)
			p.wantSilence()
			require.Equal(t, "a:2181", c.Server(), "%q changes nothing", text)
			p.event(EventNodeDataChanged, configPath)
		}
		p.config("server.9=x:1:2:participant\nversion=5")
		p.reply(p.want(proto.OpExists).xid, 0, &proto.Stat{})
		p.wantEnd()
		c.Close()
	})
}

func TestFollowConfigEnds(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, s *script) {
		c, p := s.start(FollowConfig(nil))
		p.reply(p.want(proto.OpGetData).xid, proto.OperationTimeout, nil)
		time.Sleep(followPause)
		p.reply(p.want(proto.OpGetData).xid, proto.NoAuth, nil)
		p.wantSilence()
		go p.answerAll()
		require.NoError(t, c.Close(), "and the goroutine is gone")
	})
}

func TestFollowConfigIgnoresOlderOnes(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, s *script) {
		c, p := s.start()
		f := configFollower{client: c.client, addr: Member.ClientAddr}
		adopt := func(text string) string {
			before := f.latest
			if f.adopt([]byte(text)); f.latest == before {
				return ""
			}
			return f.latest
		}
		require.Equal(t, "a:2181", adopt("server.1=a:1:2:participant;2181\nversion=5"))
		require.Empty(t, adopt("server.1=a:1:2:participant;2181\nversion=6"), "the same servers")
		require.Empty(t, adopt("server.1=b:1:2:participant;2181\nversion=4"))
		require.Equal(t, "b:2181,c:2181", adopt("server.1=b:1:2:participant;2181\nserver.2=c:1:2;2181\nversion=7"))
		require.Empty(t, adopt("server.1=b:1:2:participant;2181\nserver.2=c:1:2;2181\nversion=9"))
		require.Empty(t, adopt("server.1=d:1:2:participant;2181\nversion=8"))
		go p.answerAll()
		c.Close() // there are no such servers
	})
}
