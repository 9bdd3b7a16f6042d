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
// It need not be closed or read. C has room for its event, and nobody waits
// for who reads it. But until it fires or is closed it takes memory, about 280
// bytes, also if nobody has it any more: who asks again and again for a node
// that does not change closes the watch of the time before, or uses
// [Conn.Follow].
type Watch struct {
	// C delivers exactly one event and is closed. The event is that of the
	// node, or EventWatchRemoved, EventWatchLost or EventSessionLost. It is
	// there before the result of any later call that could show the change.
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

// Wait is the event of C, or why there is none: the end of ctx, which leaves
// the watch as it is, or what ended it, as in Event.Err. Who has taken the event
// from C, or from Wait, finds [ErrNoWatcher].
func (w *Watch) Wait(ctx context.Context) (Event, error) {
	var err error
	select {
	case e, ok := <-w.C:
		if ok && e.Err == nil {
			return e, nil
		}
		if err = e.Err; !ok {
			err = ErrNoWatcher
		}
	case <-ctx.Done():
		err = contextError(ctx)
	}
	return Event{}, &Error{Op: "watch", Path: w.path, Err: err}
}

// Close ends a watch that has not fired, with EventWatchRemoved. If no other
// watch of this Conn needs it the server forgets it too: the request to do so
// is under way when Close returns, before any that is made later. Close does
// not wait, and returns nil always.
func (w *Watch) Close() error {
	c := w.client
	c.mu.Lock()
	was := c.watches.drop(w)
	l := c.link
	if was && l != nil {
		l.release(w.key, w.table.kind())
	}
	c.mu.Unlock()
	if !was {
		return nil
	}
	w.deliver(Event{Type: EventWatchRemoved, Zxid: -1})
	if l != nil {
		l.flush()
	}
	return nil
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
// it fails with [ErrNoWatcher]. Watch.Close and PersistentWatch.Close are what
// is wanted as a rule.
func (c *Conn) RemoveWatches(ctx context.Context, path string, kind WatchKind) error {
	r := c.request(proto.OpRemoveWatches)
	r.flags = int32(kind)
	if err := c.call(ctx, r, "remove watches", path); err != nil {
		return err
	}
	c.recycle(r)
	return nil
}

// CheckWatches tells whether the server has a watch of a kind on a path for this
// connection. Servers from 3.6 to 3.8 count those of all connections, and before
// 3.9 a persistent watch is one of KindData and KindChildren as well.
func (c *Conn) CheckWatches(ctx context.Context, path string, kind WatchKind) (bool, error) {
	r := c.request(proto.OpCheckWatches)
	r.flags = int32(kind)
	err := c.call(ctx, r, "check watches", path)
	switch {
	case err == nil:
		c.recycle(r)
		return true, nil
	case errors.Is(err, ErrNoWatcher):
		return false, nil
	}
	return false, err
}
