package zk

import (
	"context"
	"fmt"
	"time"

	"github.com/zookit/zookit/internal/proto"
)

// An Op is one operation of a Multi. CreateOp and its siblings make it.
type Op struct {
	name string
	path string
	mode CreateMode
	acl  []ACL
	op   proto.MultiOp
	err  error
}

// CreateOp creates a node; see [Conn.Create].
func CreateOp(path string, data []byte, mode CreateMode, acl ...ACL) Op {
	o := Op{name: "create", path: path, mode: mode, acl: acl, op: proto.MultiOp{Op: mode.op()}}
	o.op.Data, o.op.Flags = data, int32(mode)
	return o
}

// CreateTTLOp creates a node with a time to live; see [Conn.CreateTTL].
func CreateTTLOp(path string, data []byte, mode CreateMode, ttl time.Duration, acl ...ACL) Op {
	o := Op{name: "create", path: path, mode: mode, acl: acl, op: proto.MultiOp{Op: proto.OpCreateTTL}}
	o.op.Flags, o.err = ttlFlags(mode, ttl)
	o.op.Data, o.op.TTL = data, ttl.Milliseconds()
	return o
}

// SetOp sets the data of a node; see [Conn.Set].
func SetOp(path string, data []byte, version int32) Op {
	o := Op{name: "set", path: path, op: proto.MultiOp{Op: proto.OpSetData, Version: version}}
	o.op.Data = data
	return o
}

// DeleteOp deletes a node; see [Conn.Delete].
func DeleteOp(path string, version int32) Op {
	return Op{name: "delete", path: path, op: proto.MultiOp{Op: proto.OpDelete, Version: version}}
}

// CheckOp makes the multi fail with [ErrBadVersion] unless the node has the
// version, or with [ErrNoNode] if there is none. [AnyVersion] checks that
// there is one.
func CheckOp(path string, version int32) Op {
	return Op{name: "check", path: path, op: proto.MultiOp{Op: proto.OpCheck, Version: version}}
}

// An OpResult is what became of one operation of a Multi.
type OpResult struct {
	Path string // of a created node
	Stat Stat   // of a node that was created (by servers of 3.8.2) or set
	Err  error  // ErrRolledBack before the one that failed, its Code, ErrRuntimeInconsistency after it
}

// A MultiError says which operation made a Multi fail.
type MultiError struct {
	Index int    // of the operation, from 0
	Op    string // such as "create"
	Path  string // as the caller gave it
	Err   error  // a Code, or what is wrong with the operation itself
}

// Error is of the form "operation 2: create /a/b: node exists".
func (e *MultiError) Error() string {
	return fmt.Sprintf("operation %d: %s %s: %v", e.Index, e.Op, e.Path, e.Err)
}

// Unwrap is Err.
func (e *MultiError) Unwrap() error { return e.Err }

// Multi applies all operations or none, each as if those before it were done.
// When one fails, the error wraps a [*MultiError] and the [Code] of that one,
// and the results say what became of each.
func (c *Conn) Multi(ctx context.Context, ops ...Op) ([]OpResult, error) {
	r, err := c.multiRequest(ops)
	if err != nil {
		return nil, &Error{Op: "multi", Err: err, fate: unsent}
	}
	if err := c.do(ctx, r, "multi", ""); err != nil {
		return nil, err
	}
	results, err := c.multiResults(ops, r)
	c.recycle(r)
	return results, err
}

func (c *Conn) multiRequest(ops []Op) (*request, error) {
	multi := make([]proto.MultiOp, len(ops))
	for i, o := range ops {
		full, err := o.path, o.err
		if err == nil {
			full, err = c.fullNew(o.path, o.mode)
		}
		if err != nil {
			return nil, &MultiError{Index: i, Op: o.name, Path: o.path, Err: err}
		}
		multi[i] = o.op
		multi[i].Path = full
		if o.name == "create" {
			multi[i].ACL = c.cfg.newACL(nil, o.acl)
		}
	}
	r := c.request(proto.OpMulti)
	r.multi = multi
	return r, nil
}

func (c *Conn) multiResults(ops []Op, r *request) ([]OpResult, error) {
	results := make([]OpResult, len(ops))
	failed := -1
	for i, a := range r.list.results {
		res := &results[i]
		if a.Op != proto.OpError {
			res.Path, _ = strip(c.chroot, a.Path)
			res.Stat = Stat(a.Stat)
			continue
		}
		switch a.Err {
		case proto.OK:
			res.Err = ErrRolledBack
		case proto.RuntimeInconsistency:
			res.Err = ErrRuntimeInconsistency
		default:
			res.Err = Code(a.Err)
			if failed < 0 {
				failed = i
			}
		}
	}
	for i := 0; failed < 0 && i < len(results); i++ { // a server that names no culprit
		if results[i].Err != nil {
			failed = i
		}
	}
	if failed < 0 {
		return results, nil
	}
	o := ops[failed]
	err := &MultiError{Index: failed, Op: o.name, Path: o.path, Err: results[failed].Err}
	return results, &Error{Op: "multi", Err: err, Zxid: r.zxid}
}

// A ReadOp is one operation of a MultiRead. GetOp and ChildrenOp make it.
type ReadOp struct {
	name string
	path string
	op   proto.Op
}

// GetOp reads the data of a node; see [Conn.Get].
func GetOp(path string) ReadOp { return ReadOp{name: "get", path: path, op: proto.OpGetData} }

// ChildrenOp reads the names of a node's children; see [Conn.ChildNames].
func ChildrenOp(path string) ReadOp {
	return ReadOp{name: "children", path: path, op: proto.OpGetChildren}
}

// A ReadResult is the result of one operation of a MultiRead.
type ReadResult struct {
	Data     []byte   // of GetOp
	Stat     Stat     // of GetOp
	Children []string // of ChildrenOp
	Err      error    // an *Error; the others are not affected
}

// MultiRead reads several nodes at one moment. What is wrong with one of them
// its result says; an error of MultiRead itself means that there are no
// results. It takes a server of 3.6.
func (c *Conn) MultiRead(ctx context.Context, ops ...ReadOp) ([]ReadResult, error) {
	r, err := c.multiReadRequest(ops)
	if err != nil {
		return nil, &Error{Op: "multi read", Err: err, fate: unsent}
	}
	if err := c.do(ctx, r, "multi read", ""); err != nil {
		return nil, err
	}
	results := readResults(ops, r)
	c.recycle(r)
	return results, nil
}

func (c *Conn) multiReadRequest(ops []ReadOp) (*request, error) {
	multi := make([]proto.MultiOp, len(ops))
	for i, o := range ops {
		full, err := c.full(o.path)
		if err != nil {
			return nil, &MultiError{Index: i, Op: o.name, Path: o.path, Err: err}
		}
		multi[i].Op, multi[i].Path = o.op, full
	}
	r := c.request(proto.OpMultiRead)
	r.multi = multi
	return r, nil
}

func readResults(ops []ReadOp, r *request) []ReadResult {
	results := make([]ReadResult, len(ops))
	for i, a := range r.list.results {
		if a.Op == proto.OpError {
			results[i].Err = &Error{Op: ops[i].name, Path: ops[i].path, Err: Code(a.Err), Zxid: r.zxid}
			continue
		}
		results[i] = ReadResult{Data: a.Data, Stat: Stat(a.Stat), Children: a.Children}
	}
	return results
}
