package harness

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// A session whose client has long gone is there as long as the servers say so,
// and else for its timeout.
func TestSessionsThatAreAlive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSessions()
		a, b := &tap{client: "a"}, &tap{client: "b"}
		s.began(a, 1, time.Second)
		s.began(b, 2, time.Minute)
		s.closed(a) // and b, which has the same nil connection
		time.Sleep(2 * time.Second)
		ids := func(alive []int64) (ids []int64) {
			for _, session := range s.all(alive) {
				require.False(t, session.Connected)
				ids = append(ids, session.ID)
			}
			return ids
		}
		require.Equal(t, []int64{2}, ids(nil))
		require.Equal(t, []int64{1}, ids([]int64{1, 3}))
		require.Empty(t, ids([]int64{}))
		require.ErrorContains(t, s.cut(3), "there is no session 0x3")
		s.ended(2)
		require.Empty(t, ids(nil))
	})
}
