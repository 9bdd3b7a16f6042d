package conformance

import (
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"

	"github.com/zookit/zookit/internal/jute"
	"github.com/zookit/zookit/internal/proto"
)

// opcodes are the verbs that are requests.
var opcodes = func() map[string]proto.Op {
	m := map[string]proto.Op{}
	for op := proto.OpCloseSession; op < 110; op++ {
		m[op.String()] = op
	}
	return m
}()

// request encodes a call as the payload of a frame. "raw 14 00ff" is opcode 14
// with the bytes that follow; every request takes xid=, cut= (bytes off its
// end) and add= (bytes behind it).
func (r *run) request(c *client, k call) (sent, []byte, error) {
	op, ok := opcodes[k.verb]
	xid := int32(k.number("xid", int64(r.nextXid(c, op))))
	var body []byte
	var err error
	switch {
	case ok:
		body, err = r.body(nil, c, op, k)
	case k.verb == "getConfig":
		s := sent{xid, opGetConfig}
		b := proto.RequestHeader{Xid: xid, Op: proto.OpGetData}.AppendTo(nil)
		return s, jute.AppendBool(jute.AppendString(b, configPath), k.at(0).text == "watch"), nil
	case k.verb == "raw":
		var n int
		n, err = strconv.Atoi(k.at(0).text)
		op = proto.Op(n)
		for _, a := range k.place[1:] {
			body = append(body, unhex(a.text)...)
		}
	default:
		err = fmt.Errorf("no verb %q", k.verb)
	}
	if err != nil {
		return sent{}, nil, err
	}
	b := append(proto.RequestHeader{Xid: xid, Op: op}.AppendTo(nil), body...)
	b = append(b[:len(b)-int(k.number("cut", 0))], unhex(k.named["add"].text)...)
	return sent{xid, op}, b, nil
}

func (r *run) nextXid(c *client, op proto.Op) int32 {
	switch op {
	case proto.OpPing:
		return proto.XidPing
	case proto.OpAuth:
		return proto.XidAuth
	}
	c.xid++
	return c.xid
}

// body appends the body of a request.
func (r *run) body(b []byte, c *client, op proto.Op, k call) ([]byte, error) {
	path := k.at(0)
	name, version := r.expand(path.text), int32(k.number("v", -1))
	onPath := func(b []byte) []byte { return jute.AppendNullable(b, name, path.null) }
	switch op {
	case proto.OpCreate, proto.OpCreate2, proto.OpCreateContainer, proto.OpCreateTTL:
		flags := map[proto.Op]int64{proto.OpCreateContainer: 4, proto.OpCreateTTL: 5}[op]
		b = onPath(b)
		b = r.data(b, k, len(name)+len(k.at(1).text))
		b = appendACL(b, k)
		b = jute.AppendInt(b, int32(k.number("flags", flags)))
		if op == proto.OpCreateTTL {
			b = jute.AppendLong(b, k.number("ttl", -1))
		}
	case proto.OpDelete, proto.OpCheck:
		b = jute.AppendInt(onPath(b), version)
	case proto.OpExists, proto.OpGetData, proto.OpGetChildren, proto.OpGetChildren2:
		b = jute.AppendBool(onPath(b), k.at(1).text == "watch")
	case proto.OpSetData:
		b = r.data(onPath(b), k, len(name))
		b = jute.AppendInt(b, version)
	case proto.OpSetACL:
		b = jute.AppendInt(appendACL(onPath(b), k), version)
	case proto.OpGetACL, proto.OpSync, proto.OpGetEphemerals, proto.OpGetAllChildrenNumber, proto.OpDeleteContainer:
		b = onPath(b)
	case proto.OpAddWatch, proto.OpRemoveWatches, proto.OpCheckWatches:
		b = jute.AppendInt(onPath(b), int32(k.number("mode", 0)))
	case proto.OpSetWatches, proto.OpSetWatches2:
		b = jute.AppendLong(b, r.zxid(k.named["rel"].text))
		lists := []string{"data", "exist", "child", "pers", "rec"}
		if op == proto.OpSetWatches {
			lists = lists[:3]
		}
		for _, key := range lists {
			b = r.paths(b, k.named[key])
		}
	case proto.OpReconfig:
		for i := range 3 {
			b = jute.AppendNullable(b, r.ids(k.at(i).text), k.at(i).null)
		}
		b = jute.AppendLong(b, k.number("v", -1))
	case proto.OpAuth:
		b = jute.AppendInt(b, 0)
		if k.at(0).text == "digest" {
			r.identities = r.identities || c.digest != "" && c.digest != k.at(1).text
			c.digest = k.at(1).text
		}
		b = jute.AppendNullable(b, k.at(0).text, k.at(0).null)
		b = jute.AppendNullable(b, r.expandRuns(k.at(1).text), k.at(1).null)
	case proto.OpSASL:
		b = jute.AppendNullable(b, k.at(0).text, k.at(0).null)
	case proto.OpCreateSession:
		b = jute.AppendInt(b, int32(k.number("to", 0)))
	case proto.OpMulti, proto.OpMultiRead:
		for _, part := range split(k.all) {
			sub := newCall(part[0].text, part[1:])
			subOp, ok := opcodes[sub.verb]
			if !ok {
				return nil, fmt.Errorf("no verb %q in a multi", sub.verb)
			}
			b = proto.MultiHeader{Op: subOp, Err: -1}.AppendTo(b)
			var err error
			if b, err = r.body(b, c, subOp, sub); err != nil {
				return nil, err
			}
		}
		b = proto.AppendMultiEnd(b)
	}
	return b, nil
}

// data appends the second argument, or, with frame=n, so many bytes that the
// payload of a setData has n.
func (r *run) data(b []byte, k call, used int) []byte {
	if k.has("frame") {
		const around = 8 + 4 + 4 + 4 // header, two lengths, version
		return jute.AppendString(b, strings.Repeat("x", int(k.number("frame", 0))-around-used))
	}
	return jute.AppendNullable(b, r.expandRuns(k.at(1).text), k.at(1).null)
}

// appendACL appends acl=perms:scheme:id,...; acl=null and acl=#-2 are a null
// vector and one of length -2.
func appendACL(b []byte, k call) []byte {
	text := "31:world:anyone"
	if a, ok := k.named["acl"]; ok {
		text = a.text
	}
	switch {
	case text == "null":
		return jute.AppendInt(b, -1)
	case text == "none":
		return jute.AppendInt(b, 0)
	case strings.HasPrefix(text, "#"):
		n, _ := strconv.Atoi(text[1:])
		return jute.AppendInt(b, int32(n))
	}
	entries := splitACL(text)
	b = jute.AppendInt(b, int32(len(entries)))
	for _, entry := range entries {
		parts := strings.SplitN(entry+"::", ":", 3)
		perms, _ := strconv.Atoi(parts[0])
		id := strings.TrimSuffix(parts[2], "::")
		b = jute.AppendInt(b, int32(perms))
		b = jute.AppendNullable(b, parts[1], parts[1] == "null")
		b = jute.AppendNullable(b, id, id == "null")
	}
	return b
}

// splitACL cuts a list before each entry, which begins with a number: an id may
// have commas.
func splitACL(text string) (entries []string) {
	for i, part := range strings.Split(text, ",") {
		perms, _, _ := strings.Cut(part, ":")
		if _, err := strconv.Atoi(perms); err != nil && i > 0 {
			entries[len(entries)-1] += "," + part
			continue
		}
		entries = append(entries, part)
	}
	return entries
}

// paths appends a vector of paths, separated by commas.
func (r *run) paths(b []byte, a arg) []byte {
	switch {
	case a.null:
		return jute.AppendInt(b, -1)
	case a.text == "":
		return jute.AppendInt(b, 0)
	}
	list := strings.Split(a.text, ",")
	b = jute.AppendInt(b, int32(len(list)))
	for _, path := range list {
		b = jute.AppendString(b, r.expand(path))
	}
	return b
}

// expand puts the case's own root in for "~", and repeats what stands in
// braces, such as {n*2000}.
func (r *run) expand(path string) string {
	return r.expandRuns(strings.ReplaceAll(path, "~", r.root))
}

func (r *run) expandRuns(text string) string {
	i := strings.IndexByte(text, '{')
	j := strings.IndexByte(text, '}')
	if i < 0 || j < i {
		return text
	}
	what, times, _ := strings.Cut(text[i+1:j], "*")
	n, _ := strconv.Atoi(times)
	return text[:i] + strings.Repeat(what, n) + text[j+1:]
}

// zxid reads "+3" (relative to the beginning of the case), "now" (of the last
// reply that any connection got), "now+1", or a number.
func (r *run) zxid(text string) int64 {
	base := int64(0)
	switch {
	case strings.HasPrefix(text, "now"):
		base, text = r.last, strings.TrimPrefix(text, "now")
	case strings.HasPrefix(text, "+"):
		base = r.start
	}
	n, _ := strconv.ParseInt(text, 0, 64)
	return base + n
}

func unhex(text string) []byte {
	b, err := hex.DecodeString(text)
	if err != nil {
		panic(fmt.Sprintf("%q is not hexadecimal", text))
	}
	return b
}
