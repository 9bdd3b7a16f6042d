package zk

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/zookit/zookit/internal/proto"
)

// CreateChroot makes Dial create the node of the connect string's chroot, and
// its parents, where they do not exist. They are persistent: containers would
// go away again when they are empty. Without it, Dial's Conn works all the
// same where there is no such node, but that most calls fail with [ErrNoNode];
// the [Logger] is warned.
func CreateChroot() Option { return func(c *config) { c.createChroot = true } }

// prepareChroot creates the chroot or sees to the warning.
func (c *client) prepareChroot(ctx context.Context) error {
	path := c.cfg.chroot
	if path == "" {
		return nil
	}
	root := &Conn{client: c}
	if c.cfg.createChroot {
		err := root.Retry(ctx, func(ctx context.Context) error { return root.createWithParents(ctx, path) })
		if err != nil {
			err = fmt.Errorf("chroot: %w", err)
		}
		return err
	}
	if c.log.Enabled(ctx, slog.LevelWarn) {
		c.spawn(func(ctx context.Context) {
			if _, ok, err := root.Exists(ctx, path); err == nil && !ok {
				c.log.Warn("the chroot does not exist", "path", path)
			}
		})
	}
	return nil
}

// createWithParents asks for what exists first, since parents that do may not
// be this client's to create in.
func (c *Conn) createWithParents(ctx context.Context, path string) error {
	_, ok, err := c.Exists(ctx, path)
	if err != nil || ok {
		return err
	}
	if parent := proto.Parent(path); parent != "/" {
		if err := c.createWithParents(ctx, parent); err != nil {
			return err
		}
	}
	if _, _, err = c.Create(ctx, path, nil, Persistent); errors.Is(err, ErrNodeExists) {
		return nil // by another client
	}
	return err
}
