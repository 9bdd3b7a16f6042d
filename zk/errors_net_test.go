package zk

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/internal/proto"
)

// A breaking connection fails its reads or writes once it is told to.
type breaking struct {
	net.Conn
	read, write atomic.Pointer[error]
}

func (b *breaking) Read(p []byte) (int, error) {
	n, err := b.Conn.Read(p)
	if e := b.read.Load(); e != nil {
		return 0, *e
	}
	return n, err
}

func (b *breaking) Write(p []byte) (int, error) {
	if e := b.write.Load(); e != nil {
		return 0, *e
	}
	return b.Conn.Write(p)
}

// However the network fails, calls of both forms fail with ErrConnectionLoss,
// which tells the cause and says that they may have applied.
func TestNoRawNetworkError(t *testing.T) {
	var reset error = &net.OpError{Op: "write", Net: "tcp", Err: syscall.ECONNRESET}
	for name, tc := range map[string]struct {
		before func(b *breaking) // the calls
		after  func(b *breaking, p *peer)
		want   error
	}{
		"write fails": {func(b *breaking) { b.write.Store(&reset) }, nil, reset},
		"read fails":  {func(b *breaking) { b.read.Store(&reset) }, func(b *breaking, p *peer) { p.event(EventNodeCreated, "/") }, reset},
		"reset":       {nil, func(b *breaking, p *peer) { p.conn.Reset() }, syscall.ECONNRESET},
		"end":         {nil, func(b *breaking, p *peer) { p.conn.Close() }, io.EOF},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, 1, func(t *testing.T, s *script) {
				b := new(breaking)
				c, p := s.start(Dialer(func(ctx context.Context, network, addr string) (net.Conn, error) {
					if b.Conn != nil {
						return nil, &net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}
					}
					var err error
					b.Conn, err = s.net.DialContext(ctx, network, addr)
					return b, err
				}))
				if tc.before != nil {
					tc.before(b)
				}
				get, set, later := asyncGet(c, bg, "/"), c.Async().Set("/", nil, 0), c.Async().Get("/")
				synctest.Wait()
				if tc.after != nil {
					tc.after(b, p)
				}
				_, err2 := set.Wait(bg)
				_, err3 := later.Wait(bg)
				for _, err := range []error{get.wait(), err2, err3} {
					if NotSent(err) { // it came behind the failure, and waits for the next connection
						require.ErrorIs(t, err, ErrSessionExpired)
						continue
					}
					require.ErrorIs(t, err, ErrConnectionLoss)
					require.ErrorIs(t, err, tc.want, "the cause is told")
					require.True(t, MayHaveApplied(err))
					e, ok := errors.AsType[*Error](err)
					require.True(t, ok)
					require.Equal(t, e, err, "not a bare error of the network")
				}
				short, cancel := context.WithTimeout(bg, time.Second)
				defer cancel()
				_, _, err := c.Get(short, "/")
				require.True(t, NotSent(err), err)
				c.Close()
			})
		})
	}
}

func TestNoRawErrorOfDial(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, s *script) {
		refused := &net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}
		for name, dial := range map[string]func(ctx context.Context, network, addr string) (net.Conn, error){
			"refused": func(context.Context, string, string) (net.Conn, error) { return nil, refused },
			"TLS": func(ctx context.Context, network, addr string) (net.Conn, error) {
				client, server := net.Pipe()
				go func() {
					server.Write([]byte("plain text, not TLS"))
					server.Close()
				}()
				conn := tls.Client(client, &tls.Config{ServerName: "a"})
				if err := conn.HandshakeContext(ctx); err != nil {
					client.Close()
					return nil, err
				}
				return conn, nil
			},
		} {
			ctx, cancel := context.WithTimeout(bg, time.Second)
			_, err := Dial(ctx, "a:2181", s.options(Dialer(dial))...)
			cancel()
			require.ErrorIs(t, err, context.DeadlineExceeded, name)
			require.IsType(t, &Error{}, err)
			require.ErrorContains(t, err, "a:2181: ", "the cause is told")
			require.True(t, NotSent(err))
		}
	})
}

// codes are all that have a name, as kazoo and ZooKeeper's own client have them.
var codes = map[Code]Code{
	-1: ErrSystemError, -2: ErrRuntimeInconsistency, -3: ErrDataInconsistency, -4: ErrConnectionLoss,
	-5: ErrMarshallingError, -6: ErrUnimplemented, -7: ErrOperationTimeout, -8: ErrBadArguments,
	-12: ErrUnknownSession, -13: ErrNewConfigNoQuorum, -14: ErrReconfigInProgress,
	-100: ErrAPIError, -101: ErrNoNode, -102: ErrNoAuth, -103: ErrBadVersion, -108: ErrNoChildrenForEphemerals,
	-110: ErrNodeExists, -111: ErrNotEmpty, -112: ErrSessionExpired, -113: ErrInvalidCallback, -114: ErrInvalidACL,
	-115: ErrAuthFailed, -118: ErrSessionMoved, -119: ErrNotReadOnly, -120: ErrEphemeralOnLocalSession,
	-121: ErrNoWatcher, -122: ErrRequestTimeout, -123: ErrReconfigDisabled, -124: ErrSessionClosedRequireSASL,
	-125: ErrQuotaExceeded, -127: ErrThrottledOp,
}

// Every number that a server may answer is an error that errors.Is knows, and
// the connection serves the next call.
func TestEveryCode(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, s *script) {
		c, p := s.start()
		texts := map[string]Code{}
		for code := Code(-1); code >= -130; code-- {
			if code == ErrSessionClosedRequireSASL {
				continue // ends the Conn
			}
			get, later := asyncGet(c, bg, "/n"), c.Async().Get("/n")
			for range 2 {
				p.reply(p.want(proto.OpGetData).xid, proto.Code(code), nil)
			}
			_, err := later.Wait(bg)
			for _, err := range []error{get.wait(), err} {
				require.ErrorIs(t, err, code)
				e, ok := errors.AsType[*Error](err)
				require.True(t, ok)
				require.False(t, NotSent(err))
				require.LessOrEqual(t, p.zxid-e.Zxid, int64(1))
				for other := range codes {
					require.Equal(t, other == code, errors.Is(err, other), "%d is not %d", code, other)
				}
			}
			name, known := codes[code]
			require.Equal(t, !known, code.Error() == fmt.Sprint("error code ", int(code)))
			require.True(t, !known || name == code)
			require.NotContains(t, texts, code.Error(), "texts tell codes apart")
			texts[code.Error()] = code
		}
		require.Equal(t, Connected, c.State())
		go p.answerAll()
		require.NoError(t, c.Close())
	})
}
