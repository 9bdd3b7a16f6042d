package zk

import (
	"bufio"
	"context"
	"encoding/hex"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/internal/proto"
	"github.com/zookit/zookit/internal/wire"
)

// Each target is a server that sends what it is given to a client that lives,
// in a bubble, where a client that hangs is a deadlock. What must hold is in
// victim.survives.

// FuzzReply is one reply to a call of any operation, with the right xid.
func FuzzReply(f *testing.F) {
	for i := range anyCall {
		f.Add(uint8(i), int32(0), bodyOf(i))
		f.Add(uint8(i), int32(proto.NoNode), []byte{})
	}
	for _, g := range golden(f) {
		for i := range anyCall {
			if g.xid > 0 && len(g.frame) > replyHeaderLen && strings.Contains(anyCall[i].name, strings.TrimPrefix(g.op, "get")) {
				f.Add(uint8(i), int32(0), g.frame[replyHeaderLen:])
			}
		}
	}
	f.Fuzz(func(t *testing.T, op uint8, code int32, body []byte) {
		inBubble(t, 1, func(t *testing.T, s *script) {
			v := s.victim(int(op) % len(anyCall))
			v.survives(replyFrame(v.xids[0], 1, proto.Code(code), body))
		})
	})
}

// FuzzStream is any bytes while a call of every operation is under way.
func FuzzStream(f *testing.F) {
	var all []byte
	for i := range anyCall {
		xid := int32(i + 1)
		if anyCall[i].name == "add auth" {
			xid = proto.XidAuth
		}
		reply := replyFrame(xid, int64(i), proto.OK, bodyOf(i))
		all = append(all, reply...)
		f.Add(all)
	}
	for _, g := range golden(f) {
		b, start := wire.BeginFrame(nil)
		f.Add(wire.EndFrame(append(b, g.frame...), start))
	}
	f.Fuzz(func(t *testing.T, bytes []byte) {
		inBubble(t, 1, func(t *testing.T, s *script) { s.victim(every()...).survives(bytes) })
	})
}

// FuzzGreeting is any bytes as the answer to the handshake.
func FuzzGreeting(f *testing.F) {
	for _, g := range golden(f) {
		if g.op == "connect" {
			b, start := wire.BeginFrame(nil)
			f.Add(wire.EndFrame(append(b, g.frame...), start))
		}
	}
	f.Add(uint32s(1<<30, 0))
	f.Add(uint32s(37, 0, 0, 0, 0, 1<<30))
	f.Fuzz(func(t *testing.T, bytes []byte) {
		inBubble(t, 1, func(t *testing.T, s *script) {
			wait := s.dial("a:2181")
			v := &victim{script: s, p: s.accept("a:2181")}
			v.p.greet()
			before := allocated()
			v.p.conn.Write(bytes)
			v.p.conn.Close()
			go v.serveAll()
			c, err := wait()
			require.NoError(t, err, "the next connection is as good as any")
			ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
			defer cancel()
			require.NoError(t, c.Retry(ctx, func(ctx context.Context) error {
				_, _, err := c.Exists(ctx, "/alive") // fails if the greeting was in order
				return err
			}))
			require.LessOrEqual(t, allocated()-before, 2<<20+200*uint64(len(bytes)))
		})
	})
}

// A goldenFrame is of Apache's own server.
type goldenFrame struct {
	xid   int32
	op    string
	frame []byte
}

func golden(f *testing.F) (frames []goldenFrame) {
	file, err := os.Open("../internal/proto/testdata/golden.txt")
	require.NoError(f, err)
	defer file.Close()
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, 4<<20)
	for lines.Scan() {
		field := strings.Fields(lines.Text())
		if len(field) != 4 || field[0] != "<" {
			continue
		}
		xid, err := strconv.ParseInt(field[1], 10, 32)
		require.NoError(f, err)
		b, err := hex.DecodeString(field[3])
		require.NoError(f, err)
		frames = append(frames, goldenFrame{int32(xid), field[2], b})
	}
	require.NotEmpty(f, frames)
	return frames
}
