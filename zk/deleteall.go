package zk

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/zookit/zookit/internal/proto"
)

// A DeleteOption changes how [Conn.DeleteAll] goes about it.
type DeleteOption func(*deletion)

type deletion struct {
	keep  bool
	batch int // of a multi; 0 for none
	whole bool
}

// KeepRoot deletes what is below the node, but not the node.
func KeepRoot() DeleteOption { return func(d *deletion) { d.keep = true } }

// InBatches deletes through multis of n nodes each, or fewer where n, at least
// 1, would make a request longer than [MaxRequest] allows. That is less work
// for the servers; a batch in which another client interferes is done node by
// node.
func InBatches(n int) DeleteOption { return func(d *deletion) { d.batch = max(n, 1) } }

// AtOnce deletes all or nothing, through one multi. If that is longer than
// [MaxRequest] allows, DeleteAll fails with [ErrBadArguments]; some 10,000 nodes
// are possible by default.
func AtOnce() DeleteOption { return func(d *deletion) { d.whole = true } }

// DeleteAll deletes a node and all below it, whatever their versions, children
// first. It has many calls under way at a time, but not more however large the
// tree. That there is no node is success.
//
// Others may create and delete nodes meanwhile: it begins anew until all is
// gone, or ctx ends, or a deletion is refused, as with [ErrNoAuth]. It is
// tried again by the Conn's [RetryPolicy] when a connection is lost. What was
// deleted before it fails stays so.
//
// The root "/", of a chroot too, and what belongs to the servers themselves,
// "/zookeeper" and the nodes that they keep in it, it does not delete but fails
// with [ErrBadArguments]. With [KeepRoot] the root can be emptied, but for
// /zookeeper.
func (c *Conn) DeleteAll(ctx context.Context, path string, opts ...DeleteOption) error {
	var d deletion
	for _, opt := range opts {
		opt(&d)
	}
	full, err := c.full(path)
	if err == nil && (path == "/" && !d.keep || full != "/" && reserved(full)) {
		err = badArguments(fmt.Errorf("%s is not to be deleted", full))
	}
	if err != nil {
		return &Error{Op: "delete all", Path: path, Err: err, fate: unsent}
	}
	err = c.Retry(ctx, func(ctx context.Context) error {
		for {
			again, err := d.pass(ctx, c.root(), full)
			if err != nil || !again {
				return err
			}
		}
	})
	return within("delete all", path, err)
}

// reserved tells whether servers keep a node for themselves.
func reserved(path string) bool {
	return path == "/" || path == "/zookeeper" || path == "/zookeeper/quota" || path == "/zookeeper/config"
}

// pass deletes what there is at its beginning. It tells whether something has
// come in between.
func (d *deletion) pass(ctx context.Context, c *Conn, root string) (again bool, err error) {
	paths, err := c.subtree(ctx, root)
	if err != nil || len(paths) == 0 {
		return false, err
	}
	if d.keep {
		paths = paths[1:]
	}
	for i, j := 0, len(paths)-1; i < j; i, j = i+1, j-1 {
		paths[i], paths[j] = paths[j], paths[i]
	}
	switch {
	case d.whole:
		return c.deleteAtOnce(ctx, paths)
	case d.batch > 0:
		return c.deleteInBatches(ctx, paths, d.batch)
	}
	return c.deleteEach(ctx, paths)
}

// subtree is a node and all below it, parents first, and nothing if there is
// no node. What servers keep for themselves is left out.
func (c *Conn) subtree(ctx context.Context, root string) ([]string, error) {
	paths := []string{root}
	for done := 0; done < len(paths); {
		level := paths[done:]
		done = len(paths)
		call := func(i int) *Future[[]string] { return c.Async().ChildNames(level[i]) }
		err := pipeline(ctx, len(level), call, func(i int, names []string, err error) error {
			if errors.Is(err, ErrNoNode) {
				if level[i] == root {
					paths = nil
				}
				return nil
			}
			for _, name := range names {
				if path := strings.TrimSuffix(level[i], "/") + "/" + name; !reserved(path) {
					paths = append(paths, path)
				}
			}
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	return paths, nil
}

// interfered tells whether a deletion failed because another client did
// something at the same time, and whether that is any more to do.
func interfered(err error) (ok, more bool) {
	more = errors.Is(err, ErrNotEmpty)
	return more || errors.Is(err, ErrNoNode), more
}

func (c *Conn) deleteEach(ctx context.Context, paths []string) (again bool, err error) {
	call := func(i int) *Future[struct{}] { return c.Async().Delete(paths[i], AnyVersion) }
	err = pipeline(ctx, len(paths), call, func(_ int, _ struct{}, err error) error {
		ok, more := interfered(err)
		again = again || more
		if ok {
			return nil
		}
		return err
	})
	return again, err
}

func (c *Conn) deleteInBatches(ctx context.Context, paths []string, most int) (again bool, err error) {
	for len(paths) > 0 {
		n, size := 0, len(proto.RequestHeader{}.AppendTo(nil))+len(proto.MultiRequest{}.AppendTo(nil))
		for n < len(paths) && n < most {
			// A type, a flag, an error, a path with its length, a version.
			if size += 4 + 1 + 4 + 4 + len(paths[n]) + 4; size > c.cfg.maxRequest && n > 0 {
				break
			}
			n++
		}
		more, err := c.deleteAtOnce(ctx, paths[:n])
		if err == nil && more {
			more, err = c.deleteEach(ctx, paths[:n])
		}
		if again = again || more; err != nil {
			return again, err
		}
		paths = paths[n:]
	}
	return again, nil
}

// deleteAtOnce is true, and has done nothing, if another client interferes.
func (c *Conn) deleteAtOnce(ctx context.Context, paths []string) (again bool, err error) {
	ops := make([]Op, len(paths))
	for i, path := range paths {
		ops[i] = DeleteOp(path, AnyVersion)
	}
	_, err = c.Multi(ctx, ops...)
	if ok, _ := interfered(err); ok {
		return true, nil
	}
	return false, err
}
