package zk_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"path"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/fakezk"
	"github.com/zookit/zookit/zk"
)

// Random changes, cuts, watches that come and go, on nodes and below chroots:
// every watch tells what it should, once, in order, and no more.
func TestRandomWatches(t *testing.T) {
	for seed := range uint64(40) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				e := fakezk.New(t)
				on := on{e.ConnectString(), &cuttable{base: e.DialContext}}
				w := &watchWorld{
					T:     t,
					draw:  rand.New(rand.NewPCG(seed, 1)),
					c:     on.dialLink(t, zk.Seed(seed)),
					other: on.dial(t),
					link:  on.link,
					nodes: map[string]zk.Stat{},
				}
				for range 300 {
					w.step()
				}
				w.reconnect()
				for _, o := range w.oneShots {
					o.check()
				}
				for _, l := range w.lasting {
					l.check()
				}
			})
		})
	}
}

// A watchWorld is the nodes as they are, and what each watch must have told.
type watchWorld struct {
	*testing.T
	draw     *rand.Rand
	c, other *zk.Conn
	link     *cuttable
	down     bool
	nodes    map[string]zk.Stat // of those that exist
	oneShots []*expectedOnce
	lasting  []*expectedMany
}

var randomPaths = []string{"/a", "/a/b", "/a/b/c", "/a/bc", "/ab", "/ab/c"}

func (w *watchWorld) path() string { return randomPaths[w.draw.IntN(len(randomPaths))] }

func (w *watchWorld) step() {
	switch w.draw.IntN(12) {
	case 0:
		if w.down {
			w.reconnect()
		} else {
			w.cut()
		}
	case 1, 2:
		w.watch()
	case 3:
		if n := len(w.oneShots); n > 0 {
			w.oneShots[w.draw.IntN(n)].close()
		}
	case 4:
		if n := len(w.lasting); n > 0 {
			w.lasting[w.draw.IntN(n)].close()
		}
	case 5:
		if n := len(w.lasting); n > 0 {
			w.lasting[w.draw.IntN(n)].check()
		}
	default:
		w.change()
	}
	synctest.Wait()
}

func (w *watchWorld) cut() {
	w.down = true
	w.link.cut()
	synctest.Wait()
	for _, l := range w.lasting {
		l.expect(zk.EventDisconnected, l.path)
	}
	for _, o := range w.oneShots {
		o.before = w.nodes[o.path]
	}
}

func (w *watchWorld) reconnect() {
	if !w.down {
		return
	}
	w.link.heal()
	require.NoError(w, w.c.Sync(w.Context(), "/"))
	w.down = false
	for _, l := range w.lasting {
		l.expect(zk.EventResync, l.path)
	}
	w.catchUp()
}

// catchUp is what the server tells of what was missed: one event for each path
// in each of three lists, which persistent watches get too.
func (w *watchWorld) catchUp() {
	type frame struct {
		zk.EventType
		path string
	}
	var frames []frame
	for list := range 3 {
		for _, p := range randomPaths {
			i := slices.IndexFunc(w.oneShots, func(o *expectedOnce) bool { return o.path == p && o.list() == list && o.want == 0 })
			if i < 0 {
				continue
			}
			if typ := w.oneShots[i].missed(); typ != 0 {
				frames = append(frames, frame{typ, p})
			}
		}
	}
	for _, f := range frames {
		for _, l := range w.lasting {
			switch {
			case l.mode == zk.WatchPersistent && f.path == l.path, l.mode == zk.WatchRecursive && f.EventType != zk.EventNodeChildrenChanged && l.below(f.path):
				l.expect(f.EventType, f.path)
			}
		}
		for _, o := range w.oneShots {
			if o.path == f.path && (f.EventType == zk.EventNodeDeleted || o.children == (f.EventType == zk.EventNodeChildrenChanged)) {
				o.expect(f.EventType)
			}
		}
	}
}

// change changes a node, or two at once.
func (w *watchWorld) change() {
	var ops []zk.Op
	var told []func()
	for range 1 + w.draw.IntN(2) {
		p := w.path()
		_, there := w.nodes[p]
		_, parent := w.nodes[path.Dir(p)]
		parent = parent || path.Dir(p) == "/"
		switch {
		case there && w.draw.IntN(2) == 0:
			ops = append(ops, zk.SetOp(p, nil, zk.AnyVersion))
			told = append(told, func() { w.tell(zk.EventNodeDataChanged, p) })
		case there && w.leaf(p):
			ops = append(ops, zk.DeleteOp(p, zk.AnyVersion))
			told = append(told, func() { w.tell(zk.EventNodeDeleted, p) })
		case !there && parent:
			ops = append(ops, zk.CreateOp(p, nil, zk.Persistent))
			told = append(told, func() { w.tell(zk.EventNodeCreated, p) })
		}
	}
	if len(ops) == 0 {
		return
	}
	if _, err := w.other.Multi(w.Context(), ops...); err != nil {
		return // the second did depend on the first, and neither was done
	}
	for _, tell := range told {
		tell()
	}
	for _, p := range randomPaths {
		stat, ok, err := w.other.Exists(w.Context(), p)
		require.NoError(w, err)
		if delete(w.nodes, p); ok {
			w.nodes[p] = stat
		}
	}
}

func (w *watchWorld) leaf(p string) bool {
	for other := range w.nodes {
		if path.Dir(other) == p {
			return false
		}
	}
	return true
}

// tell notes what the change of a node means to each watch.
func (w *watchWorld) tell(typ zk.EventType, p string) {
	if w.down {
		return
	}
	parent := path.Dir(p)
	for _, l := range w.lasting {
		switch {
		case l.mode == zk.WatchRecursive:
			if l.below(p) {
				l.expect(typ, p)
			}
		case p == l.path:
			l.expect(typ, p)
		case parent == l.path && typ != zk.EventNodeDataChanged:
			l.expect(zk.EventNodeChildrenChanged, parent)
		}
	}
	for _, o := range w.oneShots {
		switch {
		case p == o.path && (!o.children || typ == zk.EventNodeDeleted):
			o.expect(typ)
		case parent == o.path && o.children && typ != zk.EventNodeDataChanged:
			o.expect(zk.EventNodeChildrenChanged)
		}
	}
}

// watch arms a watch, by a view with a chroot or without.
func (w *watchWorld) watch() {
	if w.down {
		return
	}
	p := w.path()
	view, in, chroot := w.c, p, ""
	if w.draw.IntN(2) == 0 {
		chroot = path.Dir(p)
		if chroot == "/" {
			chroot = p
		}
		if in = strings.TrimPrefix(p, chroot); in == "" {
			in = "/"
		}
		view = w.c.Chroot(chroot)
	}
	_, exists := w.nodes[p]
	o := &expectedOnce{watchWorld: w, path: p, in: in, exists: exists}
	var err error
	switch w.draw.IntN(5) {
	case 0:
		_, _, o.w, err = view.GetW(w.Context(), in)
	case 1:
		_, _, o.w, err = view.ExistsW(w.Context(), in)
	case 2:
		_, _, o.w, err = view.ChildrenW(w.Context(), in)
		o.children = true
	default:
		l := &expectedMany{watchWorld: w, path: p, chroot: chroot, mode: zk.WatchMode(w.draw.IntN(2)), limit: w.draw.IntN(4)}
		var opts []zk.WatchOption
		if l.limit > 0 {
			opts = append(opts, zk.WatchBuffer(l.limit))
		}
		l.w, err = view.AddWatch(w.Context(), in, l.mode, opts...)
		require.NoError(w, err)
		w.lasting = append(w.lasting, l)
		return
	}
	if err != nil {
		require.ErrorIs(w, err, zk.ErrNoNode)
		require.False(w, exists)
		return
	}
	w.oneShots = append(w.oneShots, o)
}

// An expectedOnce is a one-shot watch, and what it must tell.
type expectedOnce struct {
	*watchWorld
	w        *zk.Watch
	path, in string // at the server, and in the view
	children bool
	exists   bool         // when it was armed
	want     zk.EventType // 0 as long as there is none

	before zk.Stat // of the node when the connection was lost
}

func (o *expectedOnce) expect(typ zk.EventType) {
	if o.want == 0 {
		o.want = typ
	}
}

// list is the one of setWatches in which it is.
func (o *expectedOnce) list() int {
	switch {
	case o.children:
		return 2
	case o.exists:
		return 0
	}
	return 1
}

// missed is what a server finds missed, or 0.
func (o *expectedOnce) missed() zk.EventType {
	now, ok := o.nodes[o.path]
	switch {
	case o.list() == 1 && ok:
		return zk.EventNodeCreated
	case o.list() != 1 && !ok:
		return zk.EventNodeDeleted
	case o.list() == 0 && now.Mzxid != o.before.Mzxid:
		return zk.EventNodeDataChanged
	case o.list() == 2 && now.Pzxid != o.before.Pzxid:
		return zk.EventNodeChildrenChanged
	}
	return 0
}

func (o *expectedOnce) close() {
	o.expect(zk.EventWatchRemoved)
	require.NoError(o, o.w.Close())
}

func (o *expectedOnce) check() {
	o.Helper()
	var got zk.Event
	select {
	case got = <-o.w.C:
		require.Equal(o, o.in, got.Path)
		_, open := <-o.w.C
		require.False(o, open)
	default:
	}
	require.Equal(o, o.want, got.Type, "%+v", o.path)
}

// An expectedMany is a persistent watch, and what is to be read from it.
type expectedMany struct {
	*watchWorld
	w            *zk.PersistentWatch
	path, chroot string
	mode         zk.WatchMode
	limit        int
	want         []string
	closed       bool
}

func (l *expectedMany) below(p string) bool { return p == l.path || strings.HasPrefix(p, l.path+"/") }

func (l *expectedMany) expect(typ zk.EventType, p string) {
	if l.closed {
		return
	}
	if p = strings.TrimPrefix(p, l.chroot); p == "" {
		p = "/"
	}
	l.want = append(l.want, fmt.Sprint(typ, " ", p))
}

func (l *expectedMany) close() {
	if l.closed {
		require.NoError(l, l.w.Close(), "again")
		return
	}
	n := len(l.want)
	l.expect(zk.EventWatchRemoved, l.path)
	last := l.want[n:]
	if l.want = l.want[:n]; l.limit > 0 && n > l.limit {
		l.overflow()
	}
	l.want = append(l.want, last...)
	l.closed = true
	require.NoError(l, l.w.Close())
}

// overflow is what a buffer leaves of what was told.
func (l *expectedMany) overflow() {
	p := strings.TrimPrefix(l.path, l.chroot)
	if p == "" {
		p = "/"
	}
	l.want = append([]string{"Overflow " + p}, l.want[len(l.want)-l.limit:]...)
}

// check reads all that is there.
func (l *expectedMany) check() {
	l.Helper()
	if l.limit > 0 && !l.closed && len(l.want) > l.limit {
		l.overflow()
	}
	var got []string
	for range len(l.want) {
		e, err := next(l.T, l.w)
		require.NoError(l, err)
		got = append(got, fmt.Sprint(e.Type, " ", e.Path))
	}
	require.Equal(l, l.want, got)
	require.True(l, l.silent(), "there is more")
	l.want = nil
}

// silent tells whether there is nothing to be read now.
func (l *expectedMany) silent() bool {
	ctx, cancel := context.WithTimeout(l.Context(), time.Nanosecond)
	defer cancel()
	for range l.w.Events(ctx) {
		return false
	}
	return true
}
