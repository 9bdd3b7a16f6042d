package zk

import (
	"crypto/tls"
	"io"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/internal/proto"
	"github.com/zookit/zookit/internal/testca"
	"github.com/zookit/zookit/internal/wire"
)

// A peer that reads no more holds up no caller, and Close no longer than any:
// not for the 5 s in which tls.Conn tries to say goodbye.
func TestTLSPeerThatDoesNotRead(t *testing.T) {
	for name, requests := range map[string]int{"nothing is being written": 0, "a write waits": 4} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, 1, func(t *testing.T, s *script) {
				ca := testca.New(t)
				wait := s.dial("a", TLS(&tls.Config{RootCAs: ca.Pool()}))
				p := s.accept("a:2181")
				secure := tls.Server(p.conn, &tls.Config{Certificates: []tls.Certificate{ca.Issue("a", "a")}})
				in := wire.NewFrameReader(secure, 1<<20)
				_, err := in.Next()
				require.NoError(t, err)
				b, start := wire.BeginFrame(nil)
				b = proto.ConnectResponse{Timeout: 9000, SessionID: 1, Password: make([]byte, 16)}.AppendTo(b)
				_, err = secure.Write(wire.EndFrame(b, start))
				require.NoError(t, err)
				c, err := wait()
				require.NoError(t, err)

				var sets []*result
				for range requests {
					sets = append(sets, async(func() error {
						_, err := c.Set(bg, "/large", make([]byte, 900_000), AnyVersion)
						return err
					}))
				}
				synctest.Wait()
				began := time.Now()
				require.ErrorIs(t, c.Close(), ErrConnectionLoss)
				require.LessOrEqual(t, time.Since(began), farewell)
				for _, set := range sets {
					require.ErrorIs(t, set.wait(), ErrClosed)
				}
				_, err = io.Copy(io.Discard, p.conn)
				require.NoError(t, err)
			})
		})
	}
}
