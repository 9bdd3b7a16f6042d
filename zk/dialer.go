package zk

import (
	"context"
	"net"
)

// dial opens a connection to a host of the connect string.
func (c *client) dial(ctx context.Context, host string) (net.Conn, error) {
	return c.cfg.dial(ctx, "tcp", host)
}
