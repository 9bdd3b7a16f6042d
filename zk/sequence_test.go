package zk_test

import (
	"math"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/zk"
)

func TestSequence(t *testing.T) {
	for name, want := range map[string]int32{
		"n-0000000000":                 0,
		"/locks/n-0000000042":          42,
		"0000000007":                   7,
		"n-2147483647":                 math.MaxInt32,
		"n--000000002":                 -2, // as servers print them; the sign counts
		"n-000000002":                  -2, // of the prefix "n"
		"n--2147483647":                -math.MaxInt32,
		"n--2147483648":                math.MinInt32,
		"n-2147483648":                 math.MinInt32, // of the prefix "n": no positive one is so great
		"n-1500000000":                 1500000000,    // it might be negative, of the prefix "n"
		"n--0000000005":                5,             // of the prefix "n--"
		"_c_0123-lock-0000000003":      3,
		"write-\xff-0000000009":        9,
		"20260101-snapshot-1234567890": 1234567890,
	} {
		got, ok := zk.Sequence(name)
		require.True(t, ok, name)
		require.Equal(t, want, got, name)
	}
	for _, name := range []string{"", "n", "config", "n-123", "n-12345678x0", "n-+000000001", "n-00000 0001", "n9999999999", "n2147483648", "n-4294967296", "n-0000_00001", "é000000001"} {
		_, ok := zk.Sequence(name)
		require.False(t, ok, name)
	}
}

// Unrelated children are no error, and the numbers may come round.
func TestCompareSequence(t *testing.T) {
	want := []string{
		"x-2147483646", "a-2147483647", "n--2147483648", "n--2147483647", "another", "config", "zoo",
	}
	got := slices.Clone(want)
	slices.Reverse(got)
	slices.SortFunc(got, zk.CompareSequence)
	require.Equal(t, want, got)
	got = []string{"b-0000000010", "a-0000000010", "z-0000000009", "m-0000000100"}
	slices.SortFunc(got, zk.CompareSequence)
	require.Equal(t, []string{"z-0000000009", "a-0000000010", "b-0000000010", "m-0000000100"}, got)
}

func TestSplitProtected(t *testing.T) {
	const uuid, hex = "01234567-89ab-4cde-8f01-23456789abcd", "0123456789abcdef0123456789ABCDEF"
	for name, want := range map[string][2]string{
		"_c_" + uuid + "-lock-0000000001": {uuid, "lock-0000000001"},
		"_c_" + uuid + "-":                {uuid, ""},
		"_c_" + hex + "-lock-0000000001":  {hex, "lock-0000000001"}, // of go-zookeeper
	} {
		id, rest, ok := zk.SplitProtected(name)
		require.True(t, ok, name)
		require.Equal(t, want, [2]string{id, rest})
	}
	for _, name := range []string{"", "_c_", "_c_short", "lock-0000000001", "_c_" + hex, "_c_" + uuid, "_c_" + hex[1:] + "x-n", "_c_" + uuid[1:] + "a-n", "c_" + uuid + "-n"} {
		_, rest, ok := zk.SplitProtected(name)
		require.False(t, ok, name)
		require.Equal(t, name, rest)
	}
}
