package jute

import (
	"encoding/binary"
	"fmt"
	"strings"
	"unicode/utf8"
	"unsafe"
)

// A DecodeError tells which record was malformed, and where.
type DecodeError struct {
	Record string // name of the record, such as "CreateRequest"
	Offset int    // bytes from the start of the frame
	Reason string
}

func (e *DecodeError) Error() string {
	return fmt.Sprintf("malformed %s at byte %d: %s", e.Record, e.Offset, e.Reason)
}

// A Reader decodes one frame. The first failure sticks: what is read after it
// is zero, and Err tells it.
//
// Strings and buffers that it returns alias the frame. They are valid as long
// as the frame is; whoever keeps one clones it.
type Reader struct {
	buf    []byte
	off    int
	record string
	err    *DecodeError
}

// NewReader reads frame, which begins with the named record.
func NewReader(frame []byte, record string) Reader { return Reader{buf: frame, record: record} }

// Reset makes r read another frame.
func (r *Reader) Reset(frame []byte, record string) { *r = NewReader(frame, record) }

// Begin names the record whose fields follow, for errors.
func (r *Reader) Begin(record string) { r.record = record }

// Err is the first failure, a *DecodeError, or nil.
func (r *Reader) Err() error {
	if r.err == nil {
		return nil
	}
	return r.err
}

// Offset is the number of bytes read so far.
func (r *Reader) Offset() int { return r.off }

// Rest is what has not been read.
func (r *Reader) Rest() []byte { return r.buf[r.off:] }

// Fail makes the reader fail for the given reason.
func (r *Reader) Fail(reason string) {
	if r.err == nil {
		r.err = &DecodeError{Record: r.record, Offset: r.off, Reason: reason}
		r.off = len(r.buf)
	}
}

func (r *Reader) take(n int) []byte {
	if r.err != nil {
		return nil
	}
	if n > len(r.buf)-r.off {
		r.Fail(fmt.Sprintf("needs %d bytes, %d are left", n, len(r.buf)-r.off))
		return nil
	}
	b := r.buf[r.off : r.off+n : r.off+n]
	r.off += n
	return b
}

// Int reads an int32.
func (r *Reader) Int() int32 {
	if b := r.take(4); b != nil {
		return int32(binary.BigEndian.Uint32(b))
	}
	return 0
}

// Long reads an int64.
func (r *Reader) Long() int64 {
	if b := r.take(8); b != nil {
		return int64(binary.BigEndian.Uint64(b))
	}
	return 0
}

// Bool reads one byte; anything but 0 is true.
func (r *Reader) Bool() bool {
	b := r.take(1)
	return b != nil && b[0] != 0
}

// Buffer reads a buffer; null is nil, empty is not. It aliases the frame.
func (r *Reader) Buffer() []byte {
	n := r.Int()
	if n == -1 || r.err != nil {
		return nil
	}
	if n < 0 {
		r.Fail(fmt.Sprintf("length %d", n))
		return nil
	}
	return r.take(int(n))
}

// String reads a string. Malformed UTF-8 is replaced as Java does it, by one
// U+FFFD for each maximal malformed part. The string aliases the frame.
func (r *Reader) String() (s string, null bool) {
	b := r.Buffer()
	if b == nil {
		return "", r.err == nil
	}
	if len(b) == 0 {
		return "", false
	}
	s = unsafe.String(&b[0], len(b))
	if !utf8.ValidString(s) {
		s = replaceMalformed(b)
	}
	return s, false
}

// Text reads a string of which null and empty mean the same.
func (r *Reader) Text() string {
	s, _ := r.String()
	return s
}

// Count reads the length of a vector whose items take at least size bytes
// each, so that no frame makes its reader allocate more than it holds. A
// negative count is an empty vector, and -1 is null.
func (r *Reader) Count(size int) (n int, null bool) {
	c := r.Int()
	switch {
	case r.err != nil:
		return 0, false
	case c < 0:
		return 0, c == -1
	case int(c) > (len(r.buf)-r.off)/size:
		r.Fail(fmt.Sprintf("vector of %d items, but %d bytes are left", c, len(r.buf)-r.off))
		return 0, false
	}
	return int(c), false
}

// NullItem stands for a null in a vector of strings: no name and no path has a
// NUL in it.
const NullItem = "\x00"

// Strings reads a vector of strings, nil when it is null.
func (r *Reader) Strings() []string {
	n, null := r.Count(4)
	if null || r.err != nil {
		return nil
	}
	v := make([]string, 0, n)
	for range n {
		s, null := r.String()
		if null {
			s = NullItem
		}
		v = append(v, s)
	}
	if r.err != nil {
		return nil
	}
	return v
}

func replaceMalformed(b []byte) string {
	var out strings.Builder
	for len(b) > 0 {
		if c, n := utf8.DecodeRune(b); c != utf8.RuneError || n > 1 {
			out.Write(b[:n])
			b = b[n:]
			continue
		}
		out.WriteRune(utf8.RuneError)
		b = b[malformedLen(b):]
	}
	return out.String()
}

// malformedLen is the length of the longest prefix of b that begins a valid
// sequence, at least 1. Java takes the three bytes of a surrogate for one.
func malformedLen(b []byte) int {
	lo, hi, need := byte(0x80), byte(0xbf), 0
	switch c := b[0]; {
	case c >= 0xc2 && c <= 0xdf:
		need = 1
	case c >= 0xe0 && c <= 0xef:
		need = 2
		if c == 0xe0 {
			lo = 0xa0
		}
	case c >= 0xf0 && c <= 0xf4:
		need = 3
		if c == 0xf0 {
			lo = 0x90
		} else if c == 0xf4 {
			hi = 0x8f
		}
	}
	n := 1
	for n <= need && n < len(b) && b[n] >= lo && b[n] <= hi {
		n, lo, hi = n+1, 0x80, 0xbf
	}
	return n
}
