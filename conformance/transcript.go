package conformance

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/zookit/zookit/internal/jute"
	"github.com/zookit/zookit/internal/proto"
)

// connectRequest encodes the first frame. sid=c1 is the session that c1 has,
// with its password unless pw= says otherwise.
func (r *run) connectRequest(k call) []byte {
	req := proto.ConnectRequest{
		Timeout: int32(k.number("to", 10000)), Password: make([]byte, proto.PasswordLen),
		ProtocolVersion: int32(k.number("proto", 0)), LastZxidSeen: r.zxid(k.named["zxid"].text),
	}
	if a, ok := k.named["sid"]; ok {
		switch s := r.session(a.text); {
		case s != nil:
			req.SessionID, req.Password = s.id, s.password
		case a.text[0] == 'c':
			req.SessionID = 0x123456 // of a connection that had none
		default:
			req.SessionID = k.number("sid", 0)
		}
	}
	if a, ok := k.named["pw"]; ok {
		req.Password = []byte(a.text)
		if s := r.session(a.text); s != nil {
			req.Password = s.password
		}
		if a.null {
			req.Password = nil
		}
	}
	switch k.named["ro"].text {
	case "1":
		req.ReadOnly = true
	case "absent":
		req.NoReadOnly = true
	}
	b := req.AppendTo(nil)
	return append(b[:len(b)-int(k.number("cut", 0))], unhex(k.named["add"].text)...)
}

// handshake sends a ConnectRequest and tells of its answer.
func (r *run) handshake(c *client, k call) string {
	c.write(frame(r.connectRequest(k)))
	b, err := c.read(r.patience)
	switch err {
	case nil:
		return r.handshakeDone(c, b)
	case errEnd:
		return "CLOSED"
	}
	return err.Error()
}

// handshakeDone tells of a ConnectResponse.
func (r *run) handshakeDone(c *client, b []byte) string {
	var resp proto.ConnectResponse
	rd := jute.NewReader(b, "ConnectResponse")
	if resp.Decode(&rd); rd.Err() != nil || len(rd.Rest()) > 0 {
		return "not a ConnectResponse: " + hex.EncodeToString(b)
	}
	text := fmt.Sprintf("to=%d", resp.Timeout)
	switch i := slices.IndexFunc(r.sessions, func(s *session) bool { return s.id == resp.SessionID }); {
	case resp.SessionID == 0:
		text += " sid=0"
	case i >= 0:
		c.session = r.sessions[i]
		text += " sid=" + c.session.name
		if !bytes.Equal(c.session.password, resp.Password) {
			text += " another password"
		}
	default:
		name := c.name
		for r.session(name) != nil {
			name += "'"
		}
		c.session = &session{name, resp.SessionID, bytes.Clone(resp.Password)}
		r.sessions = append(r.sessions, c.session)
		text += " sid=" + name
	}
	if bytes.Equal(resp.Password, make([]byte, len(resp.Password))) {
		text += " pw=0"
	}
	text += fmt.Sprintf("*%d", len(resp.Password))
	if !resp.NoReadOnly {
		text += fmt.Sprintf(" ro=%v", resp.ReadOnly)
	}
	return text
}

// event tells of a frame that is an event; a reply to a request of xid -1 is
// none.
func (r *run) event(b []byte) (line, bool) {
	rd := jute.NewReader(b, "event")
	var h proto.ReplyHeader
	h.Decode(&rd)
	if h.Xid != proto.XidNotify || h.Err != 0 || len(rd.Rest()) < 12 {
		return line{}, false
	}
	kind, state, path := rd.Int(), rd.Int(), r.shown(rd.Buffer())
	if rd.Err() != nil || len(rd.Rest()) > 0 {
		return line{}, false
	}
	name := map[int32]string{1: "Created", 2: "Deleted", 3: "DataChanged", 4: "ChildrenChanged"}[kind]
	if name == "" || state != proto.StateSyncConnected {
		return line{}, false
	}
	text := fmt.Sprintf("%s event %s %s", r.shownZxid(h.Zxid), name, path)
	return line{text, true, h.Zxid}, true
}

// reply tells of a reply to s.
func (r *run) reply(s sent, b []byte) string {
	rd := jute.NewReader(b, "reply")
	var h proto.ReplyHeader
	if h.Decode(&rd); rd.Err() != nil {
		return "not a reply: " + hex.EncodeToString(b)
	}
	if h.Zxid > 0 {
		r.last = h.Zxid
	}
	var text strings.Builder
	if h.Xid != s.xid {
		fmt.Fprintf(&text, "xid %d ", h.Xid)
	}
	text.WriteString(r.shownZxid(h.Zxid))
	if h.Err != proto.OK {
		fmt.Fprintf(&text, " %s", codeName(h.Err))
		if s.op == proto.OpMultiRead && len(rd.Rest()) > 0 {
			text.WriteString(" behind")
			r.multi(&text, &rd)
		}
	} else {
		text.WriteString(" ok")
		if s.op == proto.OpCloseSession {
			r.closing[h.Zxid] = true
		}
		r.result(&text, s.op, &rd)
	}
	if rd.Err() != nil {
		fmt.Fprintf(&text, " undecodable: %x", b)
	} else if rest := rd.Rest(); len(rest) > 0 {
		fmt.Fprintf(&text, " and %x", rest)
	}
	return text.String()
}

// result tells of the body of a reply.
func (r *run) result(text *strings.Builder, op proto.Op, rd *jute.Reader) {
	switch op {
	case proto.OpCreate, proto.OpSync:
		fmt.Fprintf(text, " =%s", r.shown(rd.Buffer()))
	case proto.OpCreate2, proto.OpCreateContainer, proto.OpCreateTTL:
		fmt.Fprintf(text, " =%s %s", r.shown(rd.Buffer()), r.stat(rd))
	case proto.OpExists, proto.OpSetData, proto.OpSetACL:
		fmt.Fprintf(text, " %s", r.stat(rd))
	case proto.OpReconfig, opGetConfig:
		fmt.Fprintf(text, " %s", r.config(rd))
	case proto.OpGetData:
		fmt.Fprintf(text, " %s %s", r.shown(rd.Buffer()), r.stat(rd))
	case proto.OpGetACL:
		fmt.Fprintf(text, " %s %s", r.acl(rd), r.stat(rd))
	case proto.OpGetChildren, proto.OpGetEphemerals:
		fmt.Fprintf(text, " %s", r.list(rd))
	case proto.OpGetChildren2:
		fmt.Fprintf(text, " %s %s", r.list(rd), r.stat(rd))
	case proto.OpGetAllChildrenNumber, proto.OpAddWatch:
		fmt.Fprintf(text, " %d", rd.Int())
	case proto.OpSASL:
		fmt.Fprintf(text, " %s", r.shown(rd.Buffer()))
	case proto.OpMulti, proto.OpMultiRead:
		r.multi(text, rd)
	case proto.OpWhoAmI:
		n, _ := rd.Count(8)
		var who []string
		for range n {
			scheme, user := r.shown(rd.Buffer()), r.shown(rd.Buffer())
			if scheme == "ip" && r.elsewhere {
				user = "127.0.0.1"
			}
			who = append(who, scheme+":"+user)
		}
		slices.Sort(who)
		fmt.Fprintf(text, " %v", who)
	}
}

func (r *run) multi(text *strings.Builder, rd *jute.Reader) {
	for rd.Err() == nil {
		var h proto.MultiHeader
		h.Decode(rd)
		if h.Done {
			if h.Op != proto.OpError || h.Err != -1 {
				fmt.Fprintf(text, " end %d,%d", h.Op, h.Err)
			}
			return
		}
		if h.Op == proto.OpError {
			code := proto.Code(rd.Int())
			fmt.Fprintf(text, " | %s", codeName(code))
			if code != h.Err {
				fmt.Fprintf(text, " but %d in the header", h.Err)
			}
			continue
		}
		fmt.Fprintf(text, " | %v", h.Op)
		if h.Err != 0 {
			fmt.Fprintf(text, " err %d", h.Err)
		}
		r.result(text, h.Op, rd)
	}
}

// stat tells of a Stat. A time is told only where it is not that of the
// transaction beside it.
func (r *run) stat(rd *jute.Reader) string {
	var s proto.Stat
	if s.Decode(rd); rd.Err() != nil {
		return ""
	}
	text := fmt.Sprintf("{c%s m%s p%s v%d cv%d av%d dl%d nc%d", r.shownZxid(s.Czxid), r.shownZxid(s.Mzxid),
		r.shownZxid(s.Pzxid), s.Version, s.Cversion, s.Aversion, s.DataLength, s.NumChildren)
	if s.Czxid == 0 && s.Aversion == -1 && s.DataLength > 0 {
		text = configLength.ReplaceAllString(text, "dlN") // the configuration has addresses
	}
	if !r.timeOf(s.Czxid, s.Ctime) {
		text += " odd ctime"
	}
	if !r.timeOf(s.Mzxid, s.Mtime) {
		text += " odd mtime"
	}
	if s.EphemeralOwner != 0 {
		owner := fmt.Sprintf("%#x", s.EphemeralOwner)
		for _, known := range r.sessions {
			if known.id == s.EphemeralOwner {
				owner = known.name
			}
		}
		text += " of " + owner
	}
	return text + "}"
}

func (r *run) timeOf(zxid, ms int64) bool {
	if zxid == 0 || ms == 0 {
		return zxid == 0 && ms == 0
	}
	if known, ok := r.times[zxid]; ok {
		return known == ms
	}
	r.times[zxid] = ms
	return true
}

func (r *run) acl(rd *jute.Reader) string {
	n, null := rd.Count(12)
	if null {
		return "null"
	}
	entries := make([]string, n)
	for i := range entries {
		perms := rd.Int()
		entries[i] = fmt.Sprintf("%d:%s:%s", perms, r.shown(rd.Buffer()), r.shown(rd.Buffer()))
	}
	return strings.Join(entries, ",")
}

// list tells of strings that have no order.
func (r *run) list(rd *jute.Reader) string {
	n, null := rd.Count(4)
	if null {
		return "null"
	}
	items := make([]string, n)
	for i := range items {
		items[i] = r.shown(rd.Buffer())
	}
	slices.Sort(items)
	return "[" + strings.Join(items, " ") + "]"
}

// shown is a string or a buffer: quoted unless it is plain, with "~" for the
// case's root, and short.
func (r *run) shown(b []byte) string {
	if b == nil {
		return "null"
	}
	if bytes.HasPrefix(b, []byte("server.")) {
		return "(the configuration)"
	}
	const longest = 60
	text := strings.ReplaceAll(string(b), r.root, "~")
	if len(text) > longest {
		text = fmt.Sprintf("%s..(%d bytes)", text[:20], len(text))
	}
	for i := range len(text) {
		if text[i] <= ' ' || text[i] >= 0x7f || text[i] == '"' {
			return strconv.QuoteToASCII(text)
		}
	}
	if text == "" || text == "null" {
		return strconv.Quote(text)
	}
	return text
}

// shownZxid is a zxid from the beginning of the case; what is older is "old".
func (r *run) shownZxid(zxid int64) string {
	switch {
	case zxid == 0 || zxid == -1:
		return strconv.FormatInt(zxid, 10)
	case zxid < r.start:
		return "old"
	}
	const epoch = 32                      // bits of the counter behind it
	if r.start == 0 && zxid>>epoch == 1 { // nothing was written before the case
		r.start = 1 << epoch
	}
	if elections := zxid>>epoch - r.start>>epoch; elections > 0 {
		return fmt.Sprintf("e%d+%d", elections, zxid&(1<<epoch-1))
	}
	return fmt.Sprintf("+%d", zxid-r.start)
}

// codeName is a code as the protocol's documents have it.
func codeName(code proto.Code) string {
	if name, ok := codeNames[code]; ok {
		return name
	}
	return fmt.Sprintf("error %d", code)
}

var codeNames = map[proto.Code]string{
	0: "Ok", -2: "RuntimeInconsistency", -5: "MarshallingError", -6: "Unimplemented", -8: "BadArguments", -13: "NewConfigNoQuorum", -14: "ReconfigInProgress",
	-101: "NoNode", -102: "NoAuth", -103: "BadVersion", -108: "NoChildrenForEphemerals", -110: "NodeExists",
	-111: "NotEmpty", -112: "SessionExpired", -114: "InvalidACL", -115: "AuthFailed", -119: "NotReadOnly", -121: "NoWatcher",
	-123: "ReconfigDisabled", -124: "SessionClosedRequireSASL", -125: "QuotaExceeded",
}
