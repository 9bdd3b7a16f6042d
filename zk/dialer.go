package zk

import (
	"context"
	"net"
)

// dial opens a connection to a server, and nothing else in this package does.
func (c *client) dial(ctx context.Context, e endpoint) (net.Conn, error) {
	return c.cfg.dial(ctx, "tcp", e.addr)
}
