package zk

import (
	"context"
	"errors"
	"fmt"

	"github.com/zookit/zookit/internal/proto"
)

// A Conn is a client of an ensemble: one session at a time, kept over
// connections that come and go, or a view of it with a chroot. It is safe for
// concurrent use.
type Conn struct {
	*client
	chroot  string      // "" for the root
	invalid error       // of a chroot that is no path
	retryBy RetryPolicy // nil for that of CommandRetry
	bound   *Session    // nil for any; see InSession
}

// Dial connects to an ensemble and returns when there is a session and the
// server has accepted every [Auth].
//
// The connect string lists servers, with an optional chroot that is put before
// all paths: "zk1:2181,zk2,[::1]:2181/app". The default port is 2181. A name
// such as "_zookeeper._tcp.example.com" stands for the servers of its SRV
// records, of the least priority first and by their weights. The servers are
// tried in random order, over and over, until ctx ends: then, or when a
// login or a credential is refused or the policy of [ConnectRetry] gives up,
// Dial fails with the latest cause for each server. The error is an [*Error].
// Dial takes nothing else from ctx, so that the Conn lives until Close.
func Dial(ctx context.Context, connect string, opts ...Option) (*Conn, error) {
	list, chroot, err := parseConnect(connect)
	if err != nil {
		return nil, &Error{Op: "dial", Path: connect, Err: badArguments(err), fate: unsent}
	}
	cfg, err := newConfig(opts)
	if err != nil {
		return nil, &Error{Op: "dial", Path: connect, Err: badArguments(err), fate: unsent}
	}
	cfg.chroot = chroot
	c := newClient(cfg, list)
	go c.live()
	if err := c.await(ctx); err != nil {
		c.close()
		return nil, &Error{Op: "dial", Path: connect, Err: c.dialError(err), fate: unsent}
	}
	if err := c.prepareChroot(ctx); err != nil {
		c.close()
		return nil, &Error{Op: "dial", Path: connect, Err: err, fate: unknown}
	}
	if cfg.follow {
		c.spawn(c.followConfigs)
	}
	return &Conn{client: c, chroot: chroot}, nil
}

// await waits for the session.
func (c *client) await(ctx context.Context) error {
	_, err := c.waitState(ctx, Connected, ReadOnly)
	return err
}

// dialError joins err with what kept each server from being the one.
func (c *client) dialError(err error) error {
	if errors.Is(err, ErrGaveUp) {
		return err // it says so
	}
	return errors.Join(err, c.allCauses())
}

// Close ends the session, so that its ephemeral nodes go away, and returns
// when no goroutine of the Conn is left. Calls that were made before it are
// answered first. It takes a second at most: if no server says by then that
// the session has ended, it returns an error, and the session lives until the
// servers expire it. Closing any view of a Conn closes all. Further calls
// return the same. To leave the session alive see [Conn.Detach].
func (c *Conn) Close() error {
	if err := c.close(); err != nil {
		return &Error{Op: "close session", Err: err, fate: unknown}
	}
	return nil
}

func (c *client) close() error {
	c.cancel()
	<-c.ended
	c.awaitEars()
	return c.stayed
}

// Chroot is a view of the Conn in which path is put before all paths, behind
// the chroot that c itself has. It shares session, credentials and Close. If
// path is not valid, every call on a node fails.
func (c *Conn) Chroot(path string) *Conn {
	if c.invalid != nil || path == "/" {
		return c
	}
	view := *c
	view.chroot += path
	if err := proto.CheckPath(path); err != nil {
		view.invalid = badArguments(fmt.Errorf("chroot: %w", err))
	}
	return &view
}

// Server is the host and port of the server that the Conn is connected to, as
// the connect string or a SRV record has it, or "".
func (c *Conn) Server() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.server
}

// LastZxid is the greatest zxid of the replies so far: what the client has
// seen of the ensemble's history. It begins anew with each session.
func (c *Conn) LastZxid() int64 { return c.lastZxid.Load() }
