package bench

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	gozk "github.com/go-zookeeper/zk"

	"github.com/zookit/zookit/zk"
)

// A task is an operation as both clients do it.
type task struct {
	name    string
	callers []int // nil: 1 and 64
	// prepare makes n nodes /dir/i that the operations with i from 0 to n-1 need.
	prepare bool
	ours    func(ctx context.Context, c *zk.Conn, i int64) error
	theirs  func(c *gozk.Conn, i int64) error // nil: it cannot
}

func node(i int64) string { return fmt.Sprintf("/dir/%d", i) }

var open = gozk.WorldACL(gozk.PermAll)

var tasks = []task{
	{name: "Get", callers: []int{1, 8, 64, 256},
		ours:   func(ctx context.Context, c *zk.Conn, i int64) error { _, _, err := c.Get(ctx, "/node"); return err },
		theirs: func(c *gozk.Conn, i int64) error { _, _, err := c.Get("/node"); return err },
	},
	{name: "Exists",
		ours:   func(ctx context.Context, c *zk.Conn, i int64) error { _, _, err := c.Exists(ctx, "/node"); return err },
		theirs: func(c *gozk.Conn, i int64) error { _, _, err := c.Exists("/node"); return err },
	},
	{name: "Children10",
		ours:   func(ctx context.Context, c *zk.Conn, i int64) error { _, _, err := c.Children(ctx, "/ten"); return err },
		theirs: func(c *gozk.Conn, i int64) error { _, _, err := c.Children("/ten"); return err },
	},
	{name: "Children100",
		ours: func(ctx context.Context, c *zk.Conn, i int64) error {
			_, _, err := c.Children(ctx, "/hundred")
			return err
		},
		theirs: func(c *gozk.Conn, i int64) error { _, _, err := c.Children("/hundred"); return err },
	},
	{name: "Set",
		ours: func(ctx context.Context, c *zk.Conn, i int64) error {
			_, err := c.Set(ctx, "/node", value, zk.AnyVersion)
			return err
		},
		theirs: func(c *gozk.Conn, i int64) error { _, err := c.Set("/node", value, -1); return err },
	},
	{name: "Create",
		ours: func(ctx context.Context, c *zk.Conn, i int64) error {
			_, _, err := c.Create(ctx, "/dir/n-", value, zk.PersistentSequential)
			return err
		},
		theirs: func(c *gozk.Conn, i int64) error {
			_, err := c.Create("/dir/n-", value, gozk.FlagSequence, open)
			return err
		},
	},
	{name: "Create+Delete",
		ours: func(ctx context.Context, c *zk.Conn, i int64) error {
			path, _, err := c.Create(ctx, "/dir/n-", value, zk.PersistentSequential)
			if err != nil {
				return err
			}
			return c.Delete(ctx, path, zk.AnyVersion)
		},
		theirs: func(c *gozk.Conn, i int64) error {
			path, err := c.Create("/dir/n-", value, gozk.FlagSequence, open)
			if err != nil {
				return err
			}
			return c.Delete(path, -1)
		},
	},
	{name: "Delete", prepare: true,
		ours:   func(ctx context.Context, c *zk.Conn, i int64) error { return c.Delete(ctx, node(i), zk.AnyVersion) },
		theirs: func(c *gozk.Conn, i int64) error { return c.Delete(node(i), -1) },
	},
	{name: "GetACL",
		ours:   func(ctx context.Context, c *zk.Conn, i int64) error { _, _, err := c.ACL(ctx, "/node"); return err },
		theirs: func(c *gozk.Conn, i int64) error { _, _, err := c.GetACL("/node"); return err },
	},
	{name: "SetACL",
		ours: func(ctx context.Context, c *zk.Conn, i int64) error {
			_, err := c.SetACL(ctx, "/node", []zk.ACL{zk.WorldACL(zk.PermAll)}, zk.AnyVersion)
			return err
		},
		theirs: func(c *gozk.Conn, i int64) error { _, err := c.SetACL("/node", open, -1); return err },
	},
	{name: "Multi",
		ours: func(ctx context.Context, c *zk.Conn, i int64) error {
			_, err := c.Multi(ctx, zk.CheckOp("/ten", zk.AnyVersion), zk.SetOp("/node", value, zk.AnyVersion))
			return err
		},
		theirs: func(c *gozk.Conn, i int64) error {
			_, err := c.Multi(&gozk.CheckVersionRequest{Path: "/ten", Version: -1}, &gozk.SetDataRequest{Path: "/node", Data: value, Version: -1})
			return err
		},
	},
	{name: "Sync",
		ours:   func(ctx context.Context, c *zk.Conn, i int64) error { return c.Sync(ctx, "/node") },
		theirs: func(c *gozk.Conn, i int64) error { _, err := c.Sync("/node"); return err },
	},
	{name: "GetW+Set+event", callers: []int{1},
		ours: func(ctx context.Context, c *zk.Conn, i int64) error {
			_, _, w, err := c.GetW(ctx, "/node")
			if err != nil {
				return err
			}
			_, err = c.Set(ctx, "/node", value, zk.AnyVersion)
			<-w.C
			return err
		},
		theirs: func(c *gozk.Conn, i int64) error {
			_, _, w, err := c.GetW("/node")
			if err != nil {
				return err
			}
			_, err = c.Set("/node", value, -1)
			<-w
			return err
		},
	},
}

// BenchmarkBeside is every operation of both clients on one fake over loopback
// TCP, one after the other, with callers that share a connection. Its names are
// what cmd/ratios reads.
func BenchmarkBeside(b *testing.B) {
	addr := listen(b)
	ours, err := zk.Dial(b.Context(), addr)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { ours.Close() })
	theirs, _, err := gozk.Connect([]string{addr}, 10*time.Second, gozk.WithLogInfo(false))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(theirs.Close)
	for _, n := range []struct {
		path     string
		children int64
	}{{"/node", 0}, {"/ten", 10}, {"/hundred", 100}, {"/dir", 0}} {
		_, _, err := ours.Create(b.Context(), n.path, value, zk.Persistent)
		for i := range n.children {
			_, _, e := ours.Create(b.Context(), fmt.Sprintf("%s/child-%010d", n.path, i), nil, zk.Persistent)
			err = errors.Join(err, e)
		}
		if err != nil {
			b.Fatal(err)
		}
	}
	for _, t := range tasks {
		callers := t.callers
		if callers == nil {
			callers = []int{1, 64}
		}
		for _, n := range callers {
			b.Run(fmt.Sprintf("op=%s/callers=%d/client=zookit", t.name, n), func(b *testing.B) {
				spread(b, ours, t, n, func(i int64) error { return t.ours(b.Context(), ours, i) })
			})
			if t.theirs == nil {
				continue
			}
			b.Run(fmt.Sprintf("op=%s/callers=%d/client=go-zookeeper", t.name, n), func(b *testing.B) {
				spread(b, ours, t, n, func(i int64) error { return t.theirs(theirs, i) })
			})
		}
	}
}

// spread runs b.N operations by n callers.
func spread(b *testing.B, c *zk.Conn, t task, n int, run func(i int64) error) {
	if t.prepare {
		pending := make([]*zk.Future[zk.Created], b.N)
		for i := range pending {
			pending[i] = c.Async().Create(node(int64(i)), value, zk.Persistent)
		}
		for _, f := range pending {
			if _, err := f.Wait(b.Context()); err != nil {
				b.Fatal(err)
			}
		}
	}
	b.ReportAllocs()
	b.ResetTimer()
	var next atomic.Int64
	var all sync.WaitGroup
	for range n {
		all.Go(func() {
			for {
				i := next.Add(1) - 1
				if i >= int64(b.N) {
					return
				}
				if err := run(i); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	all.Wait()
}

// BenchmarkPipeline is one goroutine that has 64 calls under way.
func BenchmarkPipeline(b *testing.B) {
	c, err := zk.Dial(b.Context(), listen(b))
	if err != nil {
		b.Fatal(err)
	}
	defer c.Close()
	if _, _, err := c.Create(b.Context(), "/node", value, zk.Persistent); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	var window [64]*zk.Future[zk.Got]
	for i := 0; b.Loop(); i++ {
		f := &window[i%len(window)]
		if *f != nil {
			if _, err := (*f).Wait(b.Context()); err != nil {
				b.Fatal(err)
			}
		}
		*f = c.Async().Get("/node")
	}
}
