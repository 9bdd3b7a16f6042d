package wire

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

const noLimit = 1<<31 - 1

func frame(payload []byte) []byte {
	b, start := BeginFrame(nil)
	return EndFrame(append(b, payload...), start)
}

// chunks is a reader that gives one chunk a call, and counts the calls.
type chunks struct {
	left  [][]byte
	reads int
}

func (c *chunks) Read(b []byte) (int, error) {
	c.reads++
	if len(c.left) == 0 {
		return 0, io.EOF
	}
	n := copy(b, c.left[0])
	if c.left[0] = c.left[0][n:]; len(c.left[0]) == 0 {
		c.left = c.left[1:]
	}
	return n, nil
}

func TestFrame(t *testing.T) {
	b, start := BeginFrame([]byte("before"))
	b = EndFrame(append(b, "payload"...), start)
	require.Equal(t, "before\x00\x00\x00\x07payload", string(b), "a frame is appended, behind the length of its payload")
}

// However the stream is cut, the frames come out; and Buffered is true exactly
// when Next does not read.
func TestFrameReader(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		size := rapid.OneOf(rapid.IntRange(0, 20), rapid.IntRange(0, 3*smallBuffer))
		sizes := rapid.SliceOfN(size, 0, 8).Draw(t, "sizes")
		var stream []byte
		var payloads [][]byte
		for i, n := range sizes {
			payloads = append(payloads, bytes.Repeat([]byte{byte(i + 1)}, n))
			stream = append(stream, frame(payloads[i])...)
		}
		src := &chunks{}
		cut := rapid.OneOf(rapid.IntRange(1, 8), rapid.IntRange(1, 2*smallBuffer))
		for rest := stream; len(rest) > 0; {
			n := min(len(rest), cut.Draw(t, "cut"))
			src.left, rest = append(src.left, rest[:n]), rest[n:]
		}
		f := NewFrameReader(src, noLimit)
		for i, want := range payloads {
			buffered, reads := f.Buffered(), src.reads
			got, err := f.Next()
			require.NoError(t, err, "frame %d", i)
			require.True(t, bytes.Equal(want, got), "frame %d of %d bytes arrives as it was sent", i, len(want))
			require.Equal(t, src.reads == reads, buffered, "Buffered is true exactly when Next does not read (frame %d)", i)
		}
		require.False(t, f.Buffered())
		_, err := f.Next()
		require.Equal(t, io.EOF, err, "an end between frames is io.EOF")
	})
}

func TestFrameReaderSplitAtEachByte(t *testing.T) {
	stream := append(frame([]byte("first")), frame([]byte("second"))...)
	for i := range stream {
		for name, r := range map[string]io.Reader{
			"two reads":         &chunks{left: [][]byte{stream[:i], stream[i:]}},
			"a byte a read":     iotest.OneByteReader(bytes.NewReader(stream)),
			"the end with data": iotest.DataErrReader(bytes.NewReader(stream)),
		} {
			f := NewFrameReader(r, noLimit)
			for _, want := range []string{"first", "second"} {
				got, err := f.Next()
				require.NoError(t, err, "%s, %d", name, i)
				require.Equal(t, want, string(got), "%s, %d", name, i)
			}
			_, err := f.Next()
			require.Equal(t, io.EOF, err, "%s, %d", name, i)
		}
	}
}

func TestFramesInOneRead(t *testing.T) {
	src := &chunks{left: [][]byte{bytes.Repeat(frame([]byte("payload")), 100)}}
	f := NewFrameReader(src, noLimit)
	for range 100 {
		got, err := f.Next()
		require.NoError(t, err)
		require.Equal(t, "payload", string(got))
	}
	require.Equal(t, 1, src.reads, "frames that come together are read together")
	require.False(t, f.Buffered())
}

func TestFrameLimit(t *testing.T) {
	f := NewFrameReader(bytes.NewReader(frame(make([]byte, 10))), 10)
	got, err := f.Next()
	require.NoError(t, err, "the limit itself is allowed")
	require.Len(t, got, 10)
	for _, n := range []int32{11, -1, -1 << 31, 1<<31 - 1} {
		f := NewFrameReader(bytes.NewReader(binary.BigEndian.AppendUint32(nil, uint32(n))), 10)
		for range 2 {
			_, err := f.Next()
			require.Equal(t, &LengthError{Length: n, Max: 10}, err, "a length out of range is an error, and stays one")
			require.True(t, f.Buffered(), "Next would not wait")
		}
		got, err := f.Length()
		require.NoError(t, err)
		require.Equal(t, n, got, "Length does not judge")
	}
	require.EqualError(t, &LengthError{Length: -1, Max: 10}, "frame of -1 bytes, but 0 to 10 are allowed")
}

func TestFrameEOF(t *testing.T) {
	whole := frame(make([]byte, 2*smallBuffer))
	for n := 1; n < len(whole); n += 1 + n/50 {
		_, err := NewFrameReader(bytes.NewReader(whole[:n]), noLimit).Next()
		require.Equal(t, io.ErrUnexpectedEOF, err, "an end within a frame, at byte %d", n)
	}
	broken := errors.New("broken")
	_, err := NewFrameReader(iotest.ErrReader(broken), noLimit).Next()
	require.Equal(t, broken, err, "other errors are passed on")
	f := NewFrameReader(io.MultiReader(bytes.NewReader(whole[:9]), iotest.ErrReader(broken)), noLimit)
	_, err = f.Next()
	require.Equal(t, broken, err, "other errors are passed on")
}

// A four-letter word stands where a length is expected.
func TestFramePeek(t *testing.T) {
	f := NewFrameReader(iotest.OneByteReader(bytes.NewReader([]byte("ruok\n"))), 10)
	b, err := f.Peek(4)
	require.NoError(t, err)
	require.Equal(t, "ruok", string(b))
	n, err := f.Length()
	require.NoError(t, err)
	require.EqualValues(t, 0x72756f6b, n, "Peek consumes nothing")
	b, err = f.Peek(5)
	require.NoError(t, err)
	require.Equal(t, "ruok\n", string(b))
	_, err = f.Peek(6)
	require.Equal(t, io.ErrUnexpectedEOF, err)
}

// Memory follows the bytes that arrive, not the length that is claimed.
func TestFrameClaimAllocatesLittle(t *testing.T) {
	claim := binary.BigEndian.AppendUint32(nil, 1<<30)
	f := NewFrameReader(bytes.NewReader(claim), noLimit)
	_, err := f.Next()
	require.Equal(t, io.ErrUnexpectedEOF, err)
	require.LessOrEqual(t, cap(f.buf), 8<<10, "a length alone makes nobody allocate")

	f = NewFrameReader(bytes.NewReader(append(claim, make([]byte, 100_000)...)), noLimit)
	_, err = f.Next()
	require.Equal(t, io.ErrUnexpectedEOF, err)
	require.LessOrEqual(t, cap(f.buf), 2*100_004+smallBuffer, "at most twice of what has arrived")
}

func TestFrameBufferIsGivenUp(t *testing.T) {
	src := &chunks{left: [][]byte{frame(make([]byte, 1<<20)), frame([]byte("small"))}}
	f := NewFrameReader(src, noLimit)
	got, err := f.Next()
	require.NoError(t, err)
	require.Len(t, got, 1<<20)
	got, err = f.Next()
	require.NoError(t, err)
	require.Equal(t, "small", string(got))
	require.LessOrEqual(t, cap(f.buf), keepBuffer, "the buffer of a huge frame is given up")
}

func TestTrimGivesUpALargeBuffer(t *testing.T) {
	frame := func(n int) []byte {
		b, start := BeginFrame(nil)
		return EndFrame(append(b, make([]byte, n)...), start)
	}
	f := NewFrameReader(bytes.NewReader(append(append(frame(1<<20), frame(10)...), frame(1<<20)...)), 1<<21)
	_, err := f.Next()
	require.NoError(t, err)
	_, err = f.Peek(14)
	require.NoError(t, err)
	f.Trim()
	got, err := f.Next()
	require.NoError(t, err)
	require.Len(t, got, 10, "what is there is kept")
	_, err = f.Next()
	require.NoError(t, err)
	f.Trim()
	require.Nil(t, f.buf)
}
