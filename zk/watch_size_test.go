package zk

import (
	"fmt"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/internal/proto"
)

// What an armed watch costs, and that to fire many is linear.
func TestSizeOfWatches(t *testing.T) {
	const n = 100_000
	heap := func() int64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return int64(m.HeapAlloc)
	}
	c := &Conn{client: &client{}}
	for _, same := range []bool{false, true} {
		paths := make([]string, n)
		for i := range paths {
			if paths[i] = "/n"; !same {
				paths[i] = fmt.Sprintf("/services/node-%06d", i)
			}
		}
		before := heap()
		g := new(registry)
		for _, path := range paths {
			r := &request{op: proto.OpGetData}
			w := c.newWatch(r, path, dataTable)
			w.key = path
			g.settle(r)
		}
		each := (heap() - before) / n
		began := time.Now()
		if same {
			g.fire(EventNodeDataChanged, "/n", 1)
		} else {
			for _, path := range paths {
				g.fire(EventNodeDataChanged, path, 1)
			}
		}
		t.Logf("%d bytes each, %v to fire %d (on one path: %t)", each, time.Since(began), n, same)
		require.Less(t, each, int64(400))
		require.Empty(t, g.oneShots[dataTable])
	}
}
