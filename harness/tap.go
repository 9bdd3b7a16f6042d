package harness

import (
	"encoding/binary"
	"strings"
	"sync"
	"time"

	"github.com/zookit/zookit/chaos"
	"github.com/zookit/zookit/internal/jute"
	"github.com/zookit/zookit/internal/proto"
)

// A tap learns from what passes a front which session a connection has, and
// which watches.
type tap struct {
	sessions *sessions
	conn     *chaos.ProxyConn
	client   string // address
	in, out  splitter

	mu      sync.Mutex // guards all below; the two directions come beside each other
	greeted [2]bool    // the first frame of each direction has passed
	resumes int64      // session that the client asks for
	session int64      // that it has
	pending map[int32]request
	watches map[watchKey]bool
}

// A request is one that arms or removes watches once it is answered, or ends
// the session.
type request struct {
	op     proto.Op
	arms   []watchKey
	kind   int32 // of removeWatches
	path   string
	absent bool // NoNode arms the watch, too
}

type watchKey struct{ kind, path string }

// The kinds of watches, as Watch has them.
const (
	dataWatch       = "data"
	childrenWatch   = "children"
	persistentWatch = "persistent"
	recursiveWatch  = "recursive"
)

func newTap(s *sessions, c *chaos.ProxyConn) *tap {
	t := &tap{
		sessions: s, conn: c, client: c.Client().String(),
		pending: map[int32]request{}, watches: map[watchKey]bool{},
	}
	t.in = splitter{matters: t.requestMatters, frame: t.request}
	t.out = splitter{matters: t.replyMatters, frame: t.reply}
	s.opened(t)
	return t
}

// FromClient and FromServer see what passes.
func (t *tap) FromClient(b []byte) { t.in.feed(b) }
func (t *tap) FromServer(b []byte) { t.out.feed(b) }

// Closed comes when the connection has ended.
func (t *tap) Closed() { t.sessions.closed(t) }

// opcode is that of a request.
func opcode(head []byte) proto.Op {
	if len(head) < 8 {
		return proto.OpNotify
	}
	return proto.Op(binary.BigEndian.Uint32(head[4:]))
}

func (t *tap) requestMatters(head []byte) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.greeted[0] {
		return true
	}
	switch opcode(head) {
	case proto.OpGetData, proto.OpExists, proto.OpGetChildren, proto.OpGetChildren2,
		proto.OpAddWatch, proto.OpRemoveWatches, proto.OpSetWatches, proto.OpSetWatches2:
		return true
	}
	return false
}

func (t *tap) replyMatters(head []byte) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return !t.greeted[1] || len(head) >= 4 && int32(binary.BigEndian.Uint32(head)) == proto.XidNotify
}

// request sees a frame of the client.
func (t *tap) request(frame []byte) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.greeted[0] {
		t.greeted[0] = true
		var m proto.ConnectRequest
		r := jute.NewReader(frame, "ConnectRequest")
		m.Decode(&r)
		t.resumes = m.SessionID
		return
	}
	var header proto.RequestHeader
	r := jute.NewReader(frame, "RequestHeader")
	header.Decode(&r)
	req := request{op: header.Op}
	switch header.Op {
	case proto.OpGetData, proto.OpExists:
		req.read(&r, dataWatch)
		req.absent = header.Op == proto.OpExists
	case proto.OpGetChildren, proto.OpGetChildren2:
		req.read(&r, childrenWatch)
	case proto.OpAddWatch, proto.OpRemoveWatches:
		req.readKind(&r)
	case proto.OpSetWatches, proto.OpSetWatches2:
		req.readAll(&r)
	case proto.OpCloseSession:
	default:
		return
	}
	if r.Err() == nil && (len(req.arms) > 0 || req.op == proto.OpRemoveWatches || req.op == proto.OpCloseSession) {
		t.pending[header.Xid] = req
	}
}

func (q *request) read(r *jute.Reader, kind string) {
	var m proto.PathWatch
	if m.Decode(r); m.Watch {
		q.arms = []watchKey{{kind, strings.Clone(m.Path)}}
	}
}

func (q *request) readKind(r *jute.Reader) {
	var m proto.PathKind
	m.Decode(r)
	q.path, q.kind = strings.Clone(m.Path), m.Kind
	if q.op == proto.OpAddWatch {
		q.arms = []watchKey{{[]string{persistentWatch, recursiveWatch}[m.Kind&1], q.path}}
	}
}

func (q *request) readAll(r *jute.Reader) {
	var m proto.SetWatches2
	if q.op == proto.OpSetWatches {
		m.SetWatches.Decode(r)
	} else {
		m.Decode(r)
	}
	arm := func(kind string, paths []string) {
		for _, path := range paths {
			q.arms = append(q.arms, watchKey{kind, strings.Clone(path)})
		}
	}
	arm(dataWatch, m.Data)
	arm(dataWatch, m.Exist)
	arm(childrenWatch, m.Child)
	arm(persistentWatch, m.Persistent)
	arm(recursiveWatch, m.Recursive)
}

// reply sees a frame of the server.
func (t *tap) reply(frame []byte) {
	t.mu.Lock()
	if !t.greeted[1] {
		t.greeted[1] = true
		t.mu.Unlock()
		t.greet(frame)
		return
	}
	defer t.mu.Unlock()
	var header proto.ReplyHeader
	r := jute.NewReader(frame, "ReplyHeader")
	if header.Decode(&r); r.Err() != nil {
		return
	}
	if header.Xid == proto.XidNotify {
		var event proto.WatcherEvent
		if event.Decode(&r); r.Err() == nil {
			t.fired(event)
		}
		return
	}
	req, ok := t.pending[header.Xid]
	if !ok {
		return
	}
	delete(t.pending, header.Xid)
	switch {
	case header.Err != proto.OK && !(req.absent && header.Err == proto.NoNode):
	case req.op == proto.OpCloseSession:
		t.sessions.ended(t.session)
	case req.op == proto.OpRemoveWatches:
		t.remove(req)
	default:
		for _, key := range req.arms {
			t.watches[key] = true
		}
	}
}

// greet sees the answer to the handshake.
func (t *tap) greet(frame []byte) {
	var m proto.ConnectResponse
	r := jute.NewReader(frame, "ConnectResponse")
	if m.Decode(&r); r.Err() != nil {
		return
	}
	if m.SessionID == 0 || m.Timeout <= 0 {
		t.sessions.ended(t.resumes)
		return
	}
	t.mu.Lock()
	t.session = m.SessionID
	t.mu.Unlock()
	t.sessions.began(t, m.SessionID, time.Duration(m.Timeout)*time.Millisecond)
}

// fired disarms what an event uses up.
func (t *tap) fired(event proto.WatcherEvent) {
	const created, deleted, changed, childrenChanged = 1, 2, 3, 4
	path := strings.Clone(event.Path)
	switch event.Type {
	case created, changed:
		t.disarm(watchKey{dataWatch, path})
	case deleted:
		t.disarm(watchKey{dataWatch, path})
		t.disarm(watchKey{childrenWatch, path})
	case childrenChanged:
		t.disarm(watchKey{childrenWatch, path})
	}
}

// disarm also takes a watch out of what setWatches is to arm: the server has
// fired it instead.
func (t *tap) disarm(key watchKey) {
	delete(t.watches, key)
	for xid, req := range t.pending {
		for i, k := range req.arms {
			if k == key {
				req.arms = append(req.arms[:i:i], req.arms[i+1:]...)
				t.pending[xid] = req
				break
			}
		}
	}
}

// remove does what removeWatches has done.
func (t *tap) remove(req request) {
	const children, data, all, persistent, recursive = 1, 2, 3, 4, 5
	for kind, types := range map[string][]int32{
		dataWatch: {data, all}, childrenWatch: {children, all},
		persistentWatch: {persistent, all}, recursiveWatch: {recursive, all},
	} {
		if types[0] == req.kind || types[1] == req.kind {
			delete(t.watches, watchKey{kind, req.path})
		}
	}
}
