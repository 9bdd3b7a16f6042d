package fakezk

import (
	"slices"

	"github.com/zookit/zookit/internal/proto"
)

// multi runs all operations or none, each on what the earlier ones have done.
// On failure the results are errors: 0 before the one that failed, its code,
// and RuntimeInconsistency behind it (spec/wire-and-tree, F). Only null paths
// and ids fail the request as a whole.
func (s *state) multi(t *txn, ops []proto.MultiOp, results []proto.MultiResult) ([]proto.MultiResult, proto.Code) {
	for i := range ops {
		if ops[i].NullPath || isRead(ops[i].Op) {
			return results, proto.MarshallingError
		}
	}
	s.inMulti, s.undo = true, s.undo[:0]
	for i := range ops {
		r := proto.MultiResult{Op: ops[i].Op}
		switch code := s.multiOp(t, &ops[i], &r); code {
		case proto.OK:
			results = append(results, r)
		case proto.MarshallingError:
			s.rollBack()
			return results, code
		default:
			s.rollBack()
			return failedMulti(results[:0], len(ops), i, code), proto.OK
		}
	}
	s.inMulti = false
	return results, proto.OK
}

func isRead(op proto.Op) bool { return op == proto.OpGetData || op == proto.OpGetChildren }

func failedMulti(results []proto.MultiResult, n, failed int, code proto.Code) []proto.MultiResult {
	for i := range n {
		r := proto.MultiResult{Op: proto.OpError}
		switch {
		case i == failed:
			r.Err = code
		case i > failed:
			r.Err = proto.RuntimeInconsistency
		}
		results = append(results, r)
	}
	return results
}

func anyNullPath(ops []proto.MultiOp) bool {
	return slices.ContainsFunc(ops, func(op proto.MultiOp) bool { return op.NullPath })
}

func (s *state) multiOp(t *txn, op *proto.MultiOp, r *proto.MultiResult) proto.Code {
	switch op.Op {
	case proto.OpDelete:
		return s.delete(t, op.Path, op.Version)
	case proto.OpCheck:
		return s.check(t, op.Path, op.Version)
	case proto.OpSetData:
		n, code := s.set(t, op.Path, op.Data, op.Version)
		if code == proto.OK {
			r.Stat = n.stat()
		}
		return code
	}
	q := &s.cfg.quirks
	if q.multiUnjudged && op.Op != proto.OpCreateTTL && q.areTTL(op.Flags) {
		return proto.MarshallingError
	}
	a := q.multiCreate(op)
	n, code := s.create(t, &a)
	if code != proto.OK {
		return code
	}
	r.Path, r.Stat, r.Op = n.path, createdStat(n, a.data), proto.OpCreate2
	if a.op == proto.OpCreate {
		r.Op = proto.OpCreate
	}
	return code
}

// multiCreate is the create that an operation of a multi amounts to: there the
// flags, not the opcode, tell the kind.
func (q *quirks) multiCreate(op *proto.MultiOp) createArgs {
	a := createArgs{op: op.Op, path: op.Path, data: op.Data, acl: op.ACL, mode: op.Flags, ttl: op.TTL}
	switch {
	case op.Flags == proto.FlagContainer:
		a.op = proto.OpCreateContainer
	case op.Op == proto.OpCreateTTL && op.Flags < proto.FlagPersistentTTL:
		a.op, a.ttl = proto.OpCreate, -1
	case q.multiUnjudged && op.Op != proto.OpCreateTTL:
		a.op = proto.OpCreate
	}
	return a
}

// soundMulti tells whether the operations that were decoded are sound, as far
// as decoding judges it in a real server: their flags have to be those of a
// kind of node, and an ACL must not be null. It stops at the first that is not.
func (q *quirks) soundMulti(ops []proto.MultiOp) (sound, nullACL bool) {
	for i := range ops {
		op := &ops[i]
		switch {
		case q.lacks[op.Op], q.lacks[proto.OpMultiRead] && isRead(op.Op):
			return false, false
		case q.multiUnjudged:
			continue
		}
		switch op.Op {
		case proto.OpCreate, proto.OpCreate2, proto.OpCreateContainer:
			switch {
			case op.Flags < 0 || op.Flags > proto.FlagPersistentSequentialTTL:
				return false, false
			case op.ACL == nil:
				return false, true
			case op.Flags >= proto.FlagPersistentTTL:
				return false, false
			}
		}
		if isRead(op.Op) != isRead(ops[0].Op) {
			return false, false
		}
	}
	return true, false
}

// multiRead runs reads, each on its own: what cannot be read does not affect
// the others. It ends at what is no read of a path.
func (s *state) multiRead(ids []identity, ops []proto.MultiOp, results []proto.MultiResult) ([]proto.MultiResult, proto.Code) {
	for i := range ops {
		r := proto.MultiResult{Op: ops[i].Op}
		if ops[i].NullPath || !isRead(r.Op) {
			return results, proto.MarshallingError
		}
		n, code := s.permitted(ids, ops[i].Path, proto.PermRead)
		switch {
		case code != proto.OK:
			r = proto.MultiResult{Op: proto.OpError, Err: code}
		case r.Op == proto.OpGetData:
			r.Stat = n.stat()
			if !n.null {
				r.Data = []byte(n.data)
			}
		default:
			r.Children = s.tree.appendChildren([]string{}, n)
		}
		results = append(results, r)
	}
	return results, proto.OK
}
