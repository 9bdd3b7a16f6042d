package zk

import (
	"bytes"
	"encoding/hex"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/internal/proto"
)

// A notebook is what a logger has written.
type notebook struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (n *notebook) Write(b []byte) (int, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.b.Write(b)
}

// read is the lines since the last time.
func (n *notebook) read() []string {
	synctest.Wait()
	n.mu.Lock()
	defer n.mu.Unlock()
	text := n.b.String()
	n.b.Reset()
	return strings.Split(strings.TrimSpace(text), "\n")
}

// logger has no times.
func (n *notebook) logger(level slog.Level) *slog.Logger {
	return slog.New(slog.NewTextHandler(n, &slog.HandlerOptions{Level: level, ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey {
			return slog.Attr{}
		}
		return a
	}}))
}

// One line says each of what an operator wants to know, and calls say nothing.
func TestLog(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, s *script) {
		var n notebook
		c, p := s.start(Logger(n.logger(slog.LevelInfo)))
		require.Equal(t, []string{"level=INFO msg=connected server=a:2181 session=0x100000000000001 timeout=9s"}, n.read())
		get := asyncGet(c, bg, "/a")
		p.reply(p.want(proto.OpGetData).xid, proto.NoNode, nil)
		require.ErrorIs(t, get.wait(), ErrNoNode)
		require.Equal(t, []string{""}, n.read(), "calls are for hooks")

		p.conn.Close()
		p = s.accept("a:2181")
		p.welcome(9 * time.Second)
		require.Equal(t, []string{
			"level=INFO msg=\"connection lost\" server=a:2181 session=0x100000000000001 cause=EOF",
			"level=INFO msg=connected server=a:2181 session=0x100000000000001 timeout=9s",
		}, n.read())

		p.conn.Close()
		p = s.accept("a:2181")
		p.greet()
		p.respond(proto.ConnectResponse{Password: make([]byte, 16)}) // the session is gone
		p = s.accept("a:2181")
		p.greet()
		p.respond(proto.ConnectResponse{Timeout: 9000, SessionID: 8, Password: make([]byte, 16)})
		go p.answerAll()
		require.Equal(t, []string{
			"level=INFO msg=\"connection lost\" server=a:2181 session=0x100000000000001 cause=EOF",
			"level=WARN msg=\"session lost\" session=0x100000000000001 cause=\"the server says so\"",
			"level=INFO msg=connected server=a:2181 session=0x8 timeout=9s",
		}, n.read())
		require.NoError(t, c.Close())
		require.Equal(t, []string{"level=INFO msg=ended cause=closed"}, n.read())
	})
}

// Nothing that is secret is in the log, at any level, nor in an error.
func TestLogHasNoSecrets(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, s *script) {
		var n notebook
		password := []byte("0123456789abcdef")
		result := make(chan dialed, 1)
		go func() {
			c, err := Dial(t.Context(), "a", s.options(Logger(n.logger(slog.LevelDebug-4)), Auth("digest", []byte("user:hunter2")))...)
			result <- dialed{c, err}
		}()
		p := s.accept("a:2181")
		p.greet()
		p.respond(proto.ConnectResponse{Timeout: 9000, SessionID: 8, Password: password})
		p.reply(p.want(proto.OpAuth).xid, 0, nil)
		c := (<-result).c
		add := async(func() error { return c.AddAuth(bg, "nosuch", []byte("swordfish")) })
		p.reply(p.want(proto.OpAuth).xid, proto.AuthFailed, nil)
		err := add.wait()
		require.ErrorIs(t, err, ErrAuthFailed)
		c.Close()
		all := strings.Join(n.read(), "\n") + err.Error()
		require.Contains(t, all, "connected")
		for _, secret := range []string{"hunter2", "swordfish", string(password), hex.EncodeToString(password)} {
			require.NotContains(t, all, secret)
		}
	})
}
