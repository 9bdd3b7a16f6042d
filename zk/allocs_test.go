//go:build !race

package zk

import (
	"context"
	"io"
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/internal/memnet"
	"github.com/zookit/zookit/internal/proto"
)

// An echo answers a session and then every request with one body, and
// allocates nothing.
func echo(conn net.Conn, body []byte) {
	defer conn.Close()
	in := make([]byte, 64<<10)
	if _, err := io.ReadFull(conn, in[:49]); err != nil {
		return
	}
	conn.Write(proto.ConnectResponse{Timeout: 60000, SessionID: 1, Password: make([]byte, 16)}.AppendTo([]byte{0, 0, 0, 37}))
	out := make([]byte, 0, 64<<10)
	for {
		n, err := conn.Read(in)
		if err != nil {
			return
		}
		out = append(out[:0], 0, 0, 0, byte(16+len(body)))
		out = append(out, in[4:8]...)
		out = append(out, make([]byte, 12)...)
		if out = append(out, body...); n == 12 { // closeSession
			out = out[:20]
			out[3] = 16
		}
		conn.Write(out)
	}
}

func TestAllocs(t *testing.T) {
	type call func(ctx context.Context, c *Conn) error
	exists := func(ctx context.Context, c *Conn) error {
		_, _, err := c.Exists(ctx, "/some/node")
		return err
	}
	get := func(ctx context.Context, c *Conn) error {
		_, _, err := c.Get(ctx, "/some/node")
		return err
	}
	data := make([]byte, 100)
	set := func(ctx context.Context, c *Conn) error {
		_, err := c.Set(ctx, "/some/node", data, AnyVersion)
		return err
	}
	create := func(ctx context.Context, c *Conn) error {
		_, _, err := c.Create(ctx, "/some/node", data, Ephemeral, WorldACL(PermAll))
		return err
	}
	children := func(ctx context.Context, c *Conn) error {
		_, _, err := c.Children(ctx, "/some/node")
		return err
	}
	later := func(ctx context.Context, c *Conn) error {
		_, err := c.Async().Exists("/some/node").Wait(ctx)
		return err
	}
	canceled, cancel := context.WithCancel(t.Context())
	defer cancel()
	for _, tc := range []struct {
		name   string
		ctx    context.Context
		chroot string
		want   float64
		body   proto.Record
		f      call
	}{
		{"Exists", bg, "", 0, &proto.Stat{}, exists},
		{"Exists with a context", canceled, "", 0, &proto.Stat{}, exists},
		{"Exists in a chroot", bg, "/app", 1, &proto.Stat{}, exists},
		{"Get", bg, "", 1, &proto.GetDataResponse{Data: data}, get},
		{"Set", bg, "", 0, &proto.Stat{}, set},
		{"Create", bg, "", 1, &proto.Create2Response{Path: "/some/node"}, create},
		{"Async", bg, "", 4, &proto.Stat{}, later}, // a Future, its channel, a goroutine that flushes
		{"Children", bg, "", 2, &proto.GetChildren2Response{Children: []string{"one", "two", "three"}}, children},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var network memnet.Network
			l, err := network.Listen("a:2181")
			require.NoError(t, err)
			done := make(chan struct{})
			go func() {
				defer close(done)
				if conn, err := l.Accept(); err == nil {
					echo(conn, tc.body.AppendTo(nil))
				}
			}()
			ctx, stop := context.WithTimeout(t.Context(), 10*time.Second)
			defer stop()
			c, err := Dial(ctx, "a"+tc.chroot, Dialer(network.DialContext), SessionTimeout(time.Minute))
			require.NoError(t, err)
			require.NoError(t, tc.f(tc.ctx, c))
			got := testing.AllocsPerRun(2000, func() {
				if err := tc.f(tc.ctx, c); err != nil {
					t.Fatal(err)
				}
			})
			require.LessOrEqual(t, got, tc.want)
			t.Log(got)
			require.NoError(t, c.Close())
			l.Close()
			<-done
		})
	}
}
