package fakezk

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// Something ends at the first multiple of the interval that is more than its
// timeout after its last touch, unless it is removed: as if every deadline were
// looked at every time.
func TestExpiryQueueIsAListOfDeadlines(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		interval := rapid.Int64Range(1, 50).Draw(t, "interval")
		q := newExpiryQueue[int](interval)
		at := map[int]*int64{}
		model := map[int]int64{}
		now := int64(0)
		for range rapid.IntRange(0, 60).Draw(t, "steps") {
			k := rapid.IntRange(0, 5).Draw(t, "key")
			if at[k] == nil {
				at[k] = new(int64)
			}
			switch rapid.SampledFrom([]string{"touch", "touch", "remove", "wait"}).Draw(t, "op") {
			case "touch":
				timeout := rapid.Int64Range(0, 200).Draw(t, "timeout")
				q.touch(k, at[k], now, timeout)
				for model[k] = 0; model[k] <= now+timeout; model[k] += interval {
				}
			case "remove":
				q.remove(k, at[k])
				delete(model, k)
			case "wait":
				now += rapid.Int64Range(0, 100).Draw(t, "wait")
				var want []int
				for k, deadline := range model {
					if deadline <= now {
						want = append(want, k)
						delete(model, k)
					}
				}
				ended := q.due(now)
				for _, k := range ended {
					*at[k] = 0
				}
				slices.Sort(want)
				slices.Sort(ended)
				require.Equal(t, want, ended, "at %d", now)
			}
			next, ok := q.next()
			require.Equal(t, len(model) > 0, ok)
			for _, deadline := range model {
				require.LessOrEqual(t, next, deadline)
			}
		}
	})
}
