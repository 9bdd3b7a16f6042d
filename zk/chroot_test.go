package zk

import (
	"strings"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"
	"time"

	"github.com/zookit/zookit/internal/proto"
)

func TestChrootThatDoesNotExistIsWarnedOf(t *testing.T) {
	for _, code := range []proto.Code{proto.NoNode, proto.OK} {
		inBubble(t, 1, func(t *testing.T, s *script) {
			var log strings.Builder
			wait := s.dial("a/app", Logger(textLog(&log)))
			p := s.accept("a:2181")
			p.welcome(9 * time.Second)
			c, err := wait()
			require.NoError(t, err, "it does not wait for the answer")
			r := p.want(proto.OpExists)
			require.Equal(t, "/app", r.path())
			p.reply(r.xid, code, &proto.Stat{})
			synctest.Wait()
			warned := strings.Contains(log.String(), `level=WARN msg="the chroot does not exist" path=/app`)
			require.Equal(t, code == proto.NoNode, warned)
			go p.answerAll()
			require.NoError(t, c.Close())
		})
	}
}

func TestNobodyIsAskedAboutTheChrootWithoutALog(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, s *script) {
		cfg, err := newConfig([]Option{Dialer(s.net.DialContext)})
		require.NoError(t, err)
		wait := s.dial("a/app", Logger(cfg.log))
		p := s.accept("a:2181")
		p.welcome(9 * time.Second)
		c, err := wait()
		require.NoError(t, err)
		p.wantSilence()
		go p.answerAll()
		require.NoError(t, c.Close())
	})
}

func TestStrip(t *testing.T) {
	for _, x := range []struct {
		chroot, path, want string
		in                 bool
	}{
		{"/a", "/ab/c", "", false}, // kazoo's unchroot takes it for a path in the chroot
		{"/a", "/a/b", "/b", true},
		{"/a", "/a", "/", true},
		{"/a", "/b", "/b", false},
		{"", "/b", "/b", true},
	} {
		got, in := strip(x.chroot, x.path)
		require.Equal(t, x.in, in, "%+v", x)
		if in {
			require.Equal(t, x.want, got, "%+v", x)
		}
	}
}
