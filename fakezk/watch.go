package fakezk

import (
	"slices"
	"strings"

	"github.com/zookit/zookit/internal/jute"
	"github.com/zookit/zookit/internal/proto"
)

// Kinds of watches that a connection can have on one path, side by side.
type watchKinds uint8

const (
	watchOnce watchKinds = 1 << iota
	watchPersistent
	watchRecursive
)

// A watchTable says what a watch listens to.
type watchTable uint8

const (
	dataTable      watchTable = iota // getData, exists, persistent
	childTable                       // getChildren, persistent
	recursiveTable                   // persistent recursive
	watchTables
)

// A watchKey is a path in a table. Paths are as the client wrote them.
type watchKey struct {
	table watchTable
	path  string
}

// watches are the watches of a server's connections. They belong to
// connections, not to sessions, and die with them.
type watches struct {
	byPath map[watchKey][]*conn // in the order of arming
	pass   uint64               // of fire; a connection gets one event a pass
	count  [watchTables]int
}

// arm adds a watch; arming it twice is arming it once.
func (w *watches) arm(c *conn, table watchTable, path string, kind watchKinds) {
	key := watchKey{table, path}
	kinds, ok := c.watching[key]
	if kinds&kind != 0 {
		return
	}
	// The path aliases a frame, and to store in a map replaces a key that is
	// there already.
	key.path = strings.Clone(path)
	if !ok {
		if w.byPath == nil {
			w.byPath = map[watchKey][]*conn{}
		}
		if c.watching == nil {
			c.watching = map[watchKey]watchKinds{}
		}
		w.byPath[key] = append(w.byPath[key], c)
		w.count[table]++
	}
	c.watching[key] = kinds | kind
}

// disarm takes kinds of watches away, where there are any.
func (w *watches) disarm(c *conn, key watchKey, kinds watchKinds) {
	had := c.watching[key]
	if had&kinds == 0 {
		return
	}
	if left := had &^ kinds; left != 0 {
		c.watching[key] = left
		return
	}
	delete(c.watching, key)
	w.count[key.table]--
	watchers := w.byPath[key]
	if len(watchers) == 1 {
		delete(w.byPath, key)
		return
	}
	i := slices.Index(watchers, c)
	w.byPath[key] = slices.Delete(watchers, i, i+1)
}

// forget takes away all watches of a connection.
func (w *watches) forget(c *conn) {
	for key, kinds := range c.watching {
		w.disarm(c, key, kinds)
	}
	c.watching = nil
}

// fire sends the events of a change. A connection gets one, however many
// watches it has; deleting a node that it watches in both tables is one too.
func (w *watches) fire(s *state, ch change, zxid int64, fx *effects) {
	if len(w.byPath) == 0 {
		return
	}
	w.pass++
	path := wirePath(ch.path)
	switch ch.event {
	case proto.EventNodeChildrenChanged:
		w.fireOne(s, watchKey{childTable, path}, ch, zxid, fx)
		return
	case proto.EventNodeDeleted:
		w.fireOne(s, watchKey{dataTable, path}, ch, zxid, fx)
		w.fireOne(s, watchKey{childTable, path}, ch, zxid, fx)
	default:
		w.fireOne(s, watchKey{dataTable, path}, ch, zxid, fx)
	}
	if w.count[recursiveTable] == 0 {
		return
	}
	for at := ch.path; ; at = parentPath(at) {
		w.fireOne(s, watchKey{recursiveTable, wirePath(at)}, ch, zxid, fx)
		if at == "" {
			return
		}
	}
}

// fireOne tells the watchers of one key and takes away those that fire once,
// also where the node's ACL hides the event from them.
func (w *watches) fireOne(s *state, key watchKey, ch change, zxid int64, fx *effects) {
	watchers, ok := w.byPath[key]
	if !ok {
		return
	}
	keep := watchers[:0]
	for _, c := range watchers {
		if c.firedIn != w.pass {
			c.firedIn = w.pass
			if s.allowed(c.ids, ch.acl, proto.PermRead) {
				c.sendEvent(ch.event, wirePath(ch.path), zxid)
				fx.flushLater(c)
			}
		}
		if left := c.watching[key] &^ watchOnce; left != 0 {
			c.watching[key] = left
			keep = append(keep, c)
			continue
		}
		delete(c.watching, key)
		w.count[key.table]--
		c.emptied = c.emptied || key.table == dataTable
	}
	clear(watchers[len(keep):])
	if len(keep) == 0 {
		delete(w.byPath, key)
	} else {
		w.byPath[key] = keep
	}
}

// addWatch arms a persistent watch, on any path.
func (w *watches) addWatch(c *conn, path string, mode int32) proto.Code {
	switch mode {
	case proto.WatchPersistent:
		w.arm(c, dataTable, path, watchPersistent)
		w.arm(c, childTable, path, watchPersistent)
	case proto.WatchPersistentRecursive:
		w.arm(c, recursiveTable, path, watchRecursive)
	default:
		return proto.MarshallingError
	}
	return proto.OK
}

// watcherKinds is what a watcher type of removeWatches or checkWatches means,
// by table.
func watcherKinds(kind int32) (kinds [watchTables]watchKinds, ok bool) {
	switch kind {
	case proto.WatcherChildren:
		kinds[childTable] = watchOnce
	case proto.WatcherData:
		kinds[dataTable] = watchOnce
	case proto.WatcherAny:
		kinds[dataTable] = watchOnce | watchPersistent
		kinds[childTable] = watchOnce | watchPersistent
		kinds[recursiveTable] = watchRecursive
	case proto.WatcherPersistent:
		kinds[dataTable], kinds[childTable] = watchPersistent, watchPersistent
	case proto.WatcherPersistentRecursive:
		kinds[recursiveTable] = watchRecursive
	default:
		return kinds, false
	}
	return kinds, true
}

// check tells whether the connection has such a watch.
func (w *watches) check(c *conn, path string, kind int32) proto.Code {
	byTable, ok := watcherKinds(kind)
	if !ok {
		return proto.MarshallingError
	}
	for table, kinds := range byTable {
		if c.watching[watchKey{watchTable(table), path}]&kinds != 0 {
			return proto.OK
		}
	}
	return proto.NoWatcher
}

// remove takes such watches away.
func (w *watches) remove(c *conn, path string, kind int32) proto.Code {
	code := w.check(c, path, kind)
	if code == proto.OK {
		path = strings.Clone(path) // see arm
		byTable, _ := watcherKinds(kind)
		for table, kinds := range byTable {
			w.disarm(c, watchKey{watchTable(table), path}, kinds)
		}
		c.emptied = c.emptied && len(c.dataPaths()) > 0
	}
	return code
}

// reset arms the watches of a client that has reconnected. What has changed
// since the zxid that it has seen fires at once instead; persistent watches
// catch up on nothing (spec/wire-and-tree, B.6). It stops at a null list or path.
func (w *watches) reset(s *state, c *conn, r *proto.SetWatches2) proto.Code {
	for _, list := range []struct {
		paths  []string
		table  watchTable
		missed func(n *znode) (event int32) // 0 when nothing
	}{
		{r.Data, dataTable, func(n *znode) int32 {
			switch {
			case n == nil:
				return proto.EventNodeDeleted
			case n.mzxid > r.RelativeZxid:
				return proto.EventNodeDataChanged
			}
			return 0
		}},
		{r.Exist, dataTable, func(n *znode) int32 {
			if n != nil {
				return proto.EventNodeCreated
			}
			return 0
		}},
		{r.Child, childTable, func(n *znode) int32 {
			switch {
			case n == nil:
				return proto.EventNodeDeleted
			case n.pzxid > r.RelativeZxid:
				return proto.EventNodeChildrenChanged
			}
			return 0
		}},
	} {
		if list.paths == nil {
			return proto.MarshallingError
		}
		for _, path := range list.paths {
			if path == jute.NullItem {
				return proto.MarshallingError
			}
			if event := list.missed(s.tree.get(treePath(path))); event != 0 {
				c.sendEvent(event, path, -1)
			} else {
				w.arm(c, list.table, path, watchOnce)
			}
		}
	}
	if r.Persistent == nil {
		return proto.MarshallingError
	}
	for _, path := range r.Persistent {
		w.addWatch(c, path, proto.WatchPersistent)
	}
	if r.Recursive == nil {
		return proto.MarshallingError
	}
	for _, path := range r.Recursive {
		w.addWatch(c, path, proto.WatchPersistentRecursive)
	}
	return proto.OK
}
