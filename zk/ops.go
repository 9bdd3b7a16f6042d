package zk

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/zookit/zookit/internal/proto"
)

// AnyVersion as the version of a write matches every version.
const AnyVersion int32 = -1

// A Stat is what a server tells about a node beside its data.
type Stat struct {
	Czxid          int64 // of the node's creation
	Mzxid          int64 // of the latest change of its data
	Ctime          int64 // of its creation, ms since 1970
	Mtime          int64 // of the latest change of its data, ms since 1970
	Version        int32 // changes of its data
	Cversion       int32 // changes of its children
	Aversion       int32 // changes of its ACL
	EphemeralOwner int64 // the session it lives with, 0 for others
	DataLength     int32 // bytes
	NumChildren    int32
	Pzxid          int64 // of the latest creation or deletion of a child
}

// Created is Ctime.
func (s Stat) Created() time.Time { return time.UnixMilli(s.Ctime) }

// Modified is Mtime.
func (s Stat) Modified() time.Time { return time.UnixMilli(s.Mtime) }

// Get is the data of a node. It is nil when it was set to nil, which is not
// the same as empty.
func (c *Conn) Get(ctx context.Context, path string) ([]byte, Stat, error) {
	r := c.request(proto.OpGetData)
	if err := c.call(ctx, r, "get", path); err != nil {
		return nil, Stat{}, err
	}
	data, stat := r.body, r.stat
	c.recycle(r)
	return data, stat, nil
}

// Exists tells whether there is a node.
func (c *Conn) Exists(ctx context.Context, path string) (Stat, bool, error) {
	r := c.request(proto.OpExists)
	if err := c.call(ctx, r, "exists", path); err != nil {
		return Stat{}, false, err
	}
	stat, ok := r.stat, r.code == proto.OK
	c.recycle(r)
	return stat, ok, nil
}

// Children are the names of a node's children, in no order.
func (c *Conn) Children(ctx context.Context, path string) ([]string, Stat, error) {
	r := c.request(proto.OpGetChildren2)
	if err := c.call(ctx, r, "children", path); err != nil {
		return nil, Stat{}, err
	}
	names, stat := r.list.names, r.stat
	c.recycle(r)
	return names, stat, nil
}

// ChildNames is Children without the Stat.
func (c *Conn) ChildNames(ctx context.Context, path string) ([]string, error) {
	r := c.request(proto.OpGetChildren)
	if err := c.call(ctx, r, "children", path); err != nil {
		return nil, err
	}
	names := r.list.names
	c.recycle(r)
	return names, nil
}

// Set replaces the data of a node, if version is that of the node or
// [AnyVersion]; otherwise it fails with [ErrBadVersion]. It returns the Stat
// after it.
func (c *Conn) Set(ctx context.Context, path string, data []byte, version int32) (Stat, error) {
	r := c.request(proto.OpSetData)
	r.data, r.version = data, version
	if err := c.call(ctx, r, "set", path); err != nil {
		return Stat{}, err
	}
	stat := r.stat
	c.recycle(r)
	return stat, nil
}

// Delete deletes a node without children, if version is that of the node or
// [AnyVersion]. It fails with [ErrNotEmpty], [ErrBadVersion], [ErrNoNode].
func (c *Conn) Delete(ctx context.Context, path string, version int32) error {
	r := c.request(proto.OpDelete)
	r.version = version
	if err := c.call(ctx, r, "delete", path); err != nil {
		return err
	}
	c.recycle(r)
	return nil
}

// Sync returns when the server has caught up with all that the ensemble had
// committed at the time of the call: reads after it see it. The path means
// nothing to servers of today, and need not be that of a node.
func (c *Conn) Sync(ctx context.Context, path string) error {
	r := c.request(proto.OpSync)
	if err := c.call(ctx, r, "sync", path); err != nil {
		return err
	}
	c.recycle(r)
	return nil
}

// Ephemerals are the paths of this session's ephemeral nodes that begin with
// prefix; "/" or "" is all of the chroot. It takes a server of 3.6.
func (c *Conn) Ephemerals(ctx context.Context, prefix string) ([]string, error) {
	r, err := c.ephemeralsRequest(prefix)
	if err != nil {
		return nil, &Error{Op: "ephemerals", Path: prefix, Err: err, fate: unsent}
	}
	if err := c.do(ctx, r, "ephemerals", prefix); err != nil {
		return nil, err
	}
	paths := c.ephemerals(r)
	c.recycle(r)
	return paths, nil
}

func (c *Conn) ephemeralsRequest(prefix string) (*request, error) {
	switch {
	case c.invalid != nil:
		return nil, c.invalid
	case prefix != "" && prefix[0] != '/':
		return nil, badArguments(errors.New("the prefix does not begin with a slash"))
	}
	r := c.request(proto.OpGetEphemerals)
	r.path = c.chroot + strings.TrimSuffix(prefix, "/")
	if strings.HasSuffix(prefix, "/") && prefix != "/" {
		r.path += "/"
	}
	return r, nil
}

// ephemerals are those of the chroot: the server also finds what is beside it.
func (c *Conn) ephemerals(r *request) []string {
	paths := r.list.names
	if c.chroot == "" {
		return paths
	}
	own := paths[:0]
	for _, path := range paths {
		if p, ok := strip(c.chroot, path); ok {
			own = append(own, p)
		}
	}
	return own
}

// AllChildrenNumber counts the nodes below a node, on all levels. It takes a
// server of 3.6.
func (c *Conn) AllChildrenNumber(ctx context.Context, path string) (int, error) {
	r := c.request(proto.OpGetAllChildrenNumber)
	if err := c.call(ctx, r, "count all children of", path); err != nil {
		return 0, err
	}
	n := int(r.value)
	c.recycle(r)
	return n, nil
}
