package zk

import (
	"strings"

	"github.com/zookit/zookit/internal/proto"
)

// needs is what a removeWatches on one connection must beware of. It is guarded
// by client.mu.
//
// Servers before 3.9 keep one kind of watch for each path in each of two tables,
// and a persistent watch is in both: to remove one kind may take another along.
// So a watch that is not needed any more is removed alone only where no server
// can take it for another, and else when the last on its path goes, with all
// kinds that the server may still have there.
type needs struct {
	inFlight map[string]int      // requests that may arm a watch, not answered, by path
	owed     map[string]struct{} // paths on which the server may have a watch that nobody needs
}

// arms tells whether the reply may arm a watch.
func (r *request) arms() bool { return r.oneShot != nil || r.lasting != nil }

func (n *needs) arming(path string) {
	if n.inFlight == nil {
		n.inFlight = make(map[string]int)
	}
	n.inFlight[path]++
}

func (n *needs) answered(path string) {
	if n.inFlight[path]--; n.inFlight[path] == 0 {
		delete(n.inFlight, path)
	}
}

func (n *needs) owe(path string) {
	if n.owed == nil {
		n.owed = make(map[string]struct{})
	}
	n.owed[path] = struct{}{}
}

// release makes the server forget a watch of a kind that is not in the registry
// any more, now or later. The caller holds client.mu, and flushes l.
func (l *link) release(path string, kind WatchKind) {
	used, harmed := l.client.watches.on(path, kind)
	switch {
	case l.client.link != l:
	case l.needs.inFlight[path] > 0 || harmed:
		l.needs.owe(path)
	case used:
		l.retract(path, kind)
	default:
		delete(l.needs.owed, path)
		l.retract(path, KindAny)
	}
}

// settleDebt is release for a path on which something was left, if nobody needs
// it by now. It tells whether there is something to flush. The path may alias a
// frame.
func (l *link) settleDebt(path string) bool {
	if _, owed := l.needs.owed[path]; !owed {
		return false
	}
	l.release(strings.Clone(path), KindAny)
	return true
}

// retract sends a removeWatches for whose answer nobody waits.
func (l *link) retract(path string, kind WatchKind) {
	r := l.client.request(proto.OpRemoveWatches)
	r.path, r.flags, r.ours, r.orphan = path, int32(kind), true, true
	if l.transmit(r) != nil {
		l.client.recycle(r)
	}
}

// settleOrphan takes an answer for which nobody waits. The caller holds
// client.mu, flushes l and recycles r.
func (l *link) settleOrphan(r *request) {
	switch {
	case r.oneShot != nil && (r.code == proto.OK || r.code == proto.NoNode && r.op == proto.OpExists):
		l.release(r.path, r.oneShot.table.kind())
	case r.lasting != nil && r.code == proto.OK:
		l.release(r.path, r.lasting.mode.kind())
	case r.arms():
		l.settleDebt(r.path)
	case r.ours:
		if r.code == proto.MarshallingError && WatchKind(r.flags) >= KindPersistent {
			l.needs.owe(r.path) // the server is older than 3.9
			l.settleDebt(r.path)
		}
	case r.op == proto.OpRemoveWatches:
		l.client.watches.settle(r)
	}
}

// on tells whether watches on path are needed, and whether one of them may be
// harmed by a removeWatches of a kind.
func (g *registry) on(path string, kind WatchKind) (used, harmed bool) {
	for t, m := range g.oneShots {
		if m[path] != nil {
			used = true
			harmed = harmed || kind.takes(table(t).kind())
		}
	}
	for mode, m := range g.lasting {
		if m[path] != nil {
			used = true
			harmed = harmed || kind.takes(WatchMode(mode).kind())
		}
	}
	return used, harmed
}

// takes tells whether a removeWatches of kind k may take a watch of kind other
// along, whatever the server's version.
func (k WatchKind) takes(other WatchKind) bool {
	return k == other || k == KindAny || k <= KindData && other >= KindPersistent
}
