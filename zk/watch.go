package zk

import (
	"context"
	"errors"
	"strconv"

	"github.com/zookit/zookit/internal/proto"
)

// A Watch fires once. It outlives lost connections: what happens while there
// is none is told by the next server. A mere disconnect is no event.
//
// It need not be removed or read. C has room for its event, and nobody waits
// for who reads it.
type Watch struct {
	// C delivers exactly one event and is closed. The event is that of the
	// node, or EventWatchRemoved, or EventSessionLost. It is there before the
	// result of any later call that could show the change.
	C <-chan Event

	client *client
	events chan Event
	path   string // as the caller gave it
	key    string // at the server
	table  table
	next   *Watch // on the same path and in the same table; guarded by client.mu
}

// newWatch makes r arm a watch.
func (c *Conn) newWatch(r *request, path string, t table) *Watch {
	events := make(chan Event, 1)
	r.watch = true
	r.oneShot = &Watch{C: events, client: c.client, events: events, path: path, table: t}
	return r.oneShot
}

// callW is call for a request that arms w.
func (c *Conn) callW(ctx context.Context, r *request, w *Watch, op, path string) error {
	full, err := c.full(path)
	if err != nil {
		c.recycle(r)
		return &Error{Op: op, Path: path, Err: err, fate: unsent}
	}
	r.path, w.key = full, full
	return c.do(ctx, r, op, path)
}

// deliver is called once, by who took w out of the registry.
func (w *Watch) deliver(e Event) {
	e.Path = w.path
	w.events <- e
	close(w.events)
}

// Remove ends a watch that has not fired, with EventWatchRemoved. If no other
// watch of this Conn needs it the server forgets it too, which ctx bounds; an
// error is about that, and the watch is gone all the same.
func (w *Watch) Remove(ctx context.Context) error {
	c := w.client
	c.mu.Lock()
	was := c.watches.drop(w)
	c.mu.Unlock()
	if !was {
		return nil
	}
	w.deliver(Event{Type: EventWatchRemoved, Zxid: -1})
	return c.retract(ctx, w.path, w.key, w.table.kind())
}

// GetW is [Conn.Get] with a watch that fires when the node is deleted or its
// data is set. On an error there is no watch.
func (c *Conn) GetW(ctx context.Context, path string) ([]byte, Stat, *Watch, error) {
	r := c.request(proto.OpGetData)
	w := c.newWatch(r, path, dataTable)
	if err := c.callW(ctx, r, w, "get", path); err != nil {
		return nil, Stat{}, nil, err
	}
	data, stat := r.body, r.stat
	c.recycle(r)
	return data, stat, w, nil
}

// ExistsW is [Conn.Exists] with a watch that fires when the node is created or
// deleted or its data is set. On an error there is no watch.
func (c *Conn) ExistsW(ctx context.Context, path string) (Stat, bool, *Watch, error) {
	r := c.request(proto.OpExists)
	w := c.newWatch(r, path, dataTable)
	if err := c.callW(ctx, r, w, "exists", path); err != nil {
		return Stat{}, false, nil, err
	}
	stat, ok := r.stat, r.code == proto.OK
	c.recycle(r)
	return stat, ok, w, nil
}

// ChildrenW is [Conn.Children] with a watch that fires when a child is created
// or deleted, or the node is deleted. On an error there is no watch.
func (c *Conn) ChildrenW(ctx context.Context, path string) ([]string, Stat, *Watch, error) {
	r := c.request(proto.OpGetChildren2)
	w := c.newWatch(r, path, childTable)
	if err := c.callW(ctx, r, w, "children", path); err != nil {
		return nil, Stat{}, nil, err
	}
	names, stat := r.list.names, r.stat
	c.recycle(r)
	return names, stat, w, nil
}

// A WatchKind says which watches on a path are meant.
type WatchKind int32

// The kinds. Servers before 3.9 do not know the last two, and there
// KindChildren and KindData take half of a persistent watch with them.
const (
	KindChildren   WatchKind = 1 // of ChildrenW
	KindData       WatchKind = 2 // of GetW and ExistsW
	KindAny        WatchKind = 3
	KindPersistent WatchKind = 4 // of WatchPersistent
	KindRecursive  WatchKind = 5 // of WatchRecursive
)

var kindNames = [...]string{1: "Children", "Data", "Any", "Persistent", "Recursive"}

func (k WatchKind) String() string {
	if k < 1 || int(k) >= len(kindNames) {
		return "WatchKind(" + strconv.Itoa(int(k)) + ")"
	}
	return kindNames[k]
}

// RemoveWatches removes all watches of a kind on a path, whoever in this
// program made them: they end with EventWatchRemoved. If the server has none
// it fails with [ErrNoWatcher]. Watch.Remove and PersistentWatch.Remove are
// what is wanted as a rule.
func (c *Conn) RemoveWatches(ctx context.Context, path string, kind WatchKind) error {
	r := c.request(proto.OpRemoveWatches)
	r.flags = int32(kind)
	if err := c.call(ctx, r, "remove watches", path); err != nil {
		return err
	}
	c.recycle(r)
	return nil
}

// retract makes the server forget a watch, unless another one needs it. While
// not connected there is nothing to forget.
func (c *client) retract(ctx context.Context, path, key string, kind WatchKind) error {
	r := c.retraction(key, kind)
	c.mu.Lock()
	l := c.link
	if l == nil || l.needed(key, kind) || l.transmit(r) != nil {
		c.mu.Unlock()
		c.recycle(r)
		return nil
	}
	c.mu.Unlock()
	l.flush()
	err := c.wait(ctx, r, "remove watch", path)
	switch {
	case err == nil:
		c.recycle(r)
	case errors.Is(err, ErrNoWatcher):
		return nil // it has fired
	case kind >= KindPersistent && errors.Is(err, ErrMarshallingError):
		return c.retract(ctx, path, key, KindAny)
	case MayHaveApplied(err) && ctx.Err() == nil:
		return nil // the connection is lost, and with it what the server knew
	}
	return err
}

func (c *client) retraction(key string, kind WatchKind) *request {
	r := c.request(proto.OpRemoveWatches)
	r.path, r.flags, r.ours = key, int32(kind), true
	return r
}

// retractLater is retract without waiting. The caller holds client.mu, and
// flushes l.
func (l *link) retractLater(key string, kind WatchKind) {
	if l.client.link != l || l.needed(key, kind) {
		return
	}
	r := l.client.retraction(key, kind)
	r.orphan = true
	if l.transmit(r) != nil {
		l.client.recycle(r)
	}
}

// settleOrphan takes an answer for which nobody waits. The caller holds
// client.mu, flushes l and recycles r.
func (l *link) settleOrphan(r *request) {
	switch {
	case r.oneShot != nil && (r.code == proto.OK || r.code == proto.NoNode && r.op == proto.OpExists):
		l.retractLater(r.path, r.oneShot.table.kind())
	case r.op == proto.OpAddWatch && r.code == proto.OK:
		l.retractLater(r.path, WatchMode(r.flags).kind())
	case r.op == proto.OpRemoveWatches && r.code == proto.OK:
		l.client.watches.settle(r)
	case r.ours && r.code == proto.MarshallingError && WatchKind(r.flags) >= KindPersistent:
		l.retractLater(r.path, KindAny) // the server is older than 3.9
	}
}
