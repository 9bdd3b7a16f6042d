package zk

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync/atomic"
	"time"

	"github.com/zookit/zookit/internal/jute"
	"github.com/zookit/zookit/internal/proto"
	"github.com/zookit/zookit/internal/wire"
)

// A link is one TCP connection. Callers append their requests to its outbox;
// its reader completes them.
type link struct {
	client *client
	conn   net.Conn
	at     endpoint
	out    *wire.Outbox
	in     *wire.FrameReader // of who has the turn to read
	calm   int               // see tally; of who has the turn

	heard  *atomic.Int64 // when bytes came last, as client.now; the session has it too
	wrote  atomic.Int64  // when a frame was sent last
	pinged atomic.Int64  // when the latest ping was sent

	greeting chan greeting // one slot: the answer to the handshake
	replayed chan struct{} // one slot: all credentials are answered
	down     chan struct{} // closed when cause is set
	read     chan struct{} // closed when the reader has returned

	// guarded by client.mu
	cause error         // why it is down
	ring  ring          // sent, not answered
	auths []*credential // sent, not answered
	turn  wire.Turn     // to read; nil as long as it is the reader's for good
	needs needs         // which watches not to remove
}

func (c *client) newLink(conn net.Conn, at endpoint) *link {
	l := &link{
		client:   c,
		conn:     conn,
		at:       at,
		heard:    new(atomic.Int64),
		greeting: make(chan greeting, 1),
		replayed: make(chan struct{}, 1),
		down:     make(chan struct{}),
		read:     make(chan struct{}),
	}
	l.out = wire.NewOutbox(conn, l.fail)
	l.in = wire.NewFrameReader(heardReader{l}, c.cfg.maxFrame)
	go l.receiveAll()
	return l
}

// A heardReader notes when bytes come.
type heardReader struct{ l *link }

func (r heardReader) Read(b []byte) (int, error) {
	n, err := r.l.conn.Read(b)
	if n > 0 {
		r.l.heard.Store(int64(r.l.client.now()))
	}
	return n, err
}

// fail puts the link down. The first cause counts. The life-cycle goroutine
// does the rest.
func (l *link) fail(cause error) {
	c := l.client
	c.mu.Lock()
	defer c.mu.Unlock()
	if l.cause != nil {
		return
	}
	l.cause = cause
	if c.link == l {
		c.link = nil // calls wait for the next
	}
	close(l.down)
}

// close ends the connection and returns when nobody reads or writes it. What
// had arrived has been processed.
func (l *link) close() {
	l.conn.Close()
	l.client.mu.Lock()
	turn := l.turn
	l.client.mu.Unlock()
	if turn != nil {
		turn.Close()
	}
	<-l.read
	l.out.Wait()
}

// flush sends what was appended.
func (l *link) flush() {
	l.wrote.Store(int64(l.client.now()))
	l.out.Flush()
}

// flushLater is flush by a goroutine, so that what others append meanwhile
// leaves with it.
func (l *link) flushLater() {
	l.wrote.Store(int64(l.client.now()))
	l.out.FlushLater()
}

// transmit appends r. The caller holds client.mu and flushes after it.
func (l *link) transmit(r *request) error {
	c := l.client
	if r.bound != nil && r.bound != c.session.Load() {
		return ErrSessionExpired
	}
	r.xid = c.nextXid()
	b := l.out.Lock()
	start := len(b)
	b = r.appendTo(b)
	if n := len(b) - start - 4; n > c.cfg.maxRequest {
		l.out.Unlock(b[:start])
		return c.tooLong(n)
	}
	c.counters.sent(len(b) - start)
	r.seen.sent(l.at.name, len(b)-start)
	l.out.Unlock(b)
	r.phase = sent
	l.ring.push(r)
	if r.arms() {
		l.needs.arming(r.path)
	}
	return nil
}

func (l *link) ping() {
	l.pinged.Store(int64(l.client.now()))
	b, start := wire.BeginFrame(l.out.Lock())
	b = proto.RequestHeader{Xid: proto.XidPing, Op: proto.OpPing}.AppendTo(b)
	size := len(b) - start
	l.out.Unlock(wire.EndFrame(b, start))
	l.flush()
	l.client.mu.Lock()
	l.client.counters.sent(size)
	l.client.mu.Unlock()
}

// receiveAll is the reader of the connection.
func (l *link) receiveAll() {
	defer close(l.read)
	frame, err := l.in.Next()
	if err == nil {
		var g greeting
		if g, err = readGreeting(frame); err == nil {
			l.greeting <- g
		}
	}
	for err == nil {
		l.await()
		if frame, err = l.in.Next(); err == nil {
			err = l.receive(frame)
		}
	}
	l.fail(err)
}

const replyHeaderLen = 16

// receive takes one frame. Whatever a server refuses for want of a login ends
// the Conn: it would refuse the next ping as well.
func (l *link) receive(frame []byte) error {
	if len(frame) < replyHeaderLen {
		return fmt.Errorf("reply of %d bytes", len(frame))
	}
	xid := int32(binary.BigEndian.Uint32(frame))
	zxid := int64(binary.BigEndian.Uint64(frame[4:]))
	code := proto.Code(binary.BigEndian.Uint32(frame[12:]))
	if xid < 0 {
		l.client.receivedAside(len(frame))
	}
	err := l.dispatch(xid, zxid, code, frame[replyHeaderLen:])
	if code == proto.SessionClosedRequireSASL {
		return &authError{"see SASL and Auth", Code(code)}
	}
	return err
}

func (l *link) dispatch(xid int32, zxid int64, code proto.Code, body []byte) error {
	switch xid {
	case proto.XidNotify:
		return l.receiveEvent(zxid, body)
	case proto.XidPing:
		l.pong()
		return nil
	case proto.XidAuth:
		return l.receiveAuth(code)
	case proto.XidSetWatches:
		if code != proto.OK {
			return l.client.watchesRefused(Code(code))
		}
		return nil
	}
	return l.receiveReply(xid, zxid, code, body)
}

// receiveReply completes the oldest request, as a rule. A watch is armed in the
// same step in which the request leaves the ring, so that no event finds
// neither.
func (l *link) receiveReply(xid int32, zxid int64, code proto.Code, body []byte) error {
	c := l.client
	c.mu.Lock()
	r := l.ring.head()
	switch {
	case r != nil && r.xid == xid:
		l.tally(r)
		l.ring.pop()
	case code == proto.Unimplemented:
		r = l.ring.extract(xid) // of an operation that they do not know servers say so ahead of other answers
	default:
		r = nil
	}
	if r == nil {
		c.mu.Unlock()
		return errUnexpected(fmt.Sprintf("reply with xid %d", xid))
	}
	if zxid > c.lastZxid.Load() {
		c.lastZxid.Store(zxid)
	}
	r.code, r.zxid = code, zxid
	c.counters.received(replyHeaderLen + len(body))
	r.seen.answered(zxid, replyHeaderLen+len(body)+4)
	arms := r.arms()
	if arms {
		l.needs.answered(r.path)
	}
	if r.orphan {
		l.settleOrphan(r)
		c.mu.Unlock()
		l.out.Flush()
		c.recycle(r)
		return nil
	}
	r.phase = over
	if arms || r.op == proto.OpRemoveWatches {
		c.watches.settle(r)
	}
	owed := arms && l.settleDebt(r.path)
	c.mu.Unlock()
	if owed {
		l.out.Flush()
	}

	if code != proto.OK {
		r.finish()
		return nil
	}
	if err := r.decode(body); err != nil {
		if r.oneShot != nil {
			c.mu.Lock()
			c.watches.drop(r.oneShot)
			c.mu.Unlock()
		}
		c.fail(r, &lossError{err}, unknown)
		return err
	}
	r.finish()
	return nil
}

// receiveEvent hands an event to the watches that it concerns, before any
// later reply is looked at.
func (l *link) receiveEvent(zxid int64, body []byte) error {
	in := jute.NewReader(body, "WatcherEvent")
	var e proto.WatcherEvent
	e.Decode(&in)
	if err := in.Err(); err != nil {
		return err
	}
	c := l.client
	c.mu.Lock()
	c.watches.fire(EventType(e.Type), e.Path, zxid)
	owed := l.settleDebt(e.Path)
	c.mu.Unlock()
	if c.cfg.hooks != nil {
		c.cfg.hooks.event(Event{Type: EventType(e.Type), Path: strings.Clone(e.Path), Zxid: zxid})
	}
	if owed {
		l.out.Flush()
	}
	return nil
}

func errUnexpected(what string) error { return errors.New("unexpected " + what) }

// now is the monotonic time since the client began.
func (c *client) now() time.Duration { return time.Since(c.epoch) }

// nextXid counts from 1. The caller holds c.mu.
func (c *client) nextXid() int32 {
	if c.xid++; c.xid <= 0 {
		c.xid = 1
	}
	return c.xid
}
