package harness_test

import (
	"context"
	"net"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/chaos"
	"github.com/zookit/zookit/harness"
	"github.com/zookit/zookit/zk"
)

// What a front costs a request: a Get of 100 bytes, one caller or many, from
// the fake on TCP, directly, through a proxy that the kernel moves bytes for,
// and through a front, which looks at what passes.
func BenchmarkFront(b *testing.B) {
	host := harness.New(b, harness.Fake(), harness.TCP(), harness.Leaks(harness.IgnoreLeaks))
	host.Put("/a", string(make([]byte, 100)))
	plain, err := chaos.NewProxy(func(ctx context.Context) (net.Conn, error) {
		return host.DialContext(ctx, "tcp", host.ConnectString())
	}, nil)
	require.NoError(b, err)
	defer plain.Close()
	front := harness.New(b, harness.External(host.ConnectString()))
	front.Put("/a", string(make([]byte, 100)))
	for _, way := range []struct{ name, connect string }{
		{"direct", host.ConnectString()}, {"kernel", plain.Addr()}, {"front", front.ConnectString()},
	} {
		b.Run(way.name, func(b *testing.B) {
			c, err := zk.Dial(b.Context(), way.connect)
			require.NoError(b, err)
			defer c.Close()
			b.Run("one", func(b *testing.B) {
				for b.Loop() {
					if _, _, err := c.Get(b.Context(), "/a"); err != nil {
						b.Fatal(err)
					}
				}
			})
			b.Run("many", func(b *testing.B) {
				b.SetParallelism(32)
				b.RunParallel(func(pb *testing.PB) {
					for pb.Next() {
						if _, _, err := c.Get(context.Background(), "/a"); err != nil {
							b.Error(err)
							return
						}
					}
				})
			})
		})
	}
}

// The end of a session that its client has not asked for: a connected client
// of a real server is told that it is gone.
func BenchmarkExpireJava(b *testing.B) {
	for _, servers := range []int{1, 3} {
		b.Run([]string{1: "standalone", 3: "three members"}[servers], func(b *testing.B) {
			e := harness.New(b, harness.Java(), harness.Servers(servers), harness.LogLevel(12))
			c := e.Connect()
			for b.Loop() {
				id := c.Session().ID()
				e.Expire(id)
				b.StopTimer()
				for c.Session().ID() == id {
					if _, err := c.WaitState(b.Context(), zk.Connected); err != nil {
						b.Fatal(err)
					}
				}
				b.StartTimer()
			}
		})
	}
}
