package zk

import (
	"cmp"
	"math"
	"strconv"
	"strings"
)

// Sequence is the number that a server has appended to the name of a
// sequential node, and false if there is none: not every child of a node needs
// to be sequential. A path will do as well.
//
// The number counts the children that were ever created, in ten digits. Servers
// before 3.6 count on from 2147483647 to -2147483648; the sign takes the place
// of a digit if there is room for it, or stands before all ten. Later ones
// refuse to create more. Since prefixes end in dashes, a number of ten digits
// counts as negative only behind two of them.
func Sequence(name string) (int32, bool) {
	at := len(name) - 10
	if at < 0 {
		return 0, false
	}
	prefix, digits := name[:at], name[at:]
	if digits[0] == '-' {
		n, err := strconv.ParseUint(digits[1:], 10, 31)
		return -int32(n), err == nil
	}
	n, err := strconv.ParseUint(digits, 10, 32)
	switch {
	case err != nil || n > -math.MinInt32:
		return 0, false
	case n == -math.MinInt32:
		return math.MinInt32, strings.HasSuffix(prefix, "-")
	case n >= 1e9 && strings.HasSuffix(prefix, "--"):
		return -int32(n), true
	}
	return int32(n), true
}

// CompareSequence orders names by their [Sequence], for [slices.SortFunc]:
// negative if a was created before b under the same parent. Numbers that have
// come round to negative ones are greater than those that have not. Names
// without a number come last, in the order of strings.
func CompareSequence(a, b string) int {
	n, numbered := Sequence(a)
	m, other := Sequence(b)
	switch {
	case numbered && other && n != m:
		return cmp.Compare(n-m, 0) // not n and m: the difference is right beyond the greatest number too
	case numbered != other:
		if numbered {
			return -1
		}
		return 1
	}
	return strings.Compare(a, b)
}
