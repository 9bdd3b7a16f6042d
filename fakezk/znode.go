package fakezk

import (
	"strings"
	"sync/atomic"

	"github.com/google/btree"

	"github.com/zookit/zookit/internal/proto"
)

// Owners that are not sessions. A TTL znode's owner has the top byte 0xff and
// the time to live in milliseconds below (spec/wire-and-tree, E.7 and E.8).
const (
	ownerContainer = -1 << 63
	ownerTTLMask   = -1 << 56
	ttlMask        = 1<<40 - 1
)

// A znode is one node. The tree that has its generation may change it in
// place; every other tree that holds it must not.
type znode struct {
	path string // "" is the root
	data string
	acl  *aclList

	czxid, mzxid, pzxid int64
	ctime, mtime        int64 // Unix time in milliseconds
	owner               int64 // session of an ephemeral, or one of the above

	version  int32
	creates  int32 // children ever created: ZooKeeper's stored cversion
	aversion int32
	children int32

	gen  uint32
	null bool // data is null, which is not the same as empty
}

func (n *znode) isContainer() bool { return n.owner == ownerContainer }
func (n *znode) isTTL() bool {
	return n.owner != ownerContainer && n.owner&ownerTTLMask == ownerTTLMask
}
func (n *znode) isEphemeral() bool { return n.owner != 0 && !n.isContainer() && !n.isTTL() }

// stat is what a server tells of the node: cversion counts creates and
// deletes, and containers and TTL nodes show no owner.
func (n *znode) stat() proto.Stat {
	s := proto.Stat{
		Czxid: n.czxid, Mzxid: n.mzxid, Pzxid: n.pzxid,
		Ctime: n.ctime, Mtime: n.mtime,
		Version: n.version, Cversion: 2*n.creates - n.children, Aversion: n.aversion,
		DataLength: int32(len(n.data)), NumChildren: n.children,
	}
	if n.isEphemeral() {
		s.EphemeralOwner = n.owner
	}
	return s
}

// createdStat is what a create answers with: that of the node as it was asked
// for. The data of a node for the stats of a quota is another at once.
func createdStat(n *znode, data []byte) proto.Stat {
	s := n.stat()
	s.DataLength = int32(len(data))
	return s
}

// wirePath is the path as clients write it.
func wirePath(path string) string {
	if path == "" {
		return "/"
	}
	return path
}

// treePath is the path as the tree has it: the root has the empty name.
func treePath(path string) string {
	if path == "/" {
		return ""
	}
	return path
}

// parentPath is the tree's path of the parent, of a path that has a slash.
func parentPath(path string) string { return path[:strings.LastIndexByte(path, '/')] }

// below tells whether path is a strict descendant of the tree's path dir.
func below(path, dir string) bool {
	return len(path) > len(dir) && path[len(dir)] == '/' && path[:len(dir)] == dir
}

// pathLess orders paths with the slash below every other byte, so that a node
// and its descendants are one range.
func pathLess(a, b string) bool {
	n := min(len(a), len(b))
	for i := range n {
		if x, y := a[i], b[i]; x != y {
			return x == '/' || y != '/' && x < y
		}
	}
	return len(a) < len(b)
}

// A tree holds znodes in the order of pathLess. A clone costs nothing; both
// sides then copy what they change.
type tree struct {
	nodes *btree.BTreeG[*znode]
	gen   uint32
	gens  *atomic.Uint32 // generations given to this tree and its clones
	pivot znode          // for look-ups without an allocation
}

func newTree() *tree {
	return &tree{
		nodes: btree.NewG(32, func(a, b *znode) bool { return pathLess(a.path, b.path) }),
		gens:  new(atomic.Uint32),
	}
}

func (t *tree) clone() *tree {
	c := &tree{nodes: t.nodes.Clone(), gens: t.gens}
	t.gen, c.gen = t.gens.Add(1), t.gens.Add(1)
	return c
}

// get finds a node by its tree path, or returns nil.
func (t *tree) get(path string) *znode {
	t.pivot.path = path
	n, _ := t.nodes.Get(&t.pivot)
	t.pivot.path = ""
	return n
}

// mutable is n, or a copy of n that takes its place, for the caller to change.
func (t *tree) mutable(n *znode) *znode {
	if n.gen == t.gen {
		return n
	}
	c := *n
	c.gen = t.gen
	t.nodes.ReplaceOrInsert(&c)
	return &c
}

func (t *tree) put(n *znode) {
	n.gen = t.gen
	t.nodes.ReplaceOrInsert(n)
}

func (t *tree) remove(path string) {
	t.pivot.path = path
	t.nodes.Delete(&t.pivot)
	t.pivot.path = ""
}

// eachBelow calls f for every strict descendant of dir, in order, until f
// returns false.
func (t *tree) eachBelow(dir string, f func(*znode) bool) {
	t.nodes.AscendGreaterOrEqual(&znode{path: dir}, func(n *znode) bool {
		if len(n.path) == len(dir) {
			return true // dir itself
		}
		return below(n.path, dir) && f(n)
	})
}

// appendChildren appends the names of dir's children. It leaps over the
// descendants of each child that has any.
func (t *tree) appendChildren(names []string, dir *znode) []string {
	skip := len(dir.path) + 1
	from := znode{path: dir.path + "/"}
	for left := int(dir.children); left > 0; {
		var last *znode
		t.nodes.AscendGreaterOrEqual(&from, func(n *znode) bool {
			if !below(n.path, dir.path) {
				left = 0
				return false
			}
			names = append(names, n.path[skip:])
			last = n
			left--
			return n.children == 0 && left > 0
		})
		if left > 0 {
			// No name has a byte as low as 1, and the slash is lower.
			from.path = last.path + "\x01"
		}
	}
	return names
}

// countBelow is the number of strict descendants of dir.
func (t *tree) countBelow(dir string) (count int) {
	if dir == "" {
		return t.nodes.Len() - 1
	}
	t.eachBelow(dir, func(*znode) bool { count++; return true })
	return count
}
