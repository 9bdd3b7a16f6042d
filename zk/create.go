package zk

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/zookit/zookit/internal/proto"
)

// A CreateMode is what kind of node is created.
type CreateMode int32

// The modes. A sequential node gets ten digits appended to its name, greater
// with each creation under its parent.
const (
	Persistent           CreateMode = 0
	Ephemeral            CreateMode = 1 // deleted when the session ends
	PersistentSequential CreateMode = 2
	EphemeralSequential  CreateMode = 3
	Container            CreateMode = 4 // deleted by the server some time after its last child; since 3.5.1
)

var modeNames = [...]string{"Persistent", "Ephemeral", "PersistentSequential", "EphemeralSequential", "Container"}

func (m CreateMode) String() string {
	if m < 0 || int(m) >= len(modeNames) {
		return "CreateMode(" + strconv.Itoa(int(m)) + ")"
	}
	return modeNames[m]
}

func (m CreateMode) ephemeral() bool { return m == Ephemeral || m == EphemeralSequential }

func (m CreateMode) sequential() bool { return m == PersistentSequential || m == EphemeralSequential }

// op is the opcode of a create without TTL. The older create has no Stat in
// its reply.
func (m CreateMode) op() proto.Op {
	if m == Container {
		return proto.OpCreateContainer
	}
	return proto.OpCreate2
}

// ttlFlags checks mode and TTL of a node with a TTL.
func ttlFlags(mode CreateMode, ttl time.Duration) (int32, error) {
	if ms := ttl.Milliseconds(); ms < 1 || ms > proto.MaxTTL {
		return 0, badArguments(fmt.Errorf("TTL %v is not between 1ms and %d ms", ttl, proto.MaxTTL))
	}
	switch mode {
	case Persistent:
		return proto.FlagPersistentTTL, nil
	case PersistentSequential:
		return proto.FlagPersistentSequentialTTL, nil
	}
	return 0, badArguments(fmt.Errorf("mode %v with a TTL", mode))
}

// fullNew is full for a node to be created. The digits of a sequential one are
// a part of its name, so that it may be empty before them: "/" is such a path,
// and stays in the chroot, as with kazoo (Java's client leaves the chroot).
func (c *Conn) fullNew(path string, mode CreateMode) (string, error) {
	if mode < Persistent || mode > Container {
		return "", badArguments(fmt.Errorf("no such mode: %v", mode))
	}
	if !mode.sequential() {
		return c.full(path)
	}
	if c.invalid != nil {
		return "", c.invalid
	}
	if proto.CheckPath(path) != nil {
		if err := proto.CheckPath(path + "0000000000"); err != nil {
			return "", badArguments(err)
		}
	}
	return c.chroot + path, nil
}

// Create creates a node and returns its path, which a sequential mode makes
// longer. Its parent must exist. Without an ACL it gets that of [DefaultACL].
// It fails with [ErrNodeExists], [ErrNoNode] (of the parent),
// [ErrNoChildrenForEphemerals].
func (c *Conn) Create(ctx context.Context, path string, data []byte, mode CreateMode, acl ...ACL) (string, Stat, error) {
	r, err := c.createRequest(path, data, mode, acl)
	return c.create(ctx, r, path, err)
}

// CreateTTL is Create of a node that the server deletes when it has had no
// child, and its data was not set, for a time: at least 1 ms, in whole ms. The
// mode is [Persistent] or [PersistentSequential]. It takes a server of 3.5.4
// with extendedTypesEnabled; others answer [ErrUnimplemented].
func (c *Conn) CreateTTL(ctx context.Context, path string, data []byte, mode CreateMode, ttl time.Duration, acl ...ACL) (string, Stat, error) {
	r, err := c.createTTLRequest(path, data, mode, ttl, acl)
	return c.create(ctx, r, path, err)
}

func (c *Conn) create(ctx context.Context, r *request, path string, err error) (string, Stat, error) {
	if err != nil {
		return "", Stat{}, &Error{Op: "create", Path: path, Err: err, fate: unsent}
	}
	if err := c.do(ctx, r, "create", path); err != nil {
		return "", Stat{}, err
	}
	name, _ := strip(c.chroot, r.name)
	stat := r.stat
	c.recycle(r)
	return name, stat, nil
}

func (c *Conn) createRequest(path string, data []byte, mode CreateMode, acl []ACL) (*request, error) {
	full, err := c.fullNew(path, mode)
	if err != nil {
		return nil, err
	}
	r := c.request(mode.op())
	r.path, r.data, r.flags = full, data, int32(mode)
	r.acls = c.cfg.newACL(r.acls, acl)
	return r, nil
}

func (c *Conn) createTTLRequest(path string, data []byte, mode CreateMode, ttl time.Duration, acl []ACL) (*request, error) {
	flags, err := ttlFlags(mode, ttl)
	if err != nil {
		return nil, err
	}
	r, err := c.createRequest(path, data, mode, acl)
	if err != nil {
		return nil, err
	}
	r.op, r.flags, r.number = proto.OpCreateTTL, flags, ttl.Milliseconds()
	return r, nil
}
