package fakezk

import (
	"github.com/google/btree"

	"github.com/zookit/zookit/internal/proto"
)

// Built-in paths.
const (
	zookeeperPath = "/zookeeper"
	quotaPath     = "/zookeeper/quota"
	configPath    = "/zookeeper/config"
)

// state is all that an ensemble replicates, and the indexes over it. It has
// no lock, no clock and no I/O: each transition is told its zxid and its time,
// so that it gives the same result wherever it runs.
type state struct {
	cfg  *config
	tree *tree
	zxid int64 // of the last transaction
	lost int64 // zxids since then that were taken and never used; see quirks

	ephemerals *btree.BTreeG[ephemeral]
	reapable   *btree.BTreeG[string] // containers and TTL nodes
	quotas     *btree.BTreeG[string] // paths with limits
	sessions   *btree.BTreeG[sessionRecord]
	dataSize   int64 // bytes of paths and data

	changes []change // of the transaction under way, for watches
	undo    []undo   // what a failed multi takes back
	inMulti bool
}

// ephemeral is a znode that dies with its session.
type ephemeral struct {
	session int64
	path    string
}

// sessionRecord is what is replicated of a session.
type sessionRecord struct {
	id      int64
	timeout int32  // milliseconds
	client  string // address of its latest connection
}

// A change is what a transaction did to one node, for watches.
type change struct {
	event int32
	path  string
	acl   *aclList // of the node, for who may see the event
	owner int64    // of the node
}

// undo is a node as it was, or that it was not there.
type undo struct {
	path string
	was  *znode
}

func newState(cfg *config) *state {
	stringLess := func(a, b string) bool { return a < b }
	s := &state{
		cfg:  cfg,
		tree: newTree(),
		ephemerals: btree.NewG(32, func(a, b ephemeral) bool {
			return a.session < b.session || a.session == b.session && a.path < b.path
		}),
		reapable: btree.NewG(8, stringLess),
		quotas:   btree.NewG(8, stringLess),
		sessions: btree.NewG(32, func(a, b sessionRecord) bool { return a.id < b.id }),
	}
	s.put(&znode{path: "", acl: openACL, children: 1})
	s.put(&znode{path: zookeeperPath, acl: openACL, children: 2})
	s.put(&znode{path: quotaPath, acl: openACL})
	s.put(&znode{path: configPath, acl: readACL, aversion: -1})
	switch config := s.tree.get(configPath); {
	case cfg.quirks.noConfigNode:
		s.remove(config)
		s.edit(s.tree.get(zookeeperPath)).children--
	case cfg.quirks.openConfigNode:
		config.acl, config.aversion = openACL, 0
	}
	return s
}

// clone is a state of its own with the same content. It costs nothing; what
// either side changes afterwards it copies.
func (s *state) clone() *state {
	return &state{
		cfg: s.cfg, tree: s.tree.clone(), zxid: s.zxid, lost: s.lost,
		ephemerals: s.ephemerals.Clone(), reapable: s.reapable.Clone(),
		quotas: s.quotas.Clone(), sessions: s.sessions.Clone(), dataSize: s.dataSize,
	}
}

// next takes the zxid of the transaction that begins.
func (s *state) next() int64 {
	s.zxid += 1 + s.lost
	s.lost = 0
	return s.zxid
}

// put stores a node and keeps the indexes in step.
func (s *state) put(n *znode) {
	s.remember(n.path, nil)
	s.tree.put(n)
	s.index(n, 1)
}

// remove takes a node away.
func (s *state) remove(n *znode) {
	s.remember(n.path, n)
	s.tree.remove(n.path)
	s.index(n, -1)
}

func (s *state) index(n *znode, by int64) {
	s.dataSize += by * int64(len(n.path)+len(n.data))
	if n.owner != 0 {
		s.indexOwner(n, by > 0)
	}
	if quota, ok := limitsOf(n.path); ok {
		if by > 0 {
			s.quotas.ReplaceOrInsert(quota)
		} else {
			s.quotas.Delete(quota)
		}
	}
}

func (s *state) indexOwner(n *znode, add bool) {
	e := ephemeral{n.owner, n.path}
	switch {
	case n.isEphemeral() && add:
		s.ephemerals.ReplaceOrInsert(e)
	case n.isEphemeral():
		s.ephemerals.Delete(e)
	case add:
		s.reapable.ReplaceOrInsert(n.path)
	default:
		s.reapable.Delete(n.path)
	}
}

// edit is a node that the caller may change; its path and owner stay.
func (s *state) edit(n *znode) *znode {
	s.remember(n.path, n)
	return s.tree.mutable(n)
}

// setData gives a node of edit new data.
func (s *state) setData(n *znode, data string, null bool) {
	s.dataSize += int64(len(data) - len(n.data))
	n.data, n.null = data, null
}

func (s *state) remember(path string, was *znode) {
	if !s.inMulti {
		return
	}
	if was != nil {
		c := *was
		was = &c
	}
	s.undo = append(s.undo, undo{path, was})
}

// rollBack takes back all that was done since begin.
func (s *state) rollBack() {
	s.inMulti = false
	for i := len(s.undo) - 1; i >= 0; i-- {
		u := s.undo[i]
		if n := s.tree.get(u.path); n != nil {
			s.remove(n)
		}
		if u.was != nil {
			s.put(u.was)
		}
	}
	s.changes = s.changes[:0]
}

// note records a change for watches.
func (s *state) note(event int32, n *znode) {
	s.changes = append(s.changes, change{event, n.path, n.acl, n.owner})
}

// parentOf finds the parent of a path that has a slash, or nil.
func (s *state) parentOf(path string) *znode { return s.tree.get(treePath(parentPath(path))) }

// childGone updates the parent of a node that was removed.
func (s *state) childGone(parent *znode, zxid int64) {
	parent = s.edit(parent)
	parent.children--
	if zxid > parent.pzxid {
		parent.pzxid = zxid
	}
}

// removeAndTell removes a node as a delete does.
func (s *state) removeAndTell(n *znode, zxid int64) {
	parent := s.parentOf(n.path)
	s.remove(n)
	s.childGone(parent, zxid)
	s.countQuota(n.path, -1, -int64(len(n.data)))
	s.note(proto.EventNodeDeleted, n)
	s.note(proto.EventNodeChildrenChanged, parent)
}

// closeSession ends a session: all its ephemerals go in this one transaction.
func (s *state) closeSession(id int64) (zxid int64) {
	zxid = s.next()
	s.sessions.Delete(sessionRecord{id: id})
	var paths []string
	s.eachEphemeral(id, func(path string) { paths = append(paths, path) })
	for _, path := range paths {
		s.removeAndTell(s.tree.get(path), zxid)
	}
	return zxid
}

// eachEphemeral calls f for the path of each ephemeral of a session, in order.
func (s *state) eachEphemeral(id int64, f func(path string)) {
	s.ephemerals.AscendGreaterOrEqual(ephemeral{session: id}, func(e ephemeral) bool {
		if e.session == id {
			f(e.path)
		}
		return e.session == id
	})
}
