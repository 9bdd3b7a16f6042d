package zk

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestRing(t *testing.T) {
	var q ring
	var want []*request
	xid := int32(0)
	for i := range 1000 {
		for range i % 7 {
			xid++
			r := &request{xid: xid}
			q.push(r)
			want = append(want, r)
		}
		if n := len(want); n > 0 && i%11 == 0 { // out of the middle, or from the ends
			k := i % n
			require.Same(t, want[k], q.extract(want[k].xid))
			require.Nil(t, q.extract(want[k].xid))
			want = slices.Delete(want, k, k+1)
		}
		for range i % 5 {
			if len(want) == 0 {
				break
			}
			require.Same(t, want[0], q.head())
			q.pop()
			want = want[1:]
		}
		require.Equal(t, len(want), q.n)
	}
	for i, r := range want {
		require.Same(t, r, q.at(i))
	}
}
