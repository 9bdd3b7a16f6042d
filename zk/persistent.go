package zk

import (
	"context"
	"iter"
	"strconv"
	"sync"

	"github.com/zookit/zookit/internal/proto"
)

// A WatchMode is how far a persistent watch sees.
type WatchMode int32

const (
	// WatchPersistent tells what ExistsW and ChildrenW tell together, and goes on.
	WatchPersistent WatchMode = 0
	// WatchRecursive tells of the node and all nodes below it when they are
	// created or deleted or their data is set. There is no
	// EventNodeChildrenChanged: the child's own event says it.
	WatchRecursive WatchMode = 1
)

func (m WatchMode) String() string {
	switch m {
	case WatchPersistent:
		return "Persistent"
	case WatchRecursive:
		return "Recursive"
	}
	return "WatchMode(" + strconv.Itoa(int(m)) + ")"
}

func (m WatchMode) kind() WatchKind { return KindPersistent + WatchKind(m) }

// A PersistentWatch fires until it is closed. Its events wait in a queue
// without bound, so that none is lost and no slow loop holds up others;
// [WatchBuffer] bounds it.
//
// It outlives lost connections, but servers do not tell what happened in
// between. So a lost connection shows as EventDisconnected, and EventResync
// says when to look again.
type PersistentWatch struct {
	client *client
	mode   WatchMode
	path   string           // as the caller gave it
	key    string           // at the server
	chroot string           // of the view that made it
	next   *PersistentWatch // on the same path and of the same mode; guarded by client.mu

	mu    sync.Mutex // guards all below; may be taken under client.mu
	queue []Event
	ended bool          // nothing follows the queue
	cause error         // why, nil when it was removed
	wake  chan struct{} // one slot, filled when queue or ended changed
	limit int           // of queue, 0 for none
	gap   bool          // there was more before the queue
}

// A WatchOption changes one setting of [Conn.AddWatch].
type WatchOption func(*PersistentWatch)

// WatchBuffer bounds the events that wait to be read to n, at least 1. Of more
// the oldest are dropped, and EventOverflow stands once in their place, whatever
// their number: then what the loop knows may be out of date, as after
// EventResync. The default is no bound.
func WatchBuffer(n int) WatchOption { return func(w *PersistentWatch) { w.limit = max(n, 1) } }

// AddWatch arms a persistent watch on a path, whether there is a node or not.
// It takes a server of 3.6. Servers before 3.9 keep one watch of all kinds for
// a path and connection: there, do not mix kinds on one path.
func (c *Conn) AddWatch(ctx context.Context, path string, mode WatchMode, opts ...WatchOption) (*PersistentWatch, error) {
	r, err := c.addWatchRequest(path, mode, opts)
	if err != nil {
		return nil, &Error{Op: "add watch", Path: path, Err: err, fate: unsent}
	}
	w := r.lasting
	if err := c.do(ctx, r, "add watch", path); err != nil {
		return nil, err
	}
	c.recycle(r)
	return w, nil
}

func (c *Conn) addWatchRequest(path string, mode WatchMode, opts []WatchOption) (*request, error) {
	full, err := c.full(path)
	if err == nil && mode != WatchPersistent && mode != WatchRecursive {
		err = badArguments(errMode(mode))
	}
	if err != nil {
		return nil, err
	}
	r := c.request(proto.OpAddWatch)
	r.path, r.flags = full, int32(mode)
	r.lasting = &PersistentWatch{client: c.client, mode: mode, path: path, key: full, chroot: c.chroot, wake: make(chan struct{}, 1)}
	for _, opt := range opts {
		opt(r.lasting)
	}
	return r, nil
}

type errMode WatchMode

func (m errMode) Error() string { return "no such mode: " + WatchMode(m).String() }

// push is called under client.mu.
func (w *PersistentWatch) push(e Event) {
	w.mu.Lock()
	if !w.ended {
		if w.limit > 0 && len(w.queue) == w.limit {
			w.queue[0] = Event{}
			w.queue, w.gap = w.queue[1:], true
		}
		w.queue = append(w.queue, e)
	}
	w.mu.Unlock()
	w.signal()
}

// end makes the loop end, with cause as its error. Without cause the watch was
// removed. It is called under client.mu.
func (w *PersistentWatch) end(cause error) {
	w.mu.Lock()
	if !w.ended {
		w.ended, w.cause = true, cause
		if cause == nil {
			w.queue = append(w.queue, Event{Type: EventWatchRemoved, Path: w.path, Zxid: -1})
		}
	}
	w.mu.Unlock()
	w.signal()
}

func (w *PersistentWatch) signal() {
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

// take is the next event. Without one it tells whether there will be none.
func (w *PersistentWatch) take() (e Event, ok, ended bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.gap {
		w.gap = false
		return Event{Type: EventOverflow, Path: w.path, Zxid: -1}, true, false
	}
	if len(w.queue) == 0 {
		w.queue = nil
		return Event{}, false, w.ended
	}
	e = w.queue[0]
	w.queue[0] = Event{}
	w.queue = w.queue[1:]
	return e, true, false
}

// Events yields the events, one after the other, in the order of the changes.
// It ends when ctx does, and behind EventWatchRemoved. When the session is
// lost or closed it yields the error last: [ErrSessionExpired], [ErrAuthFailed]
// or [ErrClosed]. To break and begin again loses nothing; two loops at a time
// share the events.
func (w *PersistentWatch) Events(ctx context.Context) iter.Seq2[Event, error] {
	return func(yield func(Event, error) bool) {
		for ctx.Err() == nil {
			e, ok, ended := w.take()
			switch {
			case ok:
				if !yield(e, nil) {
					return
				}
			case ended:
				if w.cause != nil {
					yield(Event{}, &Error{Op: "watch", Path: w.path, Err: w.cause})
				}
				return
			default:
				select {
				case <-w.wake:
				case <-ctx.Done():
				}
			}
		}
	}
}

// Close ends the watch with EventWatchRemoved. If no other watch of this Conn
// needs it the server forgets it too: the request to do so is under way when
// Close returns, before any that is made later. Close does not wait, and
// returns nil always.
func (w *PersistentWatch) Close() error {
	c := w.client
	c.mu.Lock()
	l := c.link
	if c.watches.dropLasting(w) {
		w.end(nil)
	} else {
		l = nil
	}
	if l != nil {
		l.release(w.key, w.mode.kind())
	}
	c.mu.Unlock()
	if l != nil {
		l.flush()
	}
	return nil
}

// Watch arms a persistent watch and yields its events, as [Conn.AddWatch] and
// [PersistentWatch.Events] do, and closes it when the loop ends. The watch is
// armed when the loop begins, which cannot be seen from within until something
// happens: to read a node and miss no change after it, use AddWatch. If it
// cannot be armed, the error is all that is yielded.
func (c *Conn) Watch(ctx context.Context, path string, mode WatchMode, opts ...WatchOption) iter.Seq2[Event, error] {
	return func(yield func(Event, error) bool) {
		w, err := c.AddWatch(ctx, path, mode, opts...)
		if err != nil {
			yield(Event{}, err)
			return
		}
		defer w.Close()
		w.Events(ctx)(yield)
	}
}
