package zk

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/internal/proto"
)

// A diary has a line for each thing that hooks are told.
type diary struct {
	mu    sync.Mutex
	lines []string
}

func (d *diary) write(format string, args ...any) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.lines = append(d.lines, fmt.Sprintf(format, args...))
}

// read is the lines since the last time.
func (d *diary) read() []string {
	synctest.Wait()
	d.mu.Lock()
	defer d.mu.Unlock()
	lines := d.lines
	d.lines = nil
	return lines
}

type beginKey struct{}

func (d *diary) hooks() Hooks {
	return Hooks{
		CallBegin: func(ctx context.Context, call Call) context.Context {
			d.write("begin %s %s", call.Op, call.Path)
			return context.WithValue(ctx, beginKey{}, call.Op)
		},
		CallEnd: func(ctx context.Context, call Call, r CallResult) {
			if ctx.Value(beginKey{}) != call.Op {
				d.write("the context is another")
			}
			text := fmt.Sprintf("end %s %s %s after %v", call.Op, call.Path, r.Outcome(), r.Duration)
			if r.Server != "" {
				text += fmt.Sprintf(", %d bytes to %s", r.Sent, r.Server)
			}
			if r.Received > 0 {
				text += fmt.Sprintf(", %d bytes back, zxid %d", r.Received, r.Zxid)
			}
			if call.Async {
				text += ", async"
			}
			if call.Try > 1 {
				text += fmt.Sprintf(", try %d", call.Try)
			}
			d.write("%s", text)
		},
		Attempt: func(a Attempt) { d.write("attempt %s: %v", a.Server, a.Err) },
		Disconnect: func(x Disconnect) {
			d.write("disconnect %s after %v: %v", x.Server, x.Duration, x.Cause)
		},
		StateChange:  func(s StateChange) { d.write("%v -> %v", s.From, s.To) },
		SessionBegin: func(s *Session) { d.write("session %v", s) },
		SessionEnd:   func(s *Session, cause error) { d.write("no session %v: %v", s, cause) },
		Auth:         func(scheme string, err error) { d.write("auth %s: %v", scheme, err) },
		Event:        func(e Event) { d.write("event %v %s", e.Type, e.Path) },
		Pong:         func(server string, d2 time.Duration) { d.write("pong %s %v", server, d2) },
	}
}

func TestHooksOfConnections(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, s *script) {
		var d diary
		c, p := s.start(Observe(d.hooks()))
		require.Equal(t, []string{"attempt a:2181: <nil>", "session 0x100000000000001", "Connecting -> Connected"}, d.read())

		p.event(EventNodeDeleted, "/x")
		time.Sleep(4 * time.Second)
		ping := p.want(proto.OpPing)
		p.reply(ping.xid, 0, nil)
		require.Equal(t, []string{"event NodeDeleted /x", "pong a:2181 1s"}, d.read())
		require.Equal(t, time.Second, c.Stats().RoundTrip)

		p.conn.Close()
		p = s.accept("a:2181")
		p.welcome(9 * time.Second)
		require.Equal(t, []string{
			"disconnect a:2181 after 4s: EOF", "Connected -> Suspended", "attempt a:2181: <nil>", "Suspended -> Connected",
		}, d.read())

		p.conn.Close()
		p = s.accept("a:2181")
		p.greet()
		p.respond(proto.ConnectResponse{Password: make([]byte, 16)}) // the session is gone
		p = s.accept("a:2181")
		p.greet()
		p.respond(proto.ConnectResponse{Timeout: 9000, SessionID: 8, Password: make([]byte, 16)})
		go p.answerAll()
		require.Equal(t, []string{
			"disconnect a:2181 after 0s: EOF", "Connected -> Suspended", "attempt a:2181: session expired",
			"no session 0x100000000000001: session expired", "Suspended -> Lost",
			"attempt a:2181: <nil>", "session 0x8", "Lost -> Connected",
		}, d.read())

		require.NoError(t, c.Close())
		require.Equal(t, []string{"disconnect a:2181 after 0s: closed", "no session 0x8: closed", "Connected -> Closed"}, d.read())
	})
}

func TestHooksOfCalls(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, s *script) {
		var d, other diary
		c, p := s.start(Observe(d.hooks()), Observe(Hooks{}), Observe(other.hooks()))
		d.read()
		get := asyncGet(c, bg, "/a")
		r := p.want(proto.OpGetData)
		time.Sleep(time.Second)
		p.reply(r.xid, 0, &proto.GetDataResponse{Data: []byte("x")})
		require.NoError(t, get.wait())
		want := []string{"begin get /a", "end get /a ok after 1s, 19 bytes to a:2181, 93 bytes back, zxid 1"}
		require.Equal(t, want, d.read())
		other.mu.Lock()
		require.Equal(t, want, other.lines[len(other.lines)-2:])
		other.mu.Unlock()

		get = asyncGet(c, bg, "/b")
		p.reply(p.want(proto.OpGetData).xid, proto.NoNode, nil)
		require.ErrorIs(t, get.wait(), ErrNoNode)
		require.Equal(t, []string{"begin get /b", "end get /b refused after 0s, 19 bytes to a:2181, 20 bytes back, zxid 2"}, d.read())

		ctx, cancel := context.WithTimeout(bg, time.Second)
		defer cancel()
		late := asyncGet(c, ctx, "/c")
		sent := p.want(proto.OpGetData)
		require.ErrorIs(t, late.wait(), context.DeadlineExceeded)
		require.Equal(t, []string{"begin get /c", "end get /c canceled after 1s, 19 bytes to a:2181"}, d.read())
		p.reply(sent.xid, 0, &proto.GetDataResponse{}) // nobody waits
		require.Empty(t, d.read())

		_, _, err := c.Get(bg, "no path")
		require.Error(t, err)
		require.Empty(t, d.read(), "there is nothing to be told")

		lost := asyncGet(c, bg, "/d")
		p.want(proto.OpGetData)
		s.listeners["a:2181"].Close()
		p.conn.Close()
		require.ErrorIs(t, lost.wait(), ErrConnectionLoss)
		require.Subset(t, d.read(), []string{"begin get /d", "end get /d lost after 0s, 19 bytes to a:2181"})

		waits := asyncGet(c, bg, "/e")
		require.Equal(t, 1, c.Stats().Waiting)
		c.Close()
		require.ErrorIs(t, waits.wait(), ErrClosed)
		require.Subset(t, d.read(), []string{"begin get /e", "end get /e not_sent after 0s"})
		_, _, err = c.Get(bg, "/f")
		require.ErrorIs(t, err, ErrClosed)
		require.Equal(t, []string{"begin get /f", "end get /f not_sent after 0s"}, d.read())
	})
}

func TestHooksOfAsyncCalls(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, s *script) {
		var d diary
		c, p := s.start(Observe(d.hooks()))
		d.read()
		f := c.Async().Get("/a")
		p.reply(p.want(proto.OpGetData).xid, 0, &proto.GetDataResponse{})
		_, err := f.Wait(bg)
		require.NoError(t, err)
		require.Equal(t, []string{"begin get /a", "end get /a ok after 0s, 19 bytes to a:2181, 92 bytes back, zxid 1, async"}, d.read())

		f = c.Async().Get("/b")
		sent := p.want(proto.OpGetData)
		time.Sleep(time.Second)
		require.True(t, f.Cancel())
		require.False(t, f.Cancel())
		p.reply(sent.xid, 0, &proto.GetDataResponse{})
		require.Equal(t, []string{"begin get /b", "end get /b canceled after 1s, 19 bytes to a:2181, async"}, d.read())

		go p.answerAll()
		require.NoError(t, c.Close())
		d.read()
		f = c.Async().Get("/d")
		_, err = f.Wait(bg)
		require.ErrorIs(t, err, ErrClosed)
		require.Equal(t, []string{"begin get /d", "end get /d not_sent after 0s, async"}, d.read())
	})
}

func TestHooksOfCredentials(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, s *script) {
		var d diary
		c, p := s.start(Observe(d.hooks()))
		d.read()
		add := async(func() error { return c.AddAuth(bg, "digest", []byte("user:secret")) })
		p.reply(p.want(proto.OpAuth).xid, 0, nil)
		require.NoError(t, add.wait())
		require.Equal(t, []string{"auth digest: <nil>"}, d.read())
		add = async(func() error { return c.AddAuth(bg, "nosuch", []byte("secret")) })
		p.reply(p.want(proto.OpAuth).xid, proto.AuthFailed, nil)
		require.ErrorIs(t, add.wait(), ErrAuthFailed)
		lines := d.read()
		require.Contains(t, lines[0], "auth nosuch: ")
		require.Contains(t, lines, "Connected -> AuthFailed")
		require.NotContains(t, fmt.Sprint(lines), "secret")
	})
}

func TestHooksOfTries(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, s *script) {
		var d diary
		c, p := s.start(Observe(d.hooks()))
		d.read()
		done := async(func() error {
			return c.Retry(bg, func(ctx context.Context) error {
				_, _, err := c.Get(ctx, "/a")
				return err
			})
		})
		p.want(proto.OpGetData)
		p.conn.Close()
		p = s.accept("a:2181")
		p.welcome(9 * time.Second)
		p.reply(p.want(proto.OpGetData).xid, 0, &proto.GetDataResponse{})
		require.NoError(t, done.wait())
		lines := d.read()
		require.Contains(t, lines, "end get /a lost after 0s, 19 bytes to a:2181")
		require.Equal(t, "end get /a ok after 0s, 19 bytes to a:2181, 92 bytes back, zxid 1, try 2", lines[len(lines)-1])
		go p.answerAll()
		require.NoError(t, c.Close())
	})
}

// Answers that come as their calls are given up touch nothing of them.
func TestHooksOfCallsThatAreGivenUp(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, s *script) {
		begun, ended := 0, 0
		var mu sync.Mutex
		c, p := s.start(Observe(Hooks{
			CallBegin: func(ctx context.Context, _ Call) context.Context { mu.Lock(); begun++; mu.Unlock(); return ctx },
			CallEnd: func(_ context.Context, _ Call, r CallResult) {
				mu.Lock()
				ended++
				mu.Unlock()
				if r.Err == nil && (r.Sent != 19 || r.Received == 0) {
					panic(fmt.Sprintf("%+v", r))
				}
			},
		}))
		go p.answerAll()
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				for range 50 {
					ctx, cancel := context.WithCancel(bg)
					go cancel()
					c.Get(ctx, "/a")
					f := c.Async().Get("/b")
					go f.Cancel()
					f.Wait(bg)
				}
			})
		}
		wg.Wait()
		synctest.Wait()
		require.Equal(t, begun, ended)
		require.LessOrEqual(t, begun, 8*100)
		require.NoError(t, c.Close())
	})
}

func TestOutcomes(t *testing.T) {
	outcome := func(err error, f fate) Outcome {
		return CallResult{Err: &Error{Op: "get", Err: err, fate: f}}.Outcome()
	}
	require.Equal(t, OutcomeOK, CallResult{}.Outcome())
	require.Equal(t, OutcomeRefused, outcome(ErrNoNode, answered))
	require.Equal(t, OutcomeLost, outcome(&lossError{errors.New("EOF")}, unknown))
	require.Equal(t, OutcomeNotSent, outcome(ErrSessionExpired, unsent))
	require.Equal(t, OutcomeLost, outcome(ErrClosed, unknown))
	require.Equal(t, OutcomeCanceled, outcome(context.Canceled, unknown))
	require.Equal(t, OutcomeCanceled, outcome(context.DeadlineExceeded, unsent))
}
