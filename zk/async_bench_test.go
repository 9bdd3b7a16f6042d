package zk_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/fakezk"
	"github.com/zookit/zookit/zk"
)

// BenchmarkPipeline is one goroutine over loopback TCP that gets a node of 100
// bytes, with so many calls under way at a time; 1 is the call that waits.
func BenchmarkPipeline(b *testing.B) {
	e, err := fakezk.Listen()
	require.NoError(b, err)
	defer e.Close()
	c, err := zk.Dial(b.Context(), e.ConnectString())
	require.NoError(b, err)
	defer c.Close()
	_, _, err = c.Create(b.Context(), "/n", make([]byte, 100), zk.Persistent)
	require.NoError(b, err)
	b.Run("waits", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, _, err := c.Get(b.Context(), "/n"); err != nil {
				b.Fatal(err)
			}
		}
	})
	for _, n := range []int{1, 10, 100, 1000} {
		b.Run(fmt.Sprintf("async=%d", n), func(b *testing.B) {
			b.ReportAllocs()
			window := make([]*zk.Future[zk.Got], n)
			for i := 0; b.Loop(); i++ {
				f := &window[i%n]
				if *f != nil {
					if _, err := (*f).Wait(b.Context()); err != nil {
						b.Fatal(err)
					}
				}
				*f = c.Async().Get("/n")
			}
			for _, f := range window {
				if f != nil {
					f.Wait(b.Context())
				}
			}
		})
	}
}
