package fakezk

import (
	"errors"
	"io"
	"net"
	"net/netip"
	"time"

	"github.com/zookit/zookit/internal/jute"
	"github.com/zookit/zookit/internal/proto"
	"github.com/zookit/zookit/internal/wire"
)

// A conn is one client's connection. Its goroutine reads requests, runs them
// under the ensemble's lock and writes what they caused.
type conn struct {
	server *Server
	net    net.Conn
	frames *wire.FrameReader
	out    *wire.Outbox
	host   string
	secure bool // it came to the port for TLS, or began with TLS

	// Guarded by the ensemble's lock:
	session   *session // nil before the handshake, and when the session has left
	oldStyle  bool     // the handshake was without the readOnly byte
	ids       []identity
	certified bool       // by a certificate, of TLS
	login     *saslLogin // nil before its first token
	watching  map[watchKey]watchKinds
	firedIn   uint64 // the pass of watches.fire that told this connection
	emptied   bool   // a watch on data has fired; words tell of the connection even if it was the last
	endsAt    int64  // deadline of a silent connection
	stats     connStats
	forWord   bool // it asks a four-letter word

	// Of the reading goroutine alone:
	fx       effects
	acl      []proto.ACL // space for decoding
	ops      []proto.MultiOp
	results  []proto.MultiResult
	children []string
	dropped  bool // the client has ended the connection
}

// effects is what is to be done once the ensemble's lock is free.
type effects struct {
	flush []*conn // may repeat
	close []*conn
}

func (fx *effects) flushLater(c *conn) {
	if n := len(fx.flush); n == 0 || fx.flush[n-1] != c {
		fx.flush = append(fx.flush, c)
	}
}

// run does it.
func (fx *effects) run() {
	for _, c := range fx.flush {
		c.out.Flush()
	}
	for _, c := range fx.close {
		c.net.Close()
	}
	clear(fx.flush)
	clear(fx.close)
	fx.flush, fx.close = fx.flush[:0], fx.close[:0]
}

// What becomes of a connection after a request.
type outcome int

const (
	stay   outcome = iota
	hangUp         // at once, without a word
	hangUpAfterReply
	mute // without a word, when the client sends anything more
)

func newConn(s *Server, nc net.Conn) *conn {
	c := &conn{server: s, host: hostOf(nc.RemoteAddr())}
	c.over(nc)
	c.ids = []identity{{schemeIP, c.host}}
	c.stats = newConnStats(s.ensemble.wallClock())
	return c
}

// over makes nc what frames are read from and written to.
func (c *conn) over(nc net.Conn) {
	c.net = nc
	c.frames = wire.NewFrameReader(nc, c.server.ensemble.cfg.maxBuffer)
	c.out = wire.NewOutbox(nc, func(error) { nc.Close() })
}

// hostOf is the textual address of the peer, as the ip scheme has it.
func hostOf(addr net.Addr) string {
	if ap, err := netip.ParseAddrPort(addr.String()); err == nil {
		return ap.Addr().Unmap().String()
	}
	return addr.String()
}

// serve runs the connection until it ends.
func (c *conn) serve() {
	e := c.server.ensemble
	next := c.begin()
	for ; next == stay; next = c.next() {
		if !c.frames.Buffered() {
			c.fx.run()
		}
	}
	if next == mute {
		c.fx.run()
		c.frames.Peek(1) // anything more is its end
	}
	e.detach(c) // before the peer can see the end
	c.fx.run()
	if next == hangUpAfterReply {
		c.net.SetDeadline(time.Now().Add(lastWord)) // for a peer that does not read
		c.out.CloseAfterFlush()
		io.Copy(io.Discard, c.net) // a reset could overtake the reply
	}
	c.net.Close()
	c.out.Wait()
	e.gone(c)
}

// next reads a request and runs it.
func (c *conn) next() outcome {
	frame, err := c.frames.Next()
	if err != nil {
		c.logEnd(err)
		return hangUp
	}
	return c.handle(frame)
}

// lastWord is how long a peer may take to read the reply behind which its
// connection is closed.
const lastWord = 10 * time.Second

func (c *conn) logEnd(err error) {
	var length *wire.LengthError
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		c.dropped = true
	} else if errors.As(err, &length) {
		c.server.ensemble.cfg.logger.Warn("closing a connection", "client", c.net.RemoteAddr(), "cause", err)
	}
}

// begin answers a four-letter word or shakes hands.
func (c *conn) begin() outcome {
	if !c.handshake() {
		return hangUp
	}
	first, err := c.frames.Peek(4)
	if err != nil {
		c.logEnd(err)
		return hangUp
	}
	word := [4]byte(first)
	if answer, ok := c.server.fourLetterWord(c, word); ok {
		if answer == "" && string(word[:]) == "stmk" && c.server.ensemble.cfg.quirks.muteOnFault {
			c.net.SetReadDeadline(time.Time{})
			c.frames.Peek(len("stmk") + 8) // it waits for its mask after all
			return hangUp
		}
		c.send(func(b []byte) []byte { return append(b, answer...) })
		return hangUpAfterReply
	}
	frame, err := c.frames.Next()
	if err != nil {
		c.logEnd(err)
		return hangUp
	}
	r := jute.NewReader(frame, "ConnectRequest")
	size := len(frame)
	var req proto.ConnectRequest
	if req.Decode(&r); r.Err() != nil {
		c.logEnd(r.Err())
		return hangUp
	}
	return c.server.ensemble.connect(c, &req, size)
}

// send appends to what is to be written, for what is not worth speed.
func (c *conn) send(f func([]byte) []byte) { c.out.Unlock(f(c.out.Lock())) }

// connect begins or resumes a session. The order of the checks is the server's
// (spec/sessions, A.1 and A.6): the zxid first, then the end of the connection
// that has the session, and only then the password.
func (e *Ensemble) connect(c *conn, req *proto.ConnectRequest, size int) outcome {
	e.mu.Lock()
	defer e.mu.Unlock()
	c.stats.request(size)
	c.server.stats.connects++
	if req.LastZxidSeen > e.state.zxid || e.closed {
		return hangUp
	}
	if req.SessionID == 0 && req.Password == nil && e.cfg.quirks.muteOnFault {
		return mute
	}
	s := e.sessions[req.SessionID]
	if req.SessionID == 0 {
		s = e.newSession(req.Timeout)
	} else {
		c.server.stats.revalidated++
		if s != nil && s.conn != nil {
			e.cut(s.conn, &c.fx)
		}
		if s != nil && string(proto.SessionPassword(s.id)) != string(req.Password) {
			s = nil
		}
	}
	resp := proto.ConnectResponse{Password: make([]byte, proto.PasswordLen), NoReadOnly: req.NoReadOnly && !e.cfg.quirks.alwaysReadOnlyByte}
	next := hangUpAfterReply
	if s != nil {
		s.timeout = e.cfg.grant(req.Timeout)
		s.conn, c.session, c.oldStyle = c, s, req.NoReadOnly
		s.client = c.net.RemoteAddr().String()
		e.recordSession(s)
		e.touchConn(c, e.now())
		resp.Timeout, resp.SessionID, resp.Password = int32(s.timeout), s.id, proto.SessionPassword(s.id)
		next = stay
	}
	c.stats.sent++
	if req.SessionID == 0 {
		c.stats.answered(proto.OpCreateSession, 0, e.state.zxid)
	}
	c.send(func(b []byte) []byte {
		b, start := wire.BeginFrame(b)
		return wire.EndFrame(resp.AppendTo(b), start)
	})
	c.fx.flushLater(c)
	e.cfg.logger.Debug("session", "id", sessionName(resp.SessionID), "client", c.net.RemoteAddr(), "resumed", req.SessionID != 0)
	return next
}

// leave parts a connection from its session and its watches.
func (e *Ensemble) leave(c *conn) {
	if c.session != nil && c.session.conn == c {
		c.session.conn = nil
	}
	c.session = nil
	c.server.watches.forget(c)
}

// cut ends a connection without a word. What it was to be told before is sent.
func (e *Ensemble) cut(c *conn, fx *effects) {
	e.drop(c)
	fx.flushLater(c)
	fx.close = append(fx.close, c)
}

// drop makes a connection count no more. Its goroutine runs until the
// connection is closed. It can be called more than once.
func (e *Ensemble) drop(c *conn) {
	e.leave(c)
	e.idle.remove(c, &c.endsAt)
	c.server.forget(c)
}

// detach is drop for the connection's goroutine.
func (e *Ensemble) detach(c *conn) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if _, counted := c.server.conns[c]; counted && c.dropped {
		c.server.stats.dropped++
	}
	e.drop(c)
}

// gone is the end of a connection.
func (e *Ensemble) gone(c *conn) {
	e.mu.Lock()
	defer e.mu.Unlock()
	delete(c.server.closing, c)
}

// touchConn begins the time anew after which a silent connection is closed.
func (e *Ensemble) touchConn(c *conn, now int64) {
	timeout := e.cfg.idleTimeout.Milliseconds()
	if c.session != nil {
		timeout = c.session.timeout
	}
	c.stats.at = now
	if e.cfg.quirks.silentMayStay {
		return
	}
	e.idle.touch(c, &c.endsAt, now, timeout)
	e.wakeFor(c.endsAt)
}

// sendEvent appends a watch event.
func (c *conn) sendEvent(event int32, path string, zxid int64) {
	b, start := wire.BeginFrame(c.out.Lock())
	b = proto.ReplyHeader{Xid: proto.XidNotify, Zxid: zxid}.AppendTo(b)
	b = proto.WatcherEvent{Type: event, State: proto.StateSyncConnected, Path: path}.AppendTo(b)
	b = wire.EndFrame(b, start)
	c.out.Unlock(b)
	c.stats.sent++
	c.server.stats.event(len(b) - start - 4)
}

// beginReply begins a reply; endReply ends it.
func (c *conn) beginReply(xid int32, zxid int64, code proto.Code) (b []byte, start int) {
	c.stats.code = code
	b, start = wire.BeginFrame(c.out.Lock())
	return proto.ReplyHeader{Xid: xid, Zxid: zxid, Err: code}.AppendTo(b), start
}

func (c *conn) endReply(b []byte, start int) {
	b = wire.EndFrame(b, start)
	c.out.Unlock(b)
	c.stats.sent++
	c.server.stats.response(len(b) - start - 4)
	c.fx.flushLater(c)
}

// reply is a reply without a body.
func (c *conn) reply(xid int32, zxid int64, code proto.Code) {
	b, start := c.beginReply(xid, zxid, code)
	c.endReply(b, start)
}
