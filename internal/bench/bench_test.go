// Package bench measures Zookit beside its peers, in one run: see
// docs/benchmarks.md and `make bench`.
package bench

import (
	"context"
	"fmt"
	"io"
	"net"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	gozk "github.com/go-zookeeper/zk"

	"github.com/zookit/zookit/fakezk"
	"github.com/zookit/zookit/harness"
	"github.com/zookit/zookit/internal/javazk"
	"github.com/zookit/zookit/zk"
)

// value is what Get reads and Set and Create write.
var value = []byte(strings.Repeat("x", 100))

// callers share one client and so one connection.
var callers = []int{1, 64}

// An op is one operation as a client does it; i is unique among the callers.
type op struct {
	name string
	run  func(i int64) error
}

// each runs every operation with every number of callers.
func each(b *testing.B, ops []op) {
	for _, o := range ops {
		for _, n := range callers {
			b.Run(fmt.Sprintf("%s/callers=%d", o.name, n), func(b *testing.B) {
				b.ReportAllocs()
				var next atomic.Int64
				if n == 1 {
					for b.Loop() {
						if err := o.run(next.Add(1)); err != nil {
							b.Fatal(err)
						}
					}
					return
				}
				b.SetParallelism(n / runtime.GOMAXPROCS(0)) // callers in all
				b.RunParallel(func(pb *testing.PB) {
					for pb.Next() {
						if err := o.run(next.Add(1)); err != nil {
							b.Error(err)
							return
						}
					}
				})
			})
		}
	}
}

// BenchmarkEcho is a raw echo of 64 bytes over loopback TCP, the measure of
// what one caller can reach.
func BenchmarkEcho(b *testing.B) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	defer l.Close()
	go func() {
		for {
			nc, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer nc.Close()
				buf := make([]byte, 64)
				for {
					if _, err := io.ReadFull(nc, buf); err != nil {
						return
					}
					if _, err := nc.Write(buf); err != nil {
						return
					}
				}
			}()
		}
	}()
	nc, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		b.Fatal(err)
	}
	defer nc.Close()
	buf := make([]byte, 64)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := nc.Write(buf); err != nil {
			b.Fatal(err)
		}
		if _, err := io.ReadFull(nc, buf); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkMemory is our client and the fake on a network in memory.
func BenchmarkMemory(b *testing.B) {
	e := fakezk.New(b)
	zookit(b, e.ConnectString(), zk.Dialer(e.DialContext))
}

// BenchmarkRealServer is our client and a real server.
func BenchmarkRealServer(b *testing.B) { zookit(b, javazk.Start(b).Addr()) }

// BenchmarkGoZookeeperRealServer is github.com/go-zookeeper/zk and a real server.
func BenchmarkGoZookeeperRealServer(b *testing.B) { goZookeeper(b, javazk.Start(b).Addr()) }

func listen(b *testing.B) string {
	e, err := fakezk.Listen()
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { e.Close() })
	return e.ConnectString()
}

func zookit(b *testing.B, connect string, opts ...zk.Option) {
	ctx := context.Background()
	c, err := zk.Dial(ctx, connect, opts...)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { c.Close() })
	prepare := func(path string) {
		if _, _, err := c.Create(ctx, path, value, zk.Persistent); err != nil {
			b.Fatal(err)
		}
	}
	prepare("/node")
	prepare("/dir")
	each(b, []op{
		{"Get", func(int64) error { _, _, err := c.Get(ctx, "/node"); return err }},
		{"Exists", func(int64) error { _, _, err := c.Exists(ctx, "/node"); return err }},
		{"Set", func(int64) error { _, err := c.Set(ctx, "/node", value, zk.AnyVersion); return err }},
		{"Create", func(int64) error {
			_, _, err := c.Create(ctx, "/dir/n-", value, zk.PersistentSequential)
			return err
		}},
	})
}

func goZookeeper(b *testing.B, connect string) {
	c, _, err := gozk.Connect([]string{connect}, 10*time.Second, gozk.WithLogInfo(false))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(c.Close)
	for _, path := range []string{"/node", "/dir"} {
		if _, err := c.Create(path, value, 0, gozk.WorldACL(gozk.PermAll)); err != nil {
			b.Fatal(err)
		}
	}
	each(b, []op{
		{"Get", func(int64) error { _, _, err := c.Get("/node"); return err }},
		{"Exists", func(int64) error { _, _, err := c.Exists("/node"); return err }},
		{"Set", func(int64) error { _, err := c.Set("/node", value, -1); return err }},
		{"Create", func(int64) error {
			_, err := c.Create("/dir/n-", value, gozk.FlagSequence, gozk.WorldACL(gozk.PermAll))
			return err
		}},
	})
}

// BenchmarkHarnessNew is from harness.New to the first reply, and the end.
func BenchmarkHarnessNew(b *testing.B) {
	for _, mode := range []struct {
		name string
		opts []harness.Option
	}{{"memory", nil}, {"tcp", []harness.Option{harness.TCP()}}} {
		b.Run(mode.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				t := &endingTB{B: b}
				e := harness.New(t, mode.opts...)
				if _, _, err := e.Connect().Exists(context.Background(), "/"); err != nil {
					b.Fatal(err)
				}
				b.StopTimer()
				t.end()
				b.StartTimer()
			}
		})
	}
}

// endingTB is a test that ends when it is told to, for a benchmark of many.
type endingTB struct {
	*testing.B
	cleanups []func()
}

func (t *endingTB) Cleanup(f func()) { t.cleanups = append(t.cleanups, f) }

func (t *endingTB) end() {
	for i := len(t.cleanups) - 1; i >= 0; i-- {
		t.cleanups[i]()
	}
}
