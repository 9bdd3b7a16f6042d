package zk

import (
	"context"
	"net"
)

// dial opens a connection to a server, and nothing else in this package does.
func (c *client) dial(ctx context.Context, e endpoint) (net.Conn, error) {
	conn, err := c.cfg.dial(ctx, "tcp", e.addr)
	if err == nil && c.cfg.tls != nil {
		return c.secure(ctx, conn, e.name)
	}
	return conn, err
}
