package conformance

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"hash/crc32"
	"slices"
	"strconv"
	"strings"

	"github.com/zookit/zookit/internal/jute"
	"github.com/zookit/zookit/internal/proto"
)

// A teller tells of frames in words that another server's teller would use for
// the same: sessions have names, and zxids count from a start.
type teller struct {
	roles       map[string]int  // members by what steps call them
	elsewhere   bool            // servers see clients at another address than 127.0.0.1, which is told as if it were that
	root        string          // the path that "~" stands for; "" is none
	start, last int64           // zxids: where they count from, of the last reply
	sessions    []*session      // those that were granted
	closing     map[int64]bool  // zxids of ends of sessions
	times       map[int64]int64 // of transactions, as Stats told them
	children    [][]string      // names of children, as each getChildren2 of the step told them
	random      bool            // whether the program is, so that lists have no order that luck gives them
	identities  bool            // whether a connection has, or had, several of digest

	// Of a proxy, which does not know how it all began.
	proxy   bool
	anyZxid bool    // zxids are not told, since they do not compare
	shifts  []shift // where zxids went another way than the other server's
}

func newTeller(root string) teller {
	return teller{root: root, closing: map[int64]bool{}, times: map[int64]int64{}}
}

// A shift says that zxids from one on are so much further than the other
// server's.
type shift struct{ from, by int64 }

// event tells of a frame that is an event; a reply to a request of xid -1 is
// none.
func (r *teller) event(b []byte) (line, bool) {
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
func (r *teller) reply(s sent, b []byte) string {
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
		if s.op == proto.OpGetChildren2 {
			r.children = append(r.children, nil)
		}
	} else {
		text.WriteString(" ok")
		if s.op == proto.OpCloseSession {
			r.noteClosing(h.Zxid)
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
func (r *teller) result(text *strings.Builder, op proto.Op, rd *jute.Reader) {
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
		list, _ := r.list(rd)
		fmt.Fprintf(text, " %s", list)
	case proto.OpGetChildren2:
		list, names := r.list(rd)
		r.children = append(r.children, names)
		fmt.Fprintf(text, " %s %s", list, r.stat(rd))
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

func (r *teller) multi(text *strings.Builder, rd *jute.Reader) {
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
func (r *teller) stat(rd *jute.Reader) string {
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
		if r.proxy {
			owner = "a stranger"
		}
		for _, known := range r.sessions {
			if known.id == s.EphemeralOwner {
				owner = known.name
			}
		}
		text += " of " + owner
	}
	return text + "}"
}

func (r *teller) timeOf(zxid, ms int64) bool {
	if zxid == 0 || ms == 0 {
		return zxid == 0 && ms == 0
	}
	if known, ok := r.times[zxid]; ok {
		return known == ms
	}
	if len(r.times) > most {
		clear(r.times)
	}
	r.times[zxid] = ms
	return true
}

// most bounds what a teller remembers of transactions.
const most = 1 << 16

func (r *teller) noteClosing(zxid int64) {
	if len(r.closing) > most {
		clear(r.closing)
	}
	r.closing[zxid] = true
}

// acl tells of a list of ACLs. In which order several identities of one
// connection take the place of "auth" is up to the server.
func (r *teller) acl(rd *jute.Reader) string {
	n, null := rd.Count(12)
	if null {
		return "null"
	}
	entries := make([]string, n)
	for i := range entries {
		perms := rd.Int()
		entries[i] = fmt.Sprintf("%d:%s:%s", perms, r.shown(rd.Buffer()), r.shown(rd.Buffer()))
	}
	if r.random && r.identities {
		slices.Sort(entries)
	}
	return strings.Join(entries, ",")
}

// list tells of strings that have no order, and returns them in some.
func (r *teller) list(rd *jute.Reader) (text string, names []string) {
	n, null := rd.Count(4)
	if null {
		return "null", nil
	}
	items := make([]string, n)
	names = make([]string, n)
	for i := range items {
		b := rd.Buffer()
		items[i], names[i] = r.shown(b), string(b)
	}
	slices.Sort(items)
	slices.Sort(names)
	return "[" + strings.Join(items, " ") + "]", names
}

// shown is a string or a buffer: quoted unless it is plain, with "~" for the
// case's root, and short.
func (r *teller) shown(b []byte) string {
	if b == nil {
		return "null"
	}
	if bytes.HasPrefix(b, []byte("server.")) {
		return "(the configuration)"
	}
	const longest = 60
	text := string(b)
	if r.root != "" {
		text = strings.ReplaceAll(text, r.root, "~")
	}
	if len(text) > longest && r.proxy {
		text = fmt.Sprintf("%s..(%d bytes, CRC %08x)", text[:20], len(text), crc32.ChecksumIEEE(b))
	} else if len(text) > longest {
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
func (r *teller) shownZxid(zxid int64) string {
	switch {
	case zxid == 0 || zxid == -1:
		return strconv.FormatInt(zxid, 10)
	case r.anyZxid:
		return "+?"
	case zxid < r.start:
		return "old"
	}
	zxid -= r.shiftAt(zxid)
	const epoch = 32                      // bits of the counter behind it
	if r.start == 0 && zxid>>epoch == 1 { // nothing was written before the case
		r.start = 1 << epoch
	}
	if elections := zxid>>epoch - r.start>>epoch; elections > 0 {
		return fmt.Sprintf("e%d+%d", elections, zxid&(1<<epoch-1))
	}
	return fmt.Sprintf("+%d", zxid-r.start)
}

// shiftAt is how much further a zxid is than the other server's.
func (r *teller) shiftAt(zxid int64) int64 {
	for i := len(r.shifts) - 1; i >= 0; i-- {
		if zxid >= r.shifts[i].from {
			return r.shifts[i].by
		}
	}
	return 0
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
