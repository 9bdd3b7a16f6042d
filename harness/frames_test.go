package harness

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/zookit/zookit/internal/wire"
)

func framed(payload []byte) []byte {
	b, start := wire.BeginFrame(nil)
	return wire.EndFrame(append(b, payload...), start)
}

// However a stream is cut into pieces, its frames are seen: whole those that
// matter, and of the others the head.
func TestSplitter(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var stream []byte
		var want [][]byte
		for i, n := range rapid.SliceOfN(rapid.IntRange(0, 100), 0, 8).Draw(t, "sizes") {
			payload := bytes.Repeat([]byte{byte(i)}, n)
			stream = append(stream, framed(payload)...)
			if i%2 == 1 {
				payload = payload[:min(n, headLen)]
			}
			want = append(want, payload)
		}
		var got [][]byte
		s := splitter{
			matters: func(head []byte) bool { return head[0]%2 == 0 },
			frame:   func(b []byte) { got = append(got, bytes.Clone(b)) },
		}
		for len(stream) > 0 {
			n := rapid.IntRange(1, len(stream)).Draw(t, "piece")
			s.feed(stream[:n])
			stream = stream[n:]
		}
		require.Len(t, got, len(want))
		for i := range want {
			require.True(t, bytes.Equal(want[i], got[i]), "frame %d: %v, want %v", i, got[i], want[i])
		}
	})
}

// What is no stream of frames is not looked at, nor kept.
func TestSplitterIsBlindToWords(t *testing.T) {
	s := splitter{
		matters: func([]byte) bool { t.Error("asked"); return true },
		frame:   func([]byte) { t.Error("a frame") },
	}
	s.feed([]byte("ru"))
	s.feed([]byte("ok and whatever follows"))
	require.True(t, s.blinded)
	require.Nil(t, s.kept)
}

// A frame that matters takes memory as it comes, not as it claims.
func TestSplitterClaimTakesNoMemory(t *testing.T) {
	s := splitter{matters: func([]byte) bool { return true }, frame: func([]byte) {}}
	s.feed([]byte{3, 0, 0, 0}) // 48 MiB
	s.feed(make([]byte, 1000))
	require.Less(t, cap(s.kept), 10_000)
}

// A tap sees junk of any kind without harm.
func FuzzTap(f *testing.F) {
	f.Add(framed(make([]byte, 44)), framed(make([]byte, 36)))
	f.Fuzz(func(t *testing.T, in, out []byte) {
		tap := &tap{sessions: newSessions(), pending: map[int32]request{}, watches: map[watchKey]bool{}}
		tap.in = splitter{matters: tap.requestMatters, frame: tap.request}
		tap.out = splitter{matters: tap.replyMatters, frame: tap.reply}
		for len(in) > 0 || len(out) > 0 {
			n := min(len(in), 30)
			tap.FromClient(in[:n])
			in = in[n:]
			n = min(len(out), 30)
			tap.FromServer(out[:n])
			out = out[n:]
		}
	})
}
