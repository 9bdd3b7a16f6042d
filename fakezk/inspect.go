package fakezk

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"slices"
	"strings"
	"time"

	"github.com/zookit/zookit/internal/proto"
)

// A Znode is a node as it is stored.
type Znode struct {
	Path string
	Data []byte // nil is null
	ACL  []ACL

	Czxid, Mzxid, Pzxid         int64
	Created, Modified           time.Time
	Version, Cversion, Aversion int32
	Children                    int
	NextSequence                int32         // number of the next sequential child
	Owner                       int64         // session of an ephemeral, else 0
	Container                   bool          // goes when it has lost its last child
	TTL                         time.Duration // goes when it is childless and unchanged for so long; 0: never
}

// An ACL is one entry of an access control list.
type ACL struct {
	Perms      int32 // sum of 1 read, 2 write, 4 create, 8 delete, 16 admin
	Scheme, ID string
}

// String prints the entry as ZooKeeper's shell does, such as
// "world:anyone:cdrwa".
func (a ACL) String() string {
	var perms strings.Builder
	for _, p := range []struct {
		bit  int32
		char byte
	}{{proto.PermCreate, 'c'}, {proto.PermDelete, 'd'}, {proto.PermRead, 'r'}, {proto.PermWrite, 'w'}, {proto.PermAdmin, 'a'}} {
		if a.Perms&p.bit != 0 {
			perms.WriteByte(p.char)
		}
	}
	return a.Scheme + ":" + a.ID + ":" + perms.String()
}

// A Session is a session that lives.
type Session struct {
	ID         int64
	Timeout    time.Duration
	Client     string   // address of its latest connection
	Connected  bool     // that connection has it still
	Ephemerals []string // paths, sorted
}

// A Watch is a watch that is armed.
type Watch struct {
	Session int64
	Client  string // address
	Path    string
	Kind    string // "data", "children", "persistent" or "recursive"
}

func (w Watch) String() string {
	return fmt.Sprintf("%s watch on %s by session %s at %s", w.Kind, w.Path, sessionName(w.Session), w.Client)
}

func (s Session) String() string {
	text := fmt.Sprintf("session %s (timeout %v)", sessionName(s.ID), s.Timeout)
	if text += " of " + s.Client; !s.Connected {
		text += " (not connected)"
	}
	if len(s.Ephemerals) > 0 {
		text += " with the ephemerals " + strings.Join(s.Ephemerals, ", ")
	}
	return text
}

func (n *znode) export() Znode {
	stat := n.stat()
	z := Znode{
		Path: wirePath(n.path), Czxid: n.czxid, Mzxid: n.mzxid, Pzxid: n.pzxid,
		Created: time.UnixMilli(n.ctime), Modified: time.UnixMilli(n.mtime),
		Version: n.version, Cversion: stat.Cversion, Aversion: n.aversion,
		Children: int(n.children), NextSequence: n.creates, Owner: stat.EphemeralOwner, Container: n.isContainer(),
	}
	if !n.null {
		z.Data = []byte(n.data)
	}
	if n.isTTL() {
		z.TTL = time.Duration(n.owner&ttlMask) * time.Millisecond
	}
	for _, a := range n.acl.entries {
		z.ACL = append(z.ACL, ACL{a.Perms, a.Scheme, a.ID})
	}
	return z
}

// Tree is every znode by path, parents before children, as it was when the
// loop began. "/zookeeper" and what is below it is there too.
func (e *Ensemble) Tree() iter.Seq2[string, Znode] {
	return func(yield func(string, Znode) bool) {
		e.Snapshot().Tree()(yield)
	}
}

// Znode is the node at path, or ok is false.
func (e *Ensemble) Znode(path string) (z Znode, ok bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	n := e.state.tree.get(treePath(path))
	if n == nil {
		return Znode{}, false
	}
	return n.export(), true
}

// Zxid is that of the last transaction.
func (e *Ensemble) Zxid() int64 {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.state.zxid
}

// Sessions are those that live, by id.
func (e *Ensemble) Sessions() []Session {
	e.mu.Lock()
	defer e.mu.Unlock()
	sessions := make([]Session, 0, len(e.sessions))
	for _, s := range e.sessions {
		out := Session{
			ID: s.id, Timeout: time.Duration(s.timeout) * time.Millisecond,
			Client: s.client, Connected: s.conn != nil,
		}
		e.state.eachEphemeral(s.id, func(path string) { out.Ephemerals = append(out.Ephemerals, path) })
		sessions = append(sessions, out)
	}
	slices.SortFunc(sessions, func(a, b Session) int { return cmp.Compare(a.ID, b.ID) })
	return sessions
}

// Watches are those that are armed, by session, path and kind.
func (e *Ensemble) Watches() []Watch {
	e.mu.Lock()
	defer e.mu.Unlock()
	var watches []Watch
	for _, s := range e.sessions {
		if s.conn == nil {
			continue
		}
		for key, kinds := range s.conn.watching {
			w := Watch{Session: s.id, Client: s.conn.net.RemoteAddr().String(), Path: key.path}
			for _, kind := range kindNames(key.table, kinds) {
				w.Kind = kind
				watches = append(watches, w)
			}
		}
	}
	slices.SortFunc(watches, func(a, b Watch) int {
		return cmp.Or(cmp.Compare(a.Session, b.Session), cmp.Compare(a.Path, b.Path), cmp.Compare(a.Kind, b.Kind))
	})
	return watches
}

// kindNames names each watch once: a persistent one is in two tables.
func kindNames(table watchTable, kinds watchKinds) (names []string) {
	if kinds&watchOnce != 0 {
		names = append(names, map[watchTable]string{dataTable: "data", childTable: "children"}[table])
	}
	if kinds&watchPersistent != 0 && table == dataTable {
		names = append(names, "persistent")
	}
	if kinds&watchRecursive != 0 {
		names = append(names, "recursive")
	}
	return names
}

// Dump is all of it as a text for people.
func (e *Ensemble) Dump() string {
	var b strings.Builder
	fmt.Fprintf(&b, "zxid 0x%x\n", e.Zxid())
	for _, s := range e.Sessions() {
		fmt.Fprintln(&b, s)
	}
	for _, w := range e.Watches() {
		fmt.Fprintln(&b, w)
	}
	for path, z := range e.Tree() {
		fmt.Fprintf(&b, "%s v%d %q", path, z.Version, z.Data)
		if z.Owner != 0 {
			fmt.Fprintf(&b, " ephemeral of %s", sessionName(z.Owner))
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// Expire ends a session at once, as if its client had been silent for too
// long: its ephemerals go and its connection ends. It fails when there is no
// such session.
func (e *Ensemble) Expire(id int64) error {
	return e.withSession(id, func(s *session, fx *effects) { e.expire(s, fx) })
}

// Disconnect ends the connection that has the session; the session lives on.
// It fails when there is no such session.
func (e *Ensemble) Disconnect(id int64) error {
	return e.withSession(id, func(s *session, fx *effects) {
		if s.conn != nil {
			e.cut(s.conn, fx)
		}
	})
}

func (e *Ensemble) withSession(id int64, f func(*session, *effects)) error {
	var fx effects
	e.mu.Lock()
	s := e.sessions[id]
	if s != nil {
		f(s, &fx)
	}
	e.mu.Unlock()
	fx.run()
	if s == nil {
		return fmt.Errorf("fakezk: there is no session %s", sessionName(id))
	}
	return nil
}

// Children are the names of the children of the znode at path, sorted as the
// tree has them; ok is false when there is no such node.
func (e *Ensemble) Children(path string) (names []string, ok bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	n := e.state.tree.get(treePath(path))
	if n == nil {
		return nil, false
	}
	return e.state.tree.appendChildren(nil, n), true
}

// Await returns once cond is true. It asks at once and after transactions, not
// under any lock, so that cond may look at the ensemble. It fails when ctx ends.
func (e *Ensemble) Await(ctx context.Context, cond func() bool) error {
	for {
		e.mu.Lock()
		if e.changed == nil {
			e.changed = make(chan struct{})
		}
		changed := e.changed
		e.mu.Unlock()
		if cond() {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}
