package jute

import (
	"bytes"
	"fmt"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// text generates what both encoders write alike: no character beyond U+FFFF.
func text() *rapid.Generator[string] {
	return rapid.StringOf(rapid.Rune().Filter(func(r rune) bool { return utf8.ValidRune(r) && r < 0x10000 }))
}

// field is one call of an Append function with the call that reads it back.
type field struct {
	name   string
	append func([]byte) []byte
	check  func(rapid.TB, *Reader)
}

func fields() *rapid.Generator[field] {
	return rapid.Custom(func(t *rapid.T) field {
		switch rapid.IntRange(0, 7).Draw(t, "kind") {
		case 0:
			v := rapid.Int32().Draw(t, "int")
			return field{"int", func(b []byte) []byte { return AppendInt(b, v) },
				func(t rapid.TB, r *Reader) { require.Equal(t, v, r.Int()) }}
		case 1:
			v := rapid.Int64().Draw(t, "long")
			return field{"long", func(b []byte) []byte { return AppendLong(b, v) },
				func(t rapid.TB, r *Reader) { require.Equal(t, v, r.Long()) }}
		case 2:
			v := rapid.Bool().Draw(t, "bool")
			return field{"bool", func(b []byte) []byte { return AppendBool(b, v) },
				func(t rapid.TB, r *Reader) { require.Equal(t, v, r.Bool()) }}
		case 3:
			v := text().Draw(t, "string")
			return field{"string", func(b []byte) []byte { return AppendString(b, v) },
				func(t rapid.TB, r *Reader) { requireString(t, v, false, r) }}
		case 4:
			v, null := text().Draw(t, "nullable"), rapid.Bool().Draw(t, "null")
			return field{"nullable", func(b []byte) []byte { return AppendNullable(b, v, null) },
				func(t rapid.TB, r *Reader) { requireString(t, v, null, r) }}
		case 5:
			v, null := text().Draw(t, "javaString"), rapid.Bool().Draw(t, "null")
			return field{"java string", func(b []byte) []byte { return AppendJavaString(b, v, null) },
				func(t rapid.TB, r *Reader) { requireString(t, v, null, r) }}
		case 6:
			v := orNil(t, rapid.SliceOf(rapid.Byte()).Draw(t, "buffer"))
			return field{"buffer", func(b []byte) []byte { return AppendBuffer(b, v) },
				func(t rapid.TB, r *Reader) { require.Equal(t, v, r.Buffer()) }}
		default:
			v := orNil(t, rapid.SliceOf(text()).Draw(t, "strings"))
			return field{"strings", func(b []byte) []byte { return AppendStrings(b, v) },
				func(t rapid.TB, r *Reader) { require.Equal(t, v, r.Strings()) }}
		}
	})
}

func orNil[T any](t *rapid.T, v []T) []T {
	if rapid.Bool().Draw(t, "null") {
		return nil
	}
	return append([]T{}, v...) // never nil
}

func requireString(t rapid.TB, want string, wantNull bool, r *Reader) {
	if wantNull {
		want = ""
	}
	got, null := r.String()
	require.Equal(t, want, got)
	require.Equal(t, wantNull, null, "null is not the same as empty")
}

// What is appended, in any order and number, is read back; what is behind it
// stays, and what was before it is left alone.
func TestRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		all := rapid.SliceOfN(fields(), 1, 8).Draw(t, "fields")
		before := []byte("before")
		b := bytes.Clone(before)
		for _, f := range all {
			b = f.append(b)
		}
		require.Equal(t, before, b[:len(before)], "Append functions append")
		b = append(b, "behind"...)
		r := NewReader(b[len(before):], "Test")
		for _, f := range all {
			f.check(t, &r)
			require.NoError(t, r.Err(), f.name)
		}
		require.Equal(t, "behind", string(r.Rest()), "a reader takes no more than was appended")
		require.Equal(t, len(b)-len(before)-len("behind"), r.Offset())
	})
}

// Every proper prefix fails, at an offset within it, and says in which record.
func TestTruncationFails(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := fields().Draw(t, "field")
		b := f.append(nil)
		n := rapid.IntRange(0, len(b)-1).Draw(t, "length")
		r := NewReader(b[:n:n], "Cut")
		switch f.name {
		case "int":
			r.Int()
		case "long":
			r.Long()
		case "bool":
			r.Bool()
		case "buffer":
			require.Nil(t, r.Buffer())
		case "strings":
			require.Nil(t, r.Strings())
		default:
			s, null := r.String()
			require.Equal(t, "", s)
			require.False(t, null, "what failed is not null")
		}
		var e *DecodeError
		require.ErrorAs(t, r.Err(), &e, "%s cut to %d of %d bytes", f.name, n, len(b))
		require.Equal(t, "Cut", e.Record)
		require.LessOrEqual(t, e.Offset, n)
	})
}

func TestEncodings(t *testing.T) {
	for _, tc := range []struct {
		name string
		got  []byte
		want string
	}{
		{"int", AppendInt(nil, -2), "\xff\xff\xff\xfe"},
		{"long", AppendLong(nil, 1<<32+2), "\x00\x00\x00\x01\x00\x00\x00\x02"},
		{"true", AppendBool(nil, true), "\x01"},
		{"false", AppendBool(nil, false), "\x00"},
		{"string", AppendString(nil, "/a"), "\x00\x00\x00\x02/a"},
		{"empty string", AppendString(nil, ""), "\x00\x00\x00\x00"},
		{"null string", AppendNullable(nil, "ignored", true), "\xff\xff\xff\xff"},
		{"null java string", AppendJavaString(nil, "\U0001f600", true), "\xff\xff\xff\xff"},
		{"empty buffer", AppendBuffer(nil, []byte{}), "\x00\x00\x00\x00"},
		{"null buffer", AppendBuffer(nil, nil), "\xff\xff\xff\xff"},
		{"empty vector", AppendStrings(nil, []string{}), "\x00\x00\x00\x00"},
		{"null vector", AppendStrings(nil, nil), "\xff\xff\xff\xff"},
		{"vector", AppendStrings(nil, []string{"", "b"}), "\x00\x00\x00\x02\x00\x00\x00\x00\x00\x00\x00\x01b"},
	} {
		require.Equal(t, []byte(tc.want), tc.got, tc.name)
	}
}

// Java writes UTF-16 units: a supplementary character is two surrogates of
// three bytes each. All else is UTF-8.
func TestJavaString(t *testing.T) {
	for in, want := range map[string]string{
		"":                  "",
		"/a":                "/a",
		"\u00e9\uffef":      "\xc3\xa9\xef\xbf\xaf",
		"\U0001f600":        "\xed\xa0\xbd\xed\xb8\x80",
		"a\U0001f600\u4e2d": "a\xed\xa0\xbd\xed\xb8\x80\xe4\xb8\xad",
		"\U00010000":        "\xed\xa0\x80\xed\xb0\x80",
		"\U0010ffff":        "\xed\xaf\xbf\xed\xbf\xbf",
	} {
		require.Equal(t, AppendString(nil, want), AppendJavaString(nil, in, false),
			"%+q leaves as CESU-8, behind the length of what leaves", in)
	}
}

// The right-hand sides are what `new String(bytes, UTF_8)` gave on Java 17 and
// 25, by way of ZooKeeper's BinaryInputArchive (3.8.0 and 3.9.5).
func TestMalformedUTF8(t *testing.T) {
	const x = "\ufffd"
	for in, want := range map[string]string{
		"\xff\xfe\xc3(":            x + x + x + "(",
		"\xf0\x9f\x98a":            x + "a", // a whole beginning is one
		"\xc0\x80":                 x + x,   // overlong NUL
		"\xc2":                     x,
		"\xe4\xb8":                 x,
		"a\xe4\xb8b":               "a" + x + "b",
		"\xe0\x80\x80":             x + x + x, // overlong
		"\xf0\x80\x80\x80":         x + x + x + x,
		"\xf4\x90\x80\x80":         x + x + x + x, // beyond U+10FFFF
		"\xf5\x80":                 x + x,
		"\x80\xbf":                 x + x,
		"\xed\xa0\x80":             x, // a surrogate is one, unlike in Go and in Python
		"\xed\xbf":                 x,
		"\xed\xa0a":                x + "a",
		"\xed\xa0\xbd\xed\xb8\x80": x + x, // U+1F600 in CESU-8
		"\xed\x9f\xbf":             "\ud7ff",
		"\xef\xbf\xbd":             x,
		"\xf0\x9f\x98\x80":         "\U0001f600",
		"\xe4\xb8\xad\xff":         "\u4e2d" + x,
	} {
		r := NewReader(AppendString(nil, in), "Test")
		got, null := r.String()
		require.NoError(t, r.Err(), "malformed UTF-8 never fails")
		require.False(t, null)
		require.Equal(t, want, got, "% x is replaced as Java replaces it", in)
	}
}

// Valid parts survive, and what comes out is valid.
func TestMalformedUTF8Property(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		valid := rapid.StringOf(rapid.Rune().Filter(utf8.ValidRune)).Draw(t, "valid")
		junk := rapid.SliceOfN(rapid.ByteRange(0x80, 0xff), 1, 6).Draw(t, "junk")
		r := NewReader(AppendString(nil, valid+"|"+string(junk)+"|"+valid), "Test")
		got := r.Text()
		require.True(t, utf8.ValidString(got), "%+q", got)
		require.True(t, len(got) >= 2*len(valid)+2 && got[:len(valid)+1] == valid+"|" &&
			got[len(got)-len(valid)-1:] == "|"+valid, "only malformed bytes are replaced: %+q", got)
	})
}

func TestNegativeLengths(t *testing.T) {
	read := func(n int32) Reader { return NewReader(AppendInt(nil, n), "Test") }

	r := read(-1)
	require.Nil(t, r.Buffer(), "-1 is null")
	require.NoError(t, r.Err())
	r = read(0)
	require.Equal(t, []byte{}, r.Buffer(), "0 is empty, not null")
	r = read(-1)
	require.Nil(t, r.Strings(), "-1 is null")
	require.NoError(t, r.Err())
	for _, n := range []int32{0, -2, -1 << 31} {
		r = read(n)
		require.Equal(t, []string{}, r.Strings(), "a count of %d is an empty vector", n)
		require.NoError(t, r.Err())
	}
	for _, n := range []int32{-2, -1 << 31} {
		r = read(n)
		require.Nil(t, r.Buffer())
		require.Equal(t, &DecodeError{"Test", 4, fmt.Sprintf("length %d", n)}, r.Err(),
			"only -1 may be the length of a buffer")
		r = read(n)
		_, null := r.String()
		require.False(t, null)
		require.Error(t, r.Err(), "only -1 may be the length of a string")
	}
}

func TestBoolReadsAnyByte(t *testing.T) {
	r := NewReader([]byte{7, 0}, "Test")
	require.True(t, r.Bool(), "anything but 0 is true")
	require.False(t, r.Bool())
}

// The first failure stays, with the record and the place where it happened,
// and what is read after it is zero.
func TestErrorSticks(t *testing.T) {
	r := NewReader(AppendInt(AppendInt(nil, 7), 5), "Outer")
	r.Int()
	r.Begin("Inner")
	require.Nil(t, r.Buffer())
	first := r.Err()
	require.Equal(t, &DecodeError{"Inner", 8, "needs 5 bytes, 0 are left"}, first)
	require.EqualError(t, first, "malformed Inner at byte 8: needs 5 bytes, 0 are left")

	r.Begin("Later")
	r.Fail("something else")
	n, null := r.Count(4)
	s, nullString := r.String()
	require.Zero(t, r.Int())
	require.Zero(t, r.Long())
	require.False(t, r.Bool())
	require.Nil(t, r.Buffer())
	require.Nil(t, r.Strings())
	require.Empty(t, r.Rest())
	require.Zero(t, n)
	require.False(t, null)
	require.Zero(t, s)
	require.False(t, nullString)
	require.Same(t, first, r.Err(), "the first failure sticks")

	r.Reset(AppendInt(nil, 9), "Again")
	require.EqualValues(t, 9, r.Int(), "Reset forgets the failure")
	require.NoError(t, r.Err())
	r.Fail("reason")
	require.Equal(t, &DecodeError{"Again", 4, "reason"}, r.Err())
}

// A vector cannot hold more items than the bytes behind its count.
func TestCountBeyondData(t *testing.T) {
	for _, n := range []int32{3, 1 << 20, 1<<31 - 1} {
		r := NewReader(append(AppendInt(nil, n), make([]byte, 11)...), "Test")
		got, null := r.Count(4)
		require.Zero(t, got)
		require.False(t, null)
		require.ErrorContains(t, r.Err(), "malformed Test at byte 4: vector of", "11 bytes do not hold %d items of 4", n)
	}
	r := NewReader(append(AppendInt(nil, 2), make([]byte, 8)...), "Test")
	n, _ := r.Count(4)
	require.Equal(t, 2, n)
}

func TestStringsAliasTheFrame(t *testing.T) {
	frame := AppendBuffer(AppendString(nil, "/path"), []byte("data"))
	r := NewReader(frame, "Test")
	s, b := r.Text(), r.Buffer()
	frame[4], frame[len(frame)-1] = '_', '_'
	require.Equal(t, "_path", s, "a string is read in place")
	require.Equal(t, "dat_", string(b), "a buffer is read in place")
	require.Equal(t, len(b), cap(b), "appending to a buffer leaves the frame alone")
}
