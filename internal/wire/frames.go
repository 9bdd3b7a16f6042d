// Package wire moves frames over a net.Conn, for client and fake alike: it
// reads them in place and writes them without a goroutine between.
package wire

import (
	"encoding/binary"
	"fmt"
	"io"
)

const (
	smallBuffer = 4 << 10  // what a connection reads into at first
	keepBuffer  = 64 << 10 // a larger buffer is given up once it is empty
)

// BeginFrame appends the place of a frame's length; EndFrame fills it in.
func BeginFrame(b []byte) (_ []byte, start int) { return append(b, 0, 0, 0, 0), len(b) }

// EndFrame ends the frame that began at start.
func EndFrame(b []byte, start int) []byte {
	binary.BigEndian.PutUint32(b[start:], uint32(len(b)-start-4))
	return b
}

// A LengthError is a frame length that is negative or beyond the limit.
type LengthError struct {
	Length int32
	Max    int
}

func (e *LengthError) Error() string {
	return fmt.Sprintf("frame of %d bytes, but 0 to %d are allowed", e.Length, e.Max)
}

// A FrameReader reads frames. Its buffer grows as bytes arrive, so that a
// length prefix alone never makes it allocate.
type FrameReader struct {
	r          io.Reader
	max        int
	buf        []byte
	start, end int // of what has been read and not been returned
}

// NewFrameReader reads frames of up to max bytes from r.
func NewFrameReader(r io.Reader, max int) *FrameReader { return &FrameReader{r: r, max: max} }

// Length is the length prefix of the next frame, not judged; it waits for it.
func (f *FrameReader) Length() (int32, error) {
	if err := f.fill(4); err != nil {
		return 0, err
	}
	return int32(binary.BigEndian.Uint32(f.buf[f.start:])), nil
}

// Peek waits for n bytes, the length prefix included, and does not consume them.
func (f *FrameReader) Peek(n int) ([]byte, error) {
	if err := f.fill(n); err != nil {
		return nil, err
	}
	return f.buf[f.start : f.start+n], nil
}

// Next returns the payload of the next frame, which is valid until the next
// call. A length out of range is a *LengthError; an end within a frame is
// io.ErrUnexpectedEOF.
func (f *FrameReader) Next() ([]byte, error) {
	n, err := f.Length()
	if err != nil {
		return nil, err
	}
	if n < 0 || int(n) > f.max {
		return nil, &LengthError{Length: n, Max: f.max}
	}
	if err := f.fill(4 + int(n)); err != nil {
		return nil, err
	}
	frame := f.buf[f.start+4 : f.start+4+int(n)]
	f.start += 4 + int(n)
	return frame, nil
}

// Buffered tells whether Next would return without reading.
func (f *FrameReader) Buffered() bool {
	if f.end-f.start < 4 {
		return false
	}
	n := int32(binary.BigEndian.Uint32(f.buf[f.start:]))
	return n < 0 || int(n) > f.max || f.end-f.start >= 4+int(n)
}

// Trim gives up a large buffer if nothing is in it, and with it the frame that
// Next returned; for who does not know when there will be a next. Next does so
// by itself.
func (f *FrameReader) Trim() {
	if f.start == f.end {
		f.start, f.end = 0, 0
		if len(f.buf) > keepBuffer {
			f.buf = nil
		}
	}
}

// fill reads until n bytes are there. An end before the first of them is
// io.EOF, a later one io.ErrUnexpectedEOF.
func (f *FrameReader) fill(n int) error {
	for f.end-f.start < n {
		f.makeRoom(n)
		got, err := f.r.Read(f.buf[f.end:])
		f.end += got
		if err != nil && f.end-f.start < n {
			if err == io.EOF && f.end > f.start {
				err = io.ErrUnexpectedEOF
			}
			return err
		}
	}
	return nil
}

// makeRoom makes sure that there is space to read into, on the way to n bytes.
func (f *FrameReader) makeRoom(n int) {
	f.Trim()
	if f.start+n <= len(f.buf) {
		return
	}
	if f.start > 0 {
		f.end = copy(f.buf, f.buf[f.start:f.end])
		f.start = 0
	}
	if f.end == len(f.buf) {
		grown := make([]byte, max(smallBuffer, min(2*len(f.buf), n)))
		copy(grown, f.buf[:f.end])
		f.buf = grown
	}
}
