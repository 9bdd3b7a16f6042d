package bench

import (
	"runtime"
	"testing"
	"time"

	gozk "github.com/go-zookeeper/zk"

	"github.com/zookit/zookit/zk"
)

// BenchmarkIdle is what a connection takes that says nothing, with its end at
// the fake, which is about 5.5 KB; an operation is the opening of 50.
func BenchmarkIdle(b *testing.B) {
	const conns = 50 // a server takes 60 of one host
	idle := func(b *testing.B, open func(addr string) (end func())) {
		addr := listen(b)
		var each int64
		for b.Loop() {
			before := inUse()
			var ends []func()
			for range conns {
				ends = append(ends, open(addr))
			}
			each = (inUse() - before) / conns
			for _, end := range ends {
				end()
			}
		}
		b.ReportMetric(float64(each), "B/conn")
	}
	b.Run("client=zookit", func(b *testing.B) {
		idle(b, func(addr string) func() {
			c, err := zk.Dial(b.Context(), addr)
			if err != nil {
				b.Fatal(err)
			}
			return func() { c.Close() }
		})
	})
	b.Run("client=go-zookeeper", func(b *testing.B) {
		idle(b, func(addr string) func() {
			c, _, err := gozk.Connect([]string{addr}, 10*time.Second, gozk.WithLogInfo(false))
			if err != nil {
				b.Fatal(err)
			}
			if _, _, err := c.Exists("/"); err != nil {
				b.Fatal(err)
			}
			return c.Close
		})
	})
}

// inUse is what the process has on its heap and in stacks.
func inUse() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc + m.StackInuse)
}
