package fakezk

import (
	"slices"
	"strings"

	"github.com/zookit/zookit/internal/jute"
	"github.com/zookit/zookit/internal/proto"
)

// handle runs one request.
func (c *conn) handle(frame []byte) outcome {
	r := jute.NewReader(frame, "RequestHeader")
	var h proto.RequestHeader
	if h.Decode(&r); r.Err() != nil {
		return hangUp
	}
	e := c.server.ensemble
	e.mu.Lock()
	defer e.mu.Unlock()
	c.stats.request(len(frame))
	switch h.Op {
	case proto.OpAuth:
		return c.auth(h.Xid, &r)
	case proto.OpSASL:
		return c.sasl(h.Xid, &r)
	}
	if c.session == nil {
		return hangUp // it has ended, or moved to another connection
	}
	if !e.cfg.authenticated(c.ids) {
		c.reply(h.Xid, 0, proto.SessionClosedRequireSASL)
		return hangUpAfterReply
	}
	now := e.now()
	e.touch(c.session, now, c.session.timeout)
	e.touchConn(c, now)
	next := c.dispatch(e, h, &r)
	c.stats.answered(h.Op, h.Xid, e.state.zxid)
	c.server.stats.answered(h.Op)
	return next
}

// authenticated tells whether the identities satisfy an enforced scheme.
func (cfg *config) authenticated(ids []identity) bool {
	if len(cfg.enforceAuth) == 0 {
		return true
	}
	for _, id := range ids {
		if cfg.enforces(id.scheme) {
			return true
		}
	}
	return false
}

func (cfg *config) enforces(scheme string) bool { return slices.Contains(cfg.enforceAuth, scheme) }

func (c *conn) dispatch(e *Ensemble, h proto.RequestHeader, r *jute.Reader) outcome {
	if lacks := e.cfg.quirks.lacks; lacks != nil && lacks[h.Op] {
		return c.unknownOp(h)
	}
	switch h.Op {
	case proto.OpPing:
		c.reply(proto.XidPing, e.state.zxid, proto.OK)
	case proto.OpExists, proto.OpGetData, proto.OpGetChildren, proto.OpGetChildren2:
		c.readNode(e, h, r)
	case proto.OpCreate, proto.OpCreate2, proto.OpCreateContainer, proto.OpCreateTTL:
		c.create(e, h, r)
	case proto.OpSetData:
		c.setData(e, h, r)
	case proto.OpDelete:
		c.delete(e, h, r)
	case proto.OpDeleteContainer:
		c.deleteContainer(e, h, r)
	case proto.OpSetACL:
		c.setACL(e, h, r)
	case proto.OpMulti, proto.OpMultiRead:
		c.multi(e, h, r)
	case proto.OpReconfig:
		c.reconfig(e, h, r)
	case proto.OpGetACL, proto.OpSync, proto.OpGetEphemerals, proto.OpGetAllChildrenNumber, proto.OpWhoAmI:
		c.ask(e, h, r)
	case proto.OpSetWatches, proto.OpSetWatches2, proto.OpAddWatch, proto.OpRemoveWatches, proto.OpCheckWatches:
		c.watch(e, h, r)
	case proto.OpCheck:
		return c.checkAlone(e, h, r)
	case proto.OpCreateSession:
		c.createSession(e, h, r)
	case proto.OpCloseSession:
		s := c.session
		zxid := e.endSession(s, &c.fx)
		c.reply(h.Xid, zxid, proto.OK)
		e.leave(c)
		return hangUpAfterReply
	default:
		return c.unknownOp(h)
	}
	return stay
}

func (c *conn) unknownOp(h proto.RequestHeader) outcome {
	c.reply(h.Xid, -1, proto.Unimplemented)
	return hangUpAfterReply
}

// createSession from a client is answered with another handshake. It takes a
// zxid, and the timeout that it names runs until the session is next touched.
func (c *conn) createSession(e *Ensemble, h proto.RequestHeader, r *jute.Reader) {
	t := c.beginTxn(e)
	timeout := r.Int()
	if r.Err() != nil {
		c.reply(h.Xid, t.zxid, proto.MarshallingError)
		return
	}
	s := c.session
	e.touch(s, e.now(), max(0, int64(timeout)))
	resp := proto.ConnectResponse{
		Timeout: int32(s.timeout), SessionID: s.id, Password: proto.SessionPassword(s.id), NoReadOnly: c.oldStyle && !e.cfg.quirks.alwaysReadOnlyByte,
	}
	b, start := c.beginReply(0, 0, 0)
	c.endReply(resp.AppendTo(b[:start+4]), start)
}

// malformed answers a body that could not be decoded.
func (c *conn) malformed(e *Ensemble, h proto.RequestHeader) {
	if e.cfg.quirks.malformedTakesZxid && isWrite(h.Op) && h.Op != proto.OpReconfig {
		e.state.next()
	}
	c.reply(h.Xid, e.state.zxid, proto.MarshallingError)
}

// readNode is exists, getData, getChildren and getChildren2.
func (c *conn) readNode(e *Ensemble, h proto.RequestHeader, r *jute.Reader) {
	var req proto.PathWatch
	if req.Decode(r); r.Err() != nil || req.NullPath {
		c.malformed(e, h)
		return
	}
	if h.Op == proto.OpExists && strings.IndexByte(req.Path, 0) >= 0 {
		c.reply(h.Xid, e.state.zxid, proto.BadArguments)
		return
	}
	perm := int32(proto.PermRead)
	if h.Op == proto.OpExists && e.cfg.quirks.watchedByAll {
		perm = permNone
	}
	n, code := e.state.permitted(c.ids, req.Path, perm)
	if req.Watch && (code == proto.OK || code == proto.NoNode && h.Op == proto.OpExists) {
		table := dataTable
		if h.Op == proto.OpGetChildren || h.Op == proto.OpGetChildren2 {
			table = childTable
		}
		c.server.watches.arm(c, table, req.Path, watchOnce)
	}
	b, start := c.beginReply(h.Xid, e.state.zxid, code)
	if code == proto.OK {
		switch h.Op {
		case proto.OpExists:
			b = n.stat().AppendTo(b)
		case proto.OpGetData:
			b = jute.AppendNullable(b, n.data, n.null)
			b = n.stat().AppendTo(b)
		case proto.OpGetChildren:
			b = c.appendChildren(b, e, n)
		case proto.OpGetChildren2:
			b = c.appendChildren(b, e, n)
			b = n.stat().AppendTo(b)
		}
	}
	c.endReply(b, start)
}

func (c *conn) appendChildren(b []byte, e *Ensemble, n *znode) []byte {
	c.children = e.state.tree.appendChildren(c.children[:0], n)
	b = jute.AppendInt(b, int32(len(c.children)))
	for _, name := range c.children {
		b = jute.AppendString(b, name)
	}
	clear(c.children)
	return b
}

// begin opens a transaction for a write.
func (c *conn) beginTxn(e *Ensemble) txn {
	return txn{zxid: e.state.next(), now: e.wallClock(), session: c.session.id, ids: c.ids}
}

// create is create, create2, createContainer and createTTL.
func (c *conn) create(e *Ensemble, h proto.RequestHeader, r *jute.Reader) {
	req := proto.CreateTTLRequest{CreateRequest: proto.CreateRequest{ACL: c.acl}, TTL: -1}
	if h.Op == proto.OpCreateTTL {
		req.Decode(r)
	} else {
		req.CreateRequest.Decode(r)
	}
	if r.Err() != nil {
		c.malformed(e, h)
		return
	}
	if req.ACL != nil {
		c.acl = req.ACL
	}
	t := c.beginTxn(e)
	n, code := e.state.create(&t, &createArgs{
		op: h.Op, path: req.Path, null: req.NullPath, data: req.Data, acl: req.ACL, mode: req.Flags, ttl: req.TTL,
	})
	e.fire(&c.fx)
	b, start := c.beginReply(h.Xid, t.zxid, code)
	if code == proto.OK {
		b = jute.AppendString(b, n.path)
		if h.Op != proto.OpCreate {
			b = createdStat(n, req.Data).AppendTo(b)
		}
	}
	c.endReply(b, start)
}

func (c *conn) setData(e *Ensemble, h proto.RequestHeader, r *jute.Reader) {
	var req proto.SetDataRequest
	if req.Decode(r); r.Err() != nil {
		c.malformed(e, h)
		return
	}
	t := c.beginTxn(e)
	n, code := e.state.set(&t, req.Path, req.Data, req.Version)
	c.replyStat(e, h, &t, n, code)
}

func (c *conn) setACL(e *Ensemble, h proto.RequestHeader, r *jute.Reader) {
	req := proto.SetACLRequest{ACL: c.acl}
	if req.Decode(r); r.Err() != nil {
		c.malformed(e, h)
		return
	}
	t := c.beginTxn(e)
	n, code := e.state.setACL(&t, req.Path, req.ACL, req.Version)
	c.replyStat(e, h, &t, n, code)
}

func (c *conn) replyStat(e *Ensemble, h proto.RequestHeader, t *txn, n *znode, code proto.Code) {
	e.fire(&c.fx)
	b, start := c.beginReply(h.Xid, t.zxid, code)
	if code == proto.OK {
		b = n.stat().AppendTo(b)
	}
	c.endReply(b, start)
}

func (c *conn) delete(e *Ensemble, h proto.RequestHeader, r *jute.Reader) {
	var req proto.PathVersion
	if req.Decode(r); r.Err() != nil {
		c.malformed(e, h)
		return
	}
	t := c.beginTxn(e)
	code := proto.MarshallingError
	if !req.NullPath {
		code = e.state.delete(&t, req.Path, req.Version)
	}
	e.fire(&c.fx)
	c.reply(h.Xid, t.zxid, code)
}

func (c *conn) deleteContainer(e *Ensemble, h proto.RequestHeader, r *jute.Reader) {
	if e.cfg.quirks.deleteContainerFails {
		c.reply(h.Xid, e.state.next(), proto.BadArguments)
		return
	}
	var req proto.PathRecord
	if req.Decode(r); r.Err() != nil || req.NullPath {
		c.malformed(e, h)
		return
	}
	t := c.beginTxn(e)
	code := e.state.deleteContainer(&t, req.Path)
	e.fire(&c.fx)
	c.reply(h.Xid, t.zxid, code)
}

// checkAlone is check outside of a multi, which only older releases take, and
// answer when it fails.
func (c *conn) checkAlone(e *Ensemble, h proto.RequestHeader, r *jute.Reader) outcome {
	if !e.cfg.quirks.checkAlone {
		return c.unknownOp(h)
	}
	var req proto.PathVersion
	if req.Decode(r); r.Err() != nil {
		c.malformed(e, h)
		return stay
	}
	t := c.beginTxn(e)
	code := proto.BadArguments
	if !req.NullPath {
		code = e.state.check(&t, req.Path, req.Version)
	}
	if code != proto.OK {
		c.reply(h.Xid, t.zxid, code)
	}
	return stay
}

// multi is multi and multiRead.
func (c *conn) multi(e *Ensemble, h proto.RequestHeader, r *jute.Reader) {
	req := proto.MultiRequest{Ops: c.ops}
	req.Decode(r)
	q := &e.cfg.quirks
	sound, nullACL := q.soundMulti(req.Ops)
	sound = sound && r.Err() == nil
	zxid, code := e.state.zxid, proto.MarshallingError
	results := c.results[:0]
	empty := false // answered with no results where an error has no body
	switch {
	case nullACL:
		empty = q.multiLosesZxid && h.Op == proto.OpMulti
	case h.Op == proto.OpMulti && q.multiLosesZxid && sound && anyNullPath(req.Ops):
		e.state.lost++
		empty = true
	case h.Op == proto.OpMulti:
		// It takes a zxid even where it cannot be decoded.
		t := c.beginTxn(e)
		if zxid = t.zxid; sound {
			results, code = e.state.multi(&t, req.Ops, results)
		}
		e.fire(&c.fx)
	case sound:
		results, code = e.state.multiRead(c.ids, req.Ops, results)
	}
	b, start := c.beginReply(h.Xid, zxid, code)
	if code == proto.OK || empty || h.Op == proto.OpMultiRead && sound {
		// A multiRead that fails has what it read so far behind its header.
		b = proto.MultiResponse{Results: results}.AppendTo(b)
	}
	c.endReply(b, start)
	clear(results)
	clear(req.Ops)
	c.ops, c.results = req.Ops[:0], results[:0]
}

// reconfig cannot be done on a server that stands alone.
func (c *conn) reconfig(e *Ensemble, h proto.RequestHeader, r *jute.Reader) {
	var req proto.ReconfigRequest
	if req.Decode(r); r.Err() != nil {
		c.malformed(e, h)
		return
	}
	t := c.beginTxn(e)
	code := proto.ReconfigDisabled
	if e.cfg.reconfig {
		code = proto.Unimplemented
	}
	c.reply(h.Xid, t.zxid, code)
}

// ask is what reads and arms no watch.
func (c *conn) ask(e *Ensemble, h proto.RequestHeader, r *jute.Reader) {
	var req proto.PathRecord
	if h.Op != proto.OpWhoAmI {
		req.Decode(r)
	}
	needsPath := h.Op == proto.OpGetACL || h.Op == proto.OpGetAllChildrenNumber
	if r.Err() != nil || req.NullPath && needsPath {
		c.malformed(e, h)
		return
	}
	var n *znode
	code := proto.OK
	switch h.Op {
	case proto.OpGetAllChildrenNumber:
		n, code = e.state.permitted(c.ids, req.Path, proto.PermRead)
	case proto.OpGetACL:
		perm := proto.PermRead | proto.PermAdmin
		if e.cfg.quirks.openGetACL {
			perm = permNone
		}
		n, code = e.state.permitted(c.ids, req.Path, perm)
	}
	b, start := c.beginReply(h.Xid, e.state.zxid, code)
	if code == proto.OK {
		b = c.appendAnswer(b, e, h.Op, &req, n)
	}
	c.endReply(b, start)
}

func (c *conn) appendAnswer(b []byte, e *Ensemble, op proto.Op, req *proto.PathRecord, n *znode) []byte {
	switch op {
	case proto.OpGetACL:
		return proto.GetACLResponse{ACL: e.state.shownACL(c.ids, n.acl), Stat: n.stat()}.AppendTo(b)
	case proto.OpSync:
		return req.AppendTo(b)
	case proto.OpGetAllChildrenNumber:
		count := e.state.tree.countBelow(n.path)
		if req.Path == "" {
			count++ // the alias of the root counts the root too
		}
		return jute.AppendInt(b, int32(count))
	case proto.OpGetEphemerals:
		prefix := req.Path
		if trimmed := strings.TrimFunc(prefix, javaSpace); trimmed == "" || trimmed == "/" {
			prefix = ""
		}
		paths := []string{}
		e.state.eachEphemeral(c.session.id, func(path string) {
			if strings.HasPrefix(path, prefix) {
				paths = append(paths, path)
			}
		})
		return jute.AppendStrings(b, paths)
	default: // whoAmI
		return proto.WhoAmIResponse{Info: e.cfg.whoAmI(c.ids)}.AppendTo(b)
	}
}

// javaSpace tells whether Java's trim takes the character off.
func javaSpace(c rune) bool { return c <= ' ' }

// whoAmI names the users of identities; what the server has no provider of has
// no user.
func (cfg *config) whoAmI(ids []identity) []proto.ClientInfo {
	info := make([]proto.ClientInfo, len(ids))
	for i, id := range ids {
		user := ""
		switch {
		case id.scheme == schemeDigest:
			user, _, _ = strings.Cut(id.id, ":")
		case cfg.knows(id.scheme):
			user = id.id
		}
		info[i] = proto.ClientInfo{Scheme: id.scheme, User: user}
	}
	return info
}

// watch is what arms and disarms watches by itself.
func (c *conn) watch(e *Ensemble, h proto.RequestHeader, r *jute.Reader) {
	w := &c.server.watches
	if h.Op == proto.OpSetWatches || h.Op == proto.OpSetWatches2 {
		var req proto.SetWatches2
		if h.Op == proto.OpSetWatches {
			req.SetWatches.Decode(r)
			req.Persistent, req.Recursive = []string{}, []string{}
		} else {
			req.Decode(r)
		}
		if r.Err() != nil {
			c.malformed(e, h)
			return
		}
		c.reply(h.Xid, e.state.zxid, w.reset(e.state, c, &req))
		return
	}
	var req proto.PathKind
	if req.Decode(r); r.Err() != nil {
		c.malformed(e, h)
		return
	}
	if req.NullPath {
		req.Path = jute.NullItem // a path like another, here
	}
	var code proto.Code
	switch h.Op {
	case proto.OpAddWatch:
		code = w.addWatch(c, req.Path, req.Kind)
	case proto.OpRemoveWatches:
		code = w.remove(c, req.Path, req.Kind)
	default:
		code = w.check(c, req.Path, req.Kind)
	}
	b, start := c.beginReply(h.Xid, e.state.zxid, code)
	if code == proto.OK && h.Op == proto.OpAddWatch {
		b = jute.AppendInt(b, 0)
	}
	c.endReply(b, start)
}

// auth adds an identity. What cannot be decoded ends the connection without a
// word, and a scheme that refuses ends it with one.
func (c *conn) auth(xid int32, r *jute.Reader) outcome {
	var req proto.AuthPacket
	if req.Decode(r); r.Err() != nil {
		return hangUp
	}
	ids, ok := c.server.ensemble.cfg.authenticate(c.ids, c.certified, req.Scheme, req.Auth)
	if !ok {
		c.reply(xid, 0, proto.AuthFailed)
		return hangUpAfterReply
	}
	c.ids = ids
	c.reply(xid, 0, proto.OK)
	return stay
}
