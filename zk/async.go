package zk

import (
	"slices"
	"time"

	"github.com/zookit/zookit/internal/proto"
)

// Async makes calls that do not wait for their results: each method is that of
// [Conn] of the same name, and returns a [Future].
//
// Servers get calls in the order in which they were made, those of Async and
// of Conn alike, whether there is a connection at the time or not; so a
// goroutine that reads after it wrote reads what it wrote. Calls that are made
// one after the other travel together. Nothing limits how many may be under
// way: each is kept in memory until it is answered.
//
// A call that cannot be made is a Future with an error. The data that a call is
// given may be changed when it has returned.
type Async struct{ c *Conn }

// Async is the Conn for calls that do not wait.
func (c *Conn) Async() Async { return Async{c} }

// Created is the result of Create and CreateTTL.
type Created struct {
	Path string // which a sequential mode makes longer
	Stat Stat
}

// Got is the result of Get and Config.
type Got struct {
	Data  []byte // nil is not the same as empty
	Stat  Stat
	Watch *Watch // of the forms with W
}

// Found is the result of Exists.
type Found struct {
	Stat   Stat
	Exists bool
	Watch  *Watch // of ExistsW
}

// Listed is the result of Children.
type Listed struct {
	Names []string // in no order
	Stat  Stat
	Watch *Watch // of ChildrenW
}

// Permitted is the result of ACL.
type Permitted struct {
	ACL  []ACL
	Stat Stat
}

// How results are read from requests.

func readCreated(c *Conn, r *request) (Created, error) {
	name, _ := strip(c.chroot, r.name)
	return Created{name, r.stat}, nil
}
func readGot(_ *Conn, r *request) (Got, error) { return Got{r.body, r.stat, r.oneShot}, nil }
func readFound(_ *Conn, r *request) (Found, error) {
	return Found{r.stat, r.code == proto.OK, r.oneShot}, nil
}
func readListed(_ *Conn, r *request) (Listed, error) {
	return Listed{r.list.names, r.stat, r.oneShot}, nil
}
func readPermitted(_ *Conn, r *request) (Permitted, error) {
	return Permitted{r.list.acls, r.stat}, nil
}
func readNames(_ *Conn, r *request) ([]string, error)           { return r.list.names, nil }
func readStat(_ *Conn, r *request) (Stat, error)                { return r.stat, nil }
func readCount(_ *Conn, r *request) (int, error)                { return int(r.value), nil }
func readIdentities(_ *Conn, r *request) ([]Identity, error)    { return r.list.ids, nil }
func readEphemerals(c *Conn, r *request) ([]string, error)      { return c.ephemerals(r), nil }
func readLasting(_ *Conn, r *request) (*PersistentWatch, error) { return r.lasting, nil }
func readNothing(*Conn, *request) (struct{}, error)             { return struct{}{}, nil }

// beginAt is begin for a request on a node: it checks the path and puts the
// chroot before it.
func beginAt[T any](c *Conn, r *request, op, path string, read func(*Conn, *request) (T, error)) *Future[T] {
	full, err := c.full(path)
	if err != nil {
		c.recycle(r)
		return failed[T](c, op, path, err)
	}
	r.path = full
	if r.oneShot != nil {
		r.oneShot.key = full
	}
	return begin(c, r, op, path, read)
}

// Create is [Conn.Create].
func (a Async) Create(path string, data []byte, mode CreateMode, acl ...ACL) *Future[Created] {
	r, err := a.c.createRequest(path, data, mode, acl)
	return a.create(r, path, err)
}

// CreateTTL is [Conn.CreateTTL].
func (a Async) CreateTTL(path string, data []byte, mode CreateMode, ttl time.Duration, acl ...ACL) *Future[Created] {
	r, err := a.c.createTTLRequest(path, data, mode, ttl, acl)
	return a.create(r, path, err)
}

func (a Async) create(r *request, path string, err error) *Future[Created] {
	if err != nil {
		return failed[Created](a.c, "create", path, err)
	}
	return begin(a.c, r, "create", path, readCreated)
}

// Get is [Conn.Get].
func (a Async) Get(path string) *Future[Got] {
	return beginAt(a.c, a.c.request(proto.OpGetData), "get", path, readGot)
}

// GetW is [Conn.GetW].
func (a Async) GetW(path string) *Future[Got] {
	r := a.c.request(proto.OpGetData)
	a.c.newWatch(r, path, dataTable)
	return beginAt(a.c, r, "get", path, readGot)
}

// Exists is [Conn.Exists].
func (a Async) Exists(path string) *Future[Found] {
	return beginAt(a.c, a.c.request(proto.OpExists), "exists", path, readFound)
}

// ExistsW is [Conn.ExistsW].
func (a Async) ExistsW(path string) *Future[Found] {
	r := a.c.request(proto.OpExists)
	a.c.newWatch(r, path, dataTable)
	return beginAt(a.c, r, "exists", path, readFound)
}

// Children is [Conn.Children].
func (a Async) Children(path string) *Future[Listed] {
	return beginAt(a.c, a.c.request(proto.OpGetChildren2), "children", path, readListed)
}

// ChildrenW is [Conn.ChildrenW].
func (a Async) ChildrenW(path string) *Future[Listed] {
	r := a.c.request(proto.OpGetChildren2)
	a.c.newWatch(r, path, childTable)
	return beginAt(a.c, r, "children", path, readListed)
}

// AddWatch is [Conn.AddWatch].
func (a Async) AddWatch(path string, mode WatchMode, opts ...WatchOption) *Future[*PersistentWatch] {
	r, err := a.c.addWatchRequest(path, mode, opts)
	if err != nil {
		return failed[*PersistentWatch](a.c, "add watch", path, err)
	}
	return begin(a.c, r, "add watch", path, readLasting)
}

// ChildNames is [Conn.ChildNames].
func (a Async) ChildNames(path string) *Future[[]string] {
	return beginAt(a.c, a.c.request(proto.OpGetChildren), "children", path, readNames)
}

// Set is [Conn.Set].
func (a Async) Set(path string, data []byte, version int32) *Future[Stat] {
	r := a.c.request(proto.OpSetData)
	r.data, r.version = data, version
	return beginAt(a.c, r, "set", path, readStat)
}

// Delete is [Conn.Delete].
func (a Async) Delete(path string, version int32) *Future[struct{}] {
	r := a.c.request(proto.OpDelete)
	r.version = version
	return beginAt(a.c, r, "delete", path, readNothing)
}

// ACL is [Conn.ACL].
func (a Async) ACL(path string) *Future[Permitted] {
	return beginAt(a.c, a.c.request(proto.OpGetACL), "get ACL", path, readPermitted)
}

// SetACL is [Conn.SetACL].
func (a Async) SetACL(path string, acl []ACL, version int32) *Future[Stat] {
	return beginAt(a.c, a.c.setACLRequest(acl, version), "set ACL", path, readStat)
}

// Sync is [Conn.Sync].
func (a Async) Sync(path string) *Future[struct{}] {
	return beginAt(a.c, a.c.request(proto.OpSync), "sync", path, readNothing)
}

// AllChildrenNumber is [Conn.AllChildrenNumber].
func (a Async) AllChildrenNumber(path string) *Future[int] {
	return beginAt(a.c, a.c.request(proto.OpGetAllChildrenNumber), "count all children of", path, readCount)
}

// Ephemerals is [Conn.Ephemerals].
func (a Async) Ephemerals(prefix string) *Future[[]string] {
	r, err := a.c.ephemeralsRequest(prefix)
	if err != nil {
		return failed[[]string](a.c, "ephemerals", prefix, err)
	}
	return begin(a.c, r, "ephemerals", prefix, readEphemerals)
}

// Multi is [Conn.Multi]. A failed one has results, too.
func (a Async) Multi(ops ...Op) *Future[[]OpResult] {
	r, err := a.c.multiRequest(ops)
	if err != nil {
		return failed[[]OpResult](a.c, "multi", "", err)
	}
	ops = slices.Clone(ops) // the caller's, who goes on
	return begin(a.c, r, "multi", "", func(c *Conn, r *request) ([]OpResult, error) { return c.multiResults(ops, r) })
}

// MultiRead is [Conn.MultiRead].
func (a Async) MultiRead(ops ...ReadOp) *Future[[]ReadResult] {
	r, err := a.c.multiReadRequest(ops)
	if err != nil {
		return failed[[]ReadResult](a.c, "multi read", "", err)
	}
	ops = slices.Clone(ops) // the caller's, who goes on
	return begin(a.c, r, "multi read", "", func(_ *Conn, r *request) ([]ReadResult, error) { return readResults(ops, r), nil })
}

// WhoAmI is [Conn.WhoAmI].
func (a Async) WhoAmI() *Future[[]Identity] {
	return begin(a.c, a.c.request(proto.OpWhoAmI), "who am I", "", readIdentities)
}

// AddAuth is [Conn.AddAuth]. Calls made after it have the credential, without
// waiting for it. Cancel gives up waiting, not the credential.
func (a Async) AddAuth(scheme string, cred []byte) *Future[struct{}] {
	f := &Future[struct{}]{conn: a.c, op: "add auth"}
	_, known, l, err := a.c.addAuth(scheme, cred, f)
	switch {
	case err != nil:
		return failed[struct{}](a.c, "add auth", "", err)
	case known:
		f.settle(struct{}{}, nil)
	case l != nil:
		l.flushLater()
	}
	return f
}

// Config is [Conn.Config].
func (a Async) Config() *Future[Got] { return a.c.root().Async().Get(configPath) }

// ConfigW is [Conn.ConfigW].
func (a Async) ConfigW() *Future[Got] { return a.c.root().Async().GetW(configPath) }
