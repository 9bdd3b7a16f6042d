package fakezk

import (
	"strconv"
	"strings"

	"github.com/zookit/zookit/internal/proto"
)

// A txn is what a write needs beside its arguments: who asks, under which
// zxid, and when.
type txn struct {
	zxid    int64
	now     int64 // Unix time in milliseconds
	session int64
	ids     []identity
}

// special tells whether a path cannot be deleted.
func (q *quirks) special(path string) bool {
	switch path {
	case "", zookeeperPath, quotaPath:
		return true
	case configPath:
		return !q.noConfigNode
	}
	return false
}

// plausible is the partial check of create and delete; the full one comes, if
// at all, only behind the look-up of the parent.
func plausible(path string) bool {
	return strings.IndexByte(path, '/') >= 0 && strings.IndexByte(path, 0) < 0
}

// validPath is the full check.
func (s *state) validPath(path string) bool {
	return proto.CheckPath(path) == nil || s.cfg.quirks.laxPaths && proto.CheckPath(withoutEnds(path)) == nil
}

// withoutEnds replaces what releases with laxPaths allow beyond others.
func withoutEnds(path string) string {
	return strings.Map(func(c rune) rune {
		switch c {
		case 0x1f, 0x7f, 0x9f, 0xf8ff, 0xfff0, 0xffff:
			return '_'
		}
		return c
	}, path)
}

// createArgs is a create of any kind.
type createArgs struct {
	op   proto.Op
	path string
	null bool // path
	data []byte
	acl  []proto.ACL
	mode int32 // flags
	ttl  int64 // milliseconds; -1 for none
}

// create makes a znode. The order of its checks is the server's
// (spec/wire-and-tree, B.3).
func (s *state) create(t *txn, a *createArgs) (*znode, proto.Code) {
	q := &s.cfg.quirks
	owner, flagsCode := s.ownerOf(t, a)
	if flagsCode != proto.OK && !q.flagsLast {
		return nil, flagsCode
	}
	switch {
	case a.null:
		return nil, proto.MarshallingError
	case !plausible(a.path):
		return nil, proto.BadArguments
	}
	acl, code := s.normalizeACL(t.ids, a.acl)
	if code != proto.OK {
		return nil, code
	}
	parent := s.parentOf(a.path)
	if parent == nil {
		return nil, proto.NoNode
	}
	if !s.allowed(t.ids, parent.acl, proto.PermCreate) {
		return nil, proto.NoAuth
	}
	if flagsCode != proto.OK {
		return nil, flagsCode
	}
	both := pathAndData(a, parent)
	path := both[:len(both)-len(a.data)]
	if !s.validPath(path) {
		return nil, proto.BadArguments
	}
	if s.tree.get(treePath(path)) != nil {
		return nil, proto.NodeExists
	}
	if parent.isEphemeral() {
		return nil, proto.NoChildrenForEphemerals
	}
	if code := s.checkQuota(path, 1, int64(len(a.data))); code != proto.OK {
		return nil, code
	}
	n := &znode{
		path: path, data: both[len(path):], null: a.data == nil, acl: acl,
		czxid: t.zxid, mzxid: t.zxid, pzxid: t.zxid, ctime: t.now, mtime: t.now, owner: owner,
	}
	s.put(n)
	parent = s.edit(parent)
	parent.children++
	// The counter is only ever raised: at its maximum it sticks, and pzxid
	// with it (E.5).
	if parent.creates+1 > parent.creates || q.counterWraps {
		parent.creates++
		parent.pzxid = t.zxid
	}
	s.countQuota(n.path, 1, int64(len(n.data)))
	s.quotaCreated(n)
	s.note(proto.EventNodeCreated, n)
	s.note(proto.EventNodeChildrenChanged, parent)
	return n, proto.OK
}

// pathAndData copies both out of the frame, in one allocation. (To concatenate
// strings would not do: where only one of them is not empty it is not copied.)
func pathAndData(a *createArgs, parent *znode) string {
	var digits [suffixMax]byte
	suffix := sequenceSuffix(digits[:0], parent, a.mode)
	var b strings.Builder
	b.Grow(len(a.path) + len(suffix) + len(a.data))
	b.WriteString(a.path)
	b.Write(suffix)
	b.Write(a.data)
	return b.String()
}

func sequential(mode int32) bool {
	switch mode {
	case proto.FlagPersistentSequential, proto.FlagEphemeralSequential, proto.FlagPersistentSequentialTTL:
		return true
	}
	return false
}

// suffixMax is the longest sequence number, that of the least int32.
const suffixMax = len("-2147483648")

// sequenceSuffix appends the number of children that the parent ever had, in
// ten places with the sign, or nothing for a mode that is not sequential.
func sequenceSuffix(b []byte, parent *znode, mode int32) []byte {
	if !sequential(mode) {
		return b
	}
	n, width := int64(parent.creates), 10
	if n < 0 {
		b = append(b, '-')
		n, width = -n, 9
	}
	var space [suffixMax]byte
	digits := strconv.AppendInt(space[:0], n, 10)
	b = append(b, "0000000000"[:max(0, width-len(digits))]...)
	return append(b, digits...)
}

// ownerOf judges the flags of a create and tells who is to own the node.
func (s *state) ownerOf(t *txn, a *createArgs) (int64, proto.Code) {
	if a.mode < proto.FlagPersistent || a.mode > s.cfg.quirks.lastFlags() {
		return 0, proto.BadArguments
	}
	if a.mode >= proto.FlagPersistentTTL {
		switch {
		case !s.cfg.extendedTypes:
			return 0, proto.Unimplemented
		case a.ttl < 1 || a.ttl > proto.MaxTTL:
			return 0, proto.BadArguments
		}
		return ownerTTLMask | a.ttl, proto.OK
	}
	if a.op == proto.OpCreateTTL {
		return 0, proto.BadArguments
	}
	if a.op == proto.OpCreateContainer {
		return ownerContainer, proto.OK
	}
	if a.mode == proto.FlagEphemeral || a.mode == proto.FlagEphemeralSequential {
		return t.session, proto.OK
	}
	return 0, proto.OK
}

// delete removes a znode.
func (s *state) delete(t *txn, path string, version int32) proto.Code {
	if !plausible(path) || s.cfg.quirks.special(treePath(path)) {
		return proto.BadArguments
	}
	parent := s.parentOf(path)
	if parent == nil {
		return proto.NoNode
	}
	n := s.tree.get(path)
	switch {
	case n == nil && s.cfg.quirks.deleteLooksFirst:
		return proto.NoNode
	case !s.allowed(t.ids, parent.acl, proto.PermDelete):
		return proto.NoAuth
	case n == nil:
		return proto.NoNode
	}
	if version != -1 && version != n.version {
		return proto.BadVersion
	}
	if n.children > 0 {
		return proto.NotEmpty
	}
	s.removeAndTell(n, t.zxid)
	return proto.OK
}

// deleteContainer removes a node without asking whose it is: the reaper's
// transaction, which since 3.9 a client can send too.
func (s *state) deleteContainer(t *txn, path string) proto.Code {
	if !plausible(path) || s.cfg.quirks.special(treePath(path)) {
		return proto.BadArguments
	}
	if s.parentOf(path) == nil {
		return proto.NoNode
	}
	n := s.tree.get(path)
	switch {
	case n == nil:
		return proto.NoNode
	case n.children > 0:
		return proto.NotEmpty
	case n.isEphemeral():
		return proto.BadVersion
	}
	s.removeAndTell(n, t.zxid)
	return proto.OK
}

// set replaces a znode's data.
func (s *state) set(t *txn, path string, data []byte, version int32) (*znode, proto.Code) {
	if !s.validPath(path) {
		return nil, proto.BadArguments
	}
	n, code := s.permitted(t.ids, path, proto.PermWrite)
	if code != proto.OK {
		return nil, code
	}
	grown := int64(len(data) - len(n.data))
	if code := s.checkQuota(n.path, 0, grown); code != proto.OK {
		return nil, code
	}
	if version != -1 && version != n.version {
		return nil, proto.BadVersion
	}
	n = s.edit(n)
	s.setData(n, string(data), data == nil)
	n.version++
	n.mzxid, n.mtime = t.zxid, t.now
	s.countQuota(n.path, 0, grown)
	s.note(proto.EventNodeDataChanged, n)
	return n, proto.OK
}

// check is the version check of a multi.
func (s *state) check(t *txn, path string, version int32) proto.Code {
	if !s.validPath(path) {
		return proto.BadArguments
	}
	n, code := s.permitted(t.ids, path, proto.PermRead)
	if code != proto.OK {
		return code
	}
	if version != -1 && version != n.version {
		return proto.BadVersion
	}
	return proto.OK
}

// setACL replaces a znode's ACL; it fires no watch.
func (s *state) setACL(t *txn, path string, acl []proto.ACL, version int32) (*znode, proto.Code) {
	if !s.validPath(path) {
		return nil, proto.BadArguments
	}
	list, code := s.normalizeACL(t.ids, acl)
	if code != proto.OK {
		return nil, code
	}
	n, code := s.permitted(t.ids, path, proto.PermAdmin)
	if code != proto.OK {
		return nil, code
	}
	if version != -1 && version != n.aversion {
		return nil, proto.BadVersion
	}
	n = s.edit(n)
	n.acl = list
	n.aversion++
	return n, proto.OK
}
