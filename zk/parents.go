package zk

import (
	"context"
	"errors"

	"github.com/zookit/zookit/internal/proto"
)

// Parents is how nodes are created that are missing above another. Those that
// exist stay as they are. The zero value is for persistent nodes with the ACL
// of [DefaultACL].
type Parents struct {
	Container bool  // containers, which the server deletes when they are empty again
	ACL       []ACL // theirs, whatever that of the node below them; none for that of DefaultACL
}

// Ensure makes sure that there is a node, and tells whether it has created it.
// It creates what is missing of it and of the nodes above it, which in a chroot
// are those of the chroot too, without data. Others may create and delete them
// at the same time; it goes on until ctx ends. Calls are tried again by the
// Conn's [RetryPolicy]. If an answer was lost and the node is there, it may
// have created it and not say so.
func (c *Conn) Ensure(ctx context.Context, path string, parents Parents) (created bool, err error) {
	full, err := c.full(path)
	if err != nil {
		return false, &Error{Op: "ensure", Path: path, Err: err, fate: unsent}
	}
	created, err = c.root().ensure(ctx, full, parents)
	return created, within("ensure", path, err)
}

// within is err as the error of a call that makes others.
func within(op, path string, err error) error {
	e := &Error{Op: op, Path: path, Err: err}
	switch {
	case err == nil:
		return nil
	case MayHaveApplied(err):
		e.fate = unknown
	case NotSent(err):
		e.fate = unsent
	}
	return e
}

// ensure is Ensure without a chroot.
func (c *Conn) ensure(ctx context.Context, path string, parents Parents) (created bool, err error) {
	mode := Persistent
	if parents.Container {
		mode = Container
	}
	there := func(ctx context.Context) (bool, error) {
		_, ok, err := c.Exists(ctx, path)
		return ok, err
	}
	if ok, err := RetryValue(ctx, c, there); ok || err != nil {
		return false, err
	}
	for {
		err := c.Retry(ctx, func(ctx context.Context) error {
			_, _, err := c.Create(ctx, path, nil, mode, parents.ACL...)
			return err
		})
		switch {
		case err == nil:
			return true, nil
		case errors.Is(err, ErrNodeExists):
			return false, nil
		case errors.Is(err, ErrNoNode):
			if _, err := c.ensure(ctx, proto.Parent(path), parents); err != nil {
				return false, err
			}
		case errors.Is(err, ErrNoAuth):
			if ok, _ := RetryValue(ctx, c, there); ok {
				return false, nil // another has created it; servers look at the ACL of its parent first
			}
			return false, err
		default:
			return false, err
		}
	}
}

// CreateAll is [Conn.Create] that creates missing nodes above the node. Their
// creation is tried again by the Conn's [RetryPolicy], that of the node itself
// is not.
func (c *Conn) CreateAll(ctx context.Context, path string, data []byte, mode CreateMode, parents Parents, acl ...ACL) (made string, stat Stat, err error) {
	err = c.WithParents(ctx, path, parents, func(ctx context.Context) (err error) {
		made, stat, err = c.Create(ctx, path, data, mode, acl...)
		return err
	})
	return made, stat, err
}

// WithParents calls f, which is to create a node at path by whatever method,
// and calls it again when it fails with [ErrNoNode] and missing nodes above
// path have been created. Others may delete them meanwhile, as servers do with
// containers; it goes on until ctx ends.
func (c *Conn) WithParents(ctx context.Context, path string, parents Parents, f func(ctx context.Context) error) error {
	for {
		err := f(ctx)
		if !errors.Is(err, ErrNoNode) {
			return err
		}
		full, bad := c.full(path + "x") // a sequential name may be empty before its digits
		if bad != nil {
			return err
		}
		if full = proto.Parent(full); full == "/" {
			return err
		}
		if _, err := c.root().ensure(ctx, full, parents); err != nil {
			return within("create parents of", path, err)
		}
	}
}
