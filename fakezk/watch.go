package fakezk

import (
	"slices"
	"strings"

	"github.com/zookit/zookit/internal/jute"
	"github.com/zookit/zookit/internal/proto"
)

// Kinds of watches that a connection can have on one path in one table, side
// by side.
type watchKinds uint8

const (
	watchOnce watchKinds = 1 << iota
	watchPersistent
	watchRecursive
)

// A watchTable says what a watch listens to.
type watchTable uint8

const (
	dataTable  watchTable = iota // getData, exists, persistent, recursive
	childTable                   // getChildren, persistent
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
	quirks    *quirks
	byPath    map[watchKey][]*conn // in the order of arming
	pass      uint64               // of fire; a connection gets one event a pass
	recursive [watchTables]int
}

// arm adds a watch; arming it twice is arming it once.
func (w *watches) arm(c *conn, table watchTable, path string, kind watchKinds) {
	key := watchKey{table, path}
	kinds := c.watching[key]
	if kinds&kind != 0 {
		return
	}
	// The path aliases a frame, and to store in a map replaces a key that is
	// there already.
	key.path = strings.Clone(path)
	if kinds == 0 {
		if w.byPath == nil {
			w.byPath = map[watchKey][]*conn{}
		}
		if c.watching == nil {
			c.watching = map[watchKey]watchKinds{}
		}
		w.byPath[key] = append(w.byPath[key], c)
	}
	if w.quirks.oneWatchAPath {
		w.keep(c, key, kind)
	} else {
		w.keep(c, key, kinds|kind)
	}
}

// keep notes what kinds of watches a connection has on a path.
func (w *watches) keep(c *conn, key watchKey, kinds watchKinds) {
	was := c.watching[key]
	switch {
	case was&^kinds&watchRecursive != 0:
		w.recursive[key.table]--
	case kinds&^was&watchRecursive != 0:
		w.recursive[key.table]++
	}
	if kinds == 0 {
		delete(c.watching, key)
	} else {
		c.watching[key] = kinds
	}
}

// disarm takes kinds of watches away, where there are any.
func (w *watches) disarm(c *conn, key watchKey, kinds watchKinds) {
	had := c.watching[key]
	if had&kinds == 0 {
		return
	}
	w.keep(c, key, had&^kinds)
	if had&^kinds != 0 {
		return
	}
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
	if w.quirks.eventsWithoutZxid {
		zxid = -1
	}
	w.pass++
	if ch.event != proto.EventNodeChildrenChanged {
		w.fireTable(s, dataTable, ch, zxid, fx)
	}
	if ch.event == proto.EventNodeChildrenChanged || ch.event == proto.EventNodeDeleted {
		w.fireTable(s, childTable, ch, zxid, fx)
	}
}

// fireTable tells those who watch the node, and those who watch all below one
// above it, unless the change is to the list of its children.
func (w *watches) fireTable(s *state, table watchTable, ch change, zxid int64, fx *effects) {
	w.fireOne(s, watchKey{table, wirePath(ch.path)}, ch, zxid, fx)
	if w.recursive[table] == 0 || ch.event == proto.EventNodeChildrenChanged {
		return
	}
	for at := ch.path; at != ""; {
		at = parentPath(at)
		for _, c := range w.byPath[watchKey{table, wirePath(at)}] {
			if c.watching[watchKey{table, wirePath(at)}]&watchRecursive != 0 {
				w.tell(s, c, ch, zxid, fx)
			}
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
		kinds := c.watching[key]
		if kinds != watchRecursive || ch.event != proto.EventNodeChildrenChanged {
			w.tell(s, c, ch, zxid, fx)
		}
		if left := kinds &^ watchOnce; left != 0 {
			c.watching[key] = left
			keep = append(keep, c)
			continue
		}
		delete(c.watching, key)
		c.emptied = c.emptied || key.table == dataTable
	}
	clear(watchers[len(keep):])
	if len(keep) == 0 {
		delete(w.byPath, key)
	} else {
		w.byPath[key] = keep
	}
}

// tell sends an event to a connection, once in a pass.
func (w *watches) tell(s *state, c *conn, ch change, zxid int64, fx *effects) {
	if c.firedIn == w.pass {
		return
	}
	c.firedIn = w.pass
	if w.quirks.watchedByAll || s.allowed(c.ids, ch.acl, proto.PermRead) {
		c.sendEvent(ch.event, wirePath(ch.path), zxid)
		fx.flushLater(c)
	}
}

// comparesNull tells whether to find what the connection has on the path takes
// a comparison with null, at which older releases fail.
func (w *watches) comparesNull(c *conn, path string) bool {
	return w.quirks.oneWatchAPath && path == jute.NullItem && c.watching[watchKey{dataTable, path}] != 0
}

// addWatch arms a persistent watch, on any path.
func (w *watches) addWatch(c *conn, path string, mode int32) proto.Code {
	if w.comparesNull(c, path) {
		return proto.MarshallingError
	}
	switch mode {
	case proto.WatchPersistent:
		w.arm(c, dataTable, path, watchPersistent)
		w.arm(c, childTable, path, watchPersistent)
	case proto.WatchPersistentRecursive:
		w.arm(c, dataTable, path, watchRecursive)
		if w.quirks.oneWatchAPath {
			w.arm(c, childTable, path, watchRecursive)
		}
	default:
		return proto.MarshallingError
	}
	return proto.OK
}

const watchAny = watchOnce | watchPersistent | watchRecursive

// watcherKinds is what a watcher type of removeWatches or checkWatches means,
// by table.
func (q *quirks) watcherKinds(kind int32) (kinds [watchTables]watchKinds, ok bool) {
	of := watchOnce
	if q.oneWatchAPath {
		of = watchAny
	}
	switch {
	case kind == proto.WatcherChildren:
		kinds[childTable] = of
	case kind == proto.WatcherData:
		kinds[dataTable] = of
	case kind == proto.WatcherAny:
		kinds[dataTable], kinds[childTable] = watchAny, watchAny
	case q.oneWatchAPath:
		return kinds, false
	case kind == proto.WatcherPersistent:
		kinds[dataTable], kinds[childTable] = watchPersistent, watchPersistent
	case kind == proto.WatcherPersistentRecursive:
		kinds[dataTable] = watchRecursive
	default:
		return kinds, false
	}
	return kinds, true
}

// check tells whether the connection has such a watch.
func (w *watches) check(c *conn, path string, kind int32) proto.Code {
	byTable, ok := w.quirks.watcherKinds(kind)
	if !ok {
		return proto.MarshallingError
	}
	switch {
	case w.quirks.checksAnyones && path == jute.NullItem:
		return proto.MarshallingError
	case w.quirks.checksAnyones && path == "":
		return proto.NoWatcher
	}
	for table, kinds := range byTable {
		key := watchKey{watchTable(table), path}
		if c.watching[key]&kinds != 0 || w.quirks.checksAnyones && kinds != 0 && len(w.byPath[key]) > 0 {
			return proto.OK
		}
	}
	if w.quirks.checksAnyones && !strings.HasPrefix(path, "/") && (w.recursive != [watchTables]int{} || !strings.Contains(path, "/")) {
		// On the way up to where a recursive watch might be, or for one step
		// where there is none, a real server comes to no slash.
		return proto.MarshallingError
	}
	return proto.NoWatcher
}

// remove takes such watches away.
func (w *watches) remove(c *conn, path string, kind int32) proto.Code {
	byTable, ok := w.quirks.watcherKinds(kind)
	if !ok {
		return proto.MarshallingError
	}
	if w.comparesNull(c, path) {
		return proto.MarshallingError
	}
	path = strings.Clone(path) // see arm
	code := proto.NoWatcher
	for table, kinds := range byTable {
		key := watchKey{watchTable(table), path}
		if c.watching[key]&kinds != 0 {
			code = proto.OK
			w.disarm(c, key, kinds)
		}
	}
	switch {
	case code != proto.OK:
	case w.quirks.removedShow:
		c.emptied = c.emptied || byTable[dataTable] != 0
	default:
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
		if code := w.addWatch(c, path, proto.WatchPersistent); code != proto.OK {
			return code
		}
	}
	if r.Recursive == nil {
		return proto.MarshallingError
	}
	for _, path := range r.Recursive {
		if code := w.addWatch(c, path, proto.WatchPersistentRecursive); code != proto.OK {
			return code
		}
	}
	return proto.OK
}
