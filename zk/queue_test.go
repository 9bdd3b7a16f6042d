package zk

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestRing(t *testing.T) {
	var q ring
	var want []*request
	for i := range 1000 {
		for range i % 7 {
			r := new(request)
			q.push(r)
			want = append(want, r)
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
