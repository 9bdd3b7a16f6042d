//go:build !race

package zk

import (
	"net"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/internal/jute"
	"github.com/zookit/zookit/internal/proto"
	"github.com/zookit/zookit/internal/wire"
)

// inUse is what the process has on its heap and in stacks.
func inUse() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc + m.StackInuse)
}

// A hugeServer answers every get with many bytes, and keeps nothing.
func hugeServer(t *testing.T, size int) (addr string) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { l.Close() })
	piece := make([]byte, 64<<10)
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				var in [1 << 10]byte
				conn.Read(in[:])
				b, start := wire.BeginFrame(in[:0])
				conn.Write(wire.EndFrame(proto.ConnectResponse{Timeout: 60000, SessionID: 1, Password: piece[:16]}.AppendTo(b), start))
				for {
					n, err := conn.Read(in[:])
					if err != nil {
						return
					}
					var h proto.RequestHeader
					r := jute.NewReader(in[4:n], "")
					h.Decode(&r)
					out := proto.ReplyHeader{Xid: h.Xid}.AppendTo(in[:4])
					body := 0
					switch h.Op {
					case proto.OpGetData:
						out, body = jute.AppendInt(out, int32(size)), size+proto.StatLen
					case proto.OpExists:
						body = proto.StatLen
					}
					copy(out, jute.AppendInt(nil, int32(len(out)-4+body)))
					conn.Write(out)
					for ; body > 0; body -= len(piece) {
						conn.Write(piece[:min(body, len(piece))])
					}
				}
			}()
		}
	}()
	return l.Addr().String()
}

// go-zookeeper/zk has 3 MiB for each connection.
func TestIdleConnectionIsSmall(t *testing.T) {
	const n = 50
	addr := hugeServer(t, 0)
	before := inUse()
	for range n {
		c, err := Dial(t.Context(), addr)
		require.NoError(t, err)
		defer c.Close()
	}
	each := (inUse() - before) / n
	t.Logf("%d bytes for both ends of a connection", each)
	require.Less(t, each, int64(64<<10))
}

// Whoever has read it, a reply of 16 MiB leaves nothing behind.
func TestBigReplyIsNotKept(t *testing.T) {
	const size = 16<<20 - 1024
	for _, calm := range []bool{false, true} {
		c, err := Dial(t.Context(), hugeServer(t, size))
		require.NoError(t, err)
		defer c.Close()
		if calm {
			for range 10 * calmReplies {
				_, _, err := c.Exists(t.Context(), "/")
				require.NoError(t, err)
			}
		}
		before := inUse()
		data, _, err := c.Get(t.Context(), "/")
		require.NoError(t, err)
		require.Len(t, data, size) // and needed no more
		data = nil
		require.Eventually(t, func() bool { return inUse() < before+1<<20 }, 10*time.Second, 10*time.Millisecond)
	}
}
