package fakezk

import (
	"cmp"
	"slices"
	"unicode/utf16"
)

// A real server keeps a connection's identities in a hash table, and an entry
// of an ACL with the scheme auth stands for them in the table's order.

// inTableOrder are the identities in that order.
func inTableOrder(ids []identity) []identity {
	buckets := uint32(16)
	for full := buckets * 3 / 4; uint32(len(ids)) >= full; full *= 2 {
		buckets *= 2
	}
	sorted := slices.Clone(ids)
	slices.SortStableFunc(sorted, func(a, b identity) int {
		return cmp.Compare(a.bucket(buckets), b.bucket(buckets))
	})
	return sorted
}

// bucket is where the table has it, of so many, a power of two.
func (id identity) bucket(buckets uint32) uint32 {
	hash := (17*37+javaHash(id.scheme))*37 + javaHash(id.id)
	return (hash ^ hash>>16) & (buckets - 1)
}

// javaHash is the hash of a string in Java.
func javaHash(s string) (hash uint32) {
	for _, unit := range utf16.Encode([]rune(s)) {
		hash = 31*hash + uint32(unit)
	}
	return hash
}
