//go:build !race

package jute

import (
	"testing"

	"github.com/stretchr/testify/require"
)

var sink string // so that nothing is optimised away

func TestDecodeAllocatesNothing(t *testing.T) {
	frame := AppendBuffer(AppendString(AppendLong(AppendInt(nil, 1), 2), "/a/caf\u00e9"), make([]byte, 100))
	require.Zero(t, testing.AllocsPerRun(100, func() {
		r := NewReader(frame, "Test")
		r.Int()
		r.Long()
		sink = r.Text()
		if b := r.Buffer(); len(b) != 100 || r.Err() != nil {
			t.Fatal(r.Err())
		}
	}), "strings and buffers are read in place")
}

func TestEncodeAllocatesNothing(t *testing.T) {
	b := make([]byte, 0, 1<<10)
	names, data := []string{"a", "b"}, []byte("data")
	require.Zero(t, testing.AllocsPerRun(100, func() {
		b = AppendJavaString(AppendStrings(AppendBuffer(b[:0], data), names), "\U0001f600", false)
	}), "encoding appends to the caller's slice")
}

// A count is believed only as far as there are bytes: what a frame makes its
// reader allocate is the error, however large the count.
func TestHugeCountAllocatesNothing(t *testing.T) {
	allocs := func(count int32) float64 {
		frame := append(AppendInt(nil, count), make([]byte, 11)...)
		return testing.AllocsPerRun(100, func() {
			r := NewReader(frame, "Test")
			if v := r.Strings(); v != nil || r.Err() == nil {
				t.Fatal(v)
			}
		})
	}
	require.LessOrEqual(t, allocs(1<<31-1), 4.0, "no more than the error and its text")
	require.Equal(t, allocs(1<<16), allocs(1<<31-1), "a larger count costs no more")
}
