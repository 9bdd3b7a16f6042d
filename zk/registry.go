package zk

import (
	"maps"
	"slices"
	"strings"

	"github.com/zookit/zookit/internal/proto"
	"github.com/zookit/zookit/internal/wire"
)

// A table is one of the lists in which a client keeps its one-shot watches.
// The server has one for data and exist; they differ in what it is told after
// a reconnect.
type table int

const (
	dataTable  table = iota // the node was there
	existTable              // it was not
	childTable
	tables
)

// kind is what the server calls the watches of a table.
func (t table) kind() WatchKind {
	if t == childTable {
		return KindChildren
	}
	return KindData
}

// A registry has the armed watches by their paths at the server; watches on
// one path are chained. It is guarded by client.mu.
type registry struct {
	oneShots [tables]map[string]*Watch
	lasting  [2]map[string]*PersistentWatch // by WatchMode
}

// settle arms the watch that the answered request r was to arm, and forgets
// those that it removed at the server.
func (g *registry) settle(r *request) {
	switch {
	case r.oneShot != nil:
		w := r.oneShot
		switch {
		case r.code == proto.NoNode && r.op == proto.OpExists:
			w.table = existTable
		case r.code != proto.OK:
			return
		}
		if g.oneShots[w.table] == nil {
			g.oneShots[w.table] = make(map[string]*Watch)
		}
		w.next, g.oneShots[w.table][w.key] = g.oneShots[w.table][w.key], w
	case r.lasting != nil && r.code == proto.OK:
		w := r.lasting
		if g.lasting[w.mode] == nil {
			g.lasting[w.mode] = make(map[string]*PersistentWatch)
		}
		w.next, g.lasting[w.mode][w.key] = g.lasting[w.mode][w.key], w
	case r.op == proto.OpRemoveWatches && r.code == proto.OK:
		g.forget(r.path, WatchKind(r.flags))
	}
}

// forget ends the watches of a kind, which the server has removed.
func (g *registry) forget(path string, kind WatchKind) {
	for t, m := range g.oneShots {
		if k := table(t).kind(); kind == k || kind == KindAny {
			g.consume(m, path, Event{Type: EventWatchRemoved, Zxid: -1})
		}
	}
	for mode, m := range g.lasting {
		if k := WatchMode(mode).kind(); kind == k || kind == KindAny {
			for w := m[path]; w != nil; w = w.next {
				w.end(nil)
			}
			delete(m, path)
		}
	}
}

// drop takes w out. It tells whether it was in.
func (g *registry) drop(w *Watch) bool {
	return unchain(g.oneShots[w.table], w.key, w, func(w *Watch) **Watch { return &w.next })
}

// dropLasting takes w out. It tells whether it was in.
func (g *registry) dropLasting(w *PersistentWatch) bool {
	return unchain(g.lasting[w.mode], w.key, w, func(w *PersistentWatch) **PersistentWatch { return &w.next })
}

func unchain[W comparable](m map[string]W, key string, w W, next func(W) *W) bool {
	var none W
	head := m[key]
	for at := &head; *at != none; at = next(*at) {
		if *at != w {
			continue
		}
		*at = *next(w)
		if head == none {
			delete(m, key)
		} else {
			m[key] = head
		}
		return true
	}
	return false
}

// fire hands an event of a server to the watches it concerns. The path may
// alias a frame.
func (g *registry) fire(t EventType, path string, zxid int64) {
	e := Event{Type: t, Zxid: zxid}
	switch t {
	case EventNodeCreated, EventNodeDataChanged:
		g.consume(g.oneShots[dataTable], path, e)
		g.consume(g.oneShots[existTable], path, e)
	case EventNodeChildrenChanged:
		g.consume(g.oneShots[childTable], path, e)
	case EventNodeDeleted:
		for _, m := range g.oneShots {
			g.consume(m, path, e)
		}
	default:
		return
	}
	if len(g.lasting[WatchPersistent]) > 0 {
		for w := g.lasting[WatchPersistent][path]; w != nil; w = w.next {
			e.Path = w.path
			w.push(e)
		}
	}
	if len(g.lasting[WatchRecursive]) == 0 || t == EventNodeChildrenChanged {
		return
	}
	own := "" // path, once it is known that somebody keeps it
	for at := path; ; at = proto.Parent(at) {
		for w := g.lasting[WatchRecursive][at]; w != nil; w = w.next {
			if own == "" {
				own = strings.Clone(path)
			}
			e.Path, _ = strip(w.chroot, own)
			w.push(e)
		}
		if at == "/" || at == "" {
			return
		}
	}
}

// consume delivers the only event of all watches on path in one table.
func (g *registry) consume(m map[string]*Watch, path string, e Event) {
	w := m[path]
	if w == nil {
		return
	}
	delete(m, path)
	for ; w != nil; w = w.next {
		w.deliver(e)
	}
}

// tell hands an event about the connection to all persistent watches.
func (g *registry) tell(e Event) {
	for _, m := range g.lasting {
		for _, w := range m {
			for ; w != nil; w = w.next {
				e.Path = w.path
				w.push(e)
			}
		}
	}
}

// end ends all watches, as the session has ended.
func (g *registry) end(cause error) { g.endAll(EventSessionLost, cause) }

// refuse ends all watches, as servers do not restore them.
func (g *registry) refuse(cause error) { g.endAll(EventWatchLost, cause) }

func (g *registry) endAll(t EventType, cause error) {
	for _, m := range g.oneShots {
		for _, w := range m {
			for ; w != nil; w = w.next {
				w.deliver(Event{Type: t, Zxid: -1, Err: cause})
			}
		}
	}
	for _, m := range g.lasting {
		for _, w := range m {
			for ; w != nil; w = w.next {
				w.end(cause)
			}
		}
	}
	*g = registry{}
}

// restoreBytes is how many bytes of paths go into one setWatches.
const restoreBytes = 128 << 10

// appendRestore appends what makes a server watch again for all that is in the
// registry, and tell at once what one-shot watches have missed since zxid:
// the same for all packets, although their replies may be newer.
func (g *registry) appendRestore(b []byte, zxid int64) []byte {
	var left [5][]string
	for t, m := range g.oneShots {
		left[t] = slices.Sorted(maps.Keys(m)) // sorted, so that runs repeat
	}
	for mode, m := range g.lasting {
		left[int(tables)+mode] = slices.Sorted(maps.Keys(m))
	}
	for {
		var now [5][]string
		size, n := 0, 0
		for i := range left {
			k := 0
			for k < len(left[i]) && size < restoreBytes {
				size += len(left[i][k]) + 4
				k++
			}
			now[i], left[i] = append([]string{}, left[i][:k]...), left[i][k:] // never nil: servers refuse null
			n += k
		}
		if n == 0 {
			return b
		}
		b = appendSetWatches(b, zxid, now)
	}
}

// appendSetWatches uses setWatches2 only where it must, as servers before 3.6
// do not know it.
func appendSetWatches(b []byte, zxid int64, paths [5][]string) []byte {
	m := proto.SetWatches2{
		SetWatches: proto.SetWatches{RelativeZxid: zxid, Data: paths[0], Exist: paths[1], Child: paths[2]},
		Persistent: paths[3],
		Recursive:  paths[4],
	}
	b, start := wire.BeginFrame(b)
	h := proto.RequestHeader{Xid: proto.XidSetWatches, Op: proto.OpSetWatches}
	if len(m.Persistent)+len(m.Recursive) == 0 {
		b = m.SetWatches.AppendTo(h.AppendTo(b))
	} else {
		h.Op = proto.OpSetWatches2
		b = m.AppendTo(h.AppendTo(b))
	}
	return wire.EndFrame(b, start)
}
