// Package jute encodes and decodes ZooKeeper's serialisation: big-endian
// integers, and strings, buffers and vectors behind an int32 length, of which
// -1 is null. Encoding appends to the caller's slice; decoding reads in place
// and allocates nothing (spec/wire-and-tree, A.2).
package jute

import (
	"encoding/binary"
	"unicode/utf8"
)

// AppendInt appends an int32.
func AppendInt(b []byte, v int32) []byte { return binary.BigEndian.AppendUint32(b, uint32(v)) }

// AppendLong appends an int64.
func AppendLong(b []byte, v int64) []byte { return binary.BigEndian.AppendUint64(b, uint64(v)) }

// AppendBool appends one byte, 0 or 1.
func AppendBool(b []byte, v bool) []byte {
	if v {
		return append(b, 1)
	}
	return append(b, 0)
}

// AppendString appends a string, which is never null.
func AppendString(b []byte, s string) []byte {
	return append(AppendInt(b, int32(len(s))), s...)
}

// AppendNullable appends s, or null.
func AppendNullable(b []byte, s string, null bool) []byte {
	if null {
		return AppendInt(b, -1)
	}
	return AppendString(b, s)
}

// AppendBuffer appends a buffer; nil is null, which is not the same as empty.
func AppendBuffer(b, v []byte) []byte {
	if v == nil {
		return AppendInt(b, -1)
	}
	return append(AppendInt(b, int32(len(v))), v...)
}

// AppendStrings appends a vector of strings; nil is null.
func AppendStrings(b []byte, v []string) []byte {
	if v == nil {
		return AppendInt(b, -1)
	}
	b = AppendInt(b, int32(len(v)))
	for _, s := range v {
		b = AppendString(b, s)
	}
	return b
}

// AppendJavaString appends s as Java's encoder writes it: a character beyond
// U+FFFF leaves as two surrogates of three bytes each.
func AppendJavaString(b []byte, s string, null bool) []byte {
	if null || !hasSupplementary(s) {
		return AppendNullable(b, s, null)
	}
	start := len(b)
	b = AppendInt(b, 0)
	for _, r := range s {
		if r < 0x10000 {
			b = utf8.AppendRune(b, r)
			continue
		}
		r -= 0x10000
		b = appendSurrogate(b, 0xd800+r>>10)
		b = appendSurrogate(b, 0xdc00+r&0x3ff)
	}
	binary.BigEndian.PutUint32(b[start:], uint32(len(b)-start-4))
	return b
}

func hasSupplementary(s string) bool {
	for i := range len(s) {
		if s[i] >= 0xf0 {
			return true
		}
	}
	return false
}

func appendSurrogate(b []byte, r rune) []byte {
	return append(b, 0xe0|byte(r>>12), 0x80|byte(r>>6)&0x3f, 0x80|byte(r)&0x3f)
}
