package conformance

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/zookit/zookit/internal/proto"
)

// A run is a case under way on one server.
type run struct {
	ctx    context.Context
	server Server
	undo   map[int]Action // what brings members back that the case has stopped or paused
	split  bool           // members are partitioned

	version  string        // that the server is to have
	patience time.Duration // for what has to come
	slack    time.Duration // what a busy machine may add to a time

	teller
	clients map[string]*client
	opened  []*client // all there were
	ends    int       // of sessions that the program has closed
	lines   []line    // of the step under way
}

// A line is one of a transcript.
type line struct {
	text  string
	event bool
	zxid  int64
}

func newRun(t testing.TB, server Server, root string) *run {
	return &run{
		ctx: t.Context(), server: server, version: releases[0].version, patience: 5 * time.Second, teller: newTeller(root),
		clients: map[string]*client{}, undo: map[int]Action{},
	}
}

// begin learns the zxid from which others count.
func (r *run) begin() error {
	if err := r.findRoles(); err != nil {
		return err
	}
	c, err := r.open("c1", "", newCall("connect", nil))
	if err != nil {
		return err
	}
	if text := r.handshake(c, newCall("connect", nil)); c.session == nil {
		return fmt.Errorf("no session: %s", text)
	}
	c.write(authFrame()) // where it is demanded
	if _, err := c.read(r.patience); err != nil {
		return err
	}
	r.do(c, "closeSession")
	c.awaitEnd(r.patience) // or the connection may count in what follows
	r.start = r.last
	r.lines, r.sessions = nil, nil
	delete(r.clients, "c1")
	return nil
}

// step runs one step and returns its transcript.
func (r *run) step(s step) (string, error) {
	r.lines, r.children = nil, nil
	if err := r.dispatch(s); err != nil {
		return "", fmt.Errorf("%s: %w", s.line, err)
	}
	if c := r.clients[s.conn]; c != nil && s.verb != "own" {
		r.sortClosing(r.random && c.ends != r.ends)
		c.ends = r.ends
	}
	if r.random {
		r.dropCutOff()
	}
	var b strings.Builder
	for _, l := range r.lines {
		fmt.Fprintf(&b, "\t%s\n", l.text)
		if l.text == "-1 Unimplemented" {
			// The server closes next, but may serve what comes before that.
			r.clients[s.conn].awaitEnd(r.patience)
		}
	}
	return b.String(), nil
}

// sortClosing gives the events of one end of a session an order: a server
// deletes ephemerals in any. Older servers do not tell the zxids of events; with
// unknown those may be of an end, too.
func (r *run) sortClosing(unknown bool) {
	for i := 0; i < len(r.lines); {
		j := i + 1
		for j < len(r.lines) && r.lines[i].event && r.lines[j].event && r.lines[i].zxid == r.lines[j].zxid {
			j++
		}
		if r.closing[r.lines[i].zxid] || unknown && r.lines[i].zxid == -1 {
			slices.SortFunc(r.lines[i:j], func(a, b line) int { return strings.Compare(a.text, b.text) })
		}
		i = j
	}
}

// dropCutOff drops events right before the end of a connection: whether they
// got out before it is a matter of luck.
func (r *run) dropCutOff() {
	for i := len(r.lines) - 1; i > 0; i-- {
		if r.lines[i].text == "CLOSED" && r.lines[i-1].event {
			r.lines = slices.Delete(r.lines, i-1, i)
		}
	}
}

func (r *run) say(format string, args ...any) {
	r.lines = append(r.lines, line{text: fmt.Sprintf(format, args...)})
}

func (r *run) dispatch(s step) error {
	k := newCall(s.verb, s.args)
	if s.verb == "sleep" {
		d, err := time.ParseDuration(k.at(0).text)
		time.Sleep(d)
		return err
	}
	switch s.verb {
	case "word":
		return r.word(s.member, k)
	case "http":
		return r.http(s.member, k)
	case "own":
		return r.own(k)
	}
	c := r.clients[s.conn]
	if do, ok := controls[s.verb]; ok {
		return do(r, k)
	}
	if s.verb == "reconnect" {
		return r.reconnect(s, k)
	}
	fresh := s.verb == "connect" || s.verb == "bytes" && c == nil || s.verb == "pipe" && k.at(0).text == "connect"
	if fresh || c == nil {
		var err error
		switch c, err = r.open(s.conn, s.member, k); {
		case errors.Is(err, syscall.ECONNREFUSED):
			r.say("REFUSED")
			return nil
		case err != nil:
			return err
		}
		if !fresh {
			r.handshake(c, newCall("connect", nil))
		}
	}
	switch s.verb {
	case "connect":
		r.say("%s", r.handshake(c, k))
	case "bytes":
		var b []byte
		for _, a := range k.place {
			b = append(b, unhex(a.text)...)
		}
		c.write(b)
	case "text":
		c.write([]byte(k.at(0).text))
	case "shut":
		c.net.Close()
		c.ended = true
		if r.random {
			return r.awaitNoWatches(c)
		}
	case "await":
		n, err := strconv.Atoi(k.at(0).text)
		for range n {
			if !r.receive(c, nil) {
				break
			}
		}
		return err
	case "sasl-digest":
		r.sasl(c, k)
	case "eof":
		r.eof(c, k)
	case "flush":
		r.flush(c)
	case "send", "slowly":
		req, err := r.encode(c, s.args)
		if err != nil {
			return err
		}
		if s.verb == "send" {
			c.write(req.frame)
			return nil
		}
		for i := range req.frame {
			c.write(req.frame[i : i+1])
		}
		r.collect(c, []sent{req.sent})
	case "pipe":
		return r.pipe(c, s.args)
	default:
		req, err := r.encode(c, append([]arg{{text: s.verb}}, s.args...))
		if err != nil {
			return err
		}
		c.write(req.frame)
		r.collect(c, []sent{req.sent})
	}
	return nil
}

// open makes a connection under a name to a member; what had the name stays
// open. "connect port=tls as=client" says to which of its ports, and who one is.
func (r *run) open(name, member string, k call) (*client, error) {
	port := ClientPort
	if k.has("port") {
		port = Port(k.named["port"].text)
	}
	nc, err := r.dialPort(member, port, k.named["as"].text)
	if err != nil {
		return nil, err
	}
	c := newClient(name, nc)
	r.clients[name] = c
	r.opened = append(r.opened, c)
	return c, nil
}

// A framed request.
type framed struct {
	sent
	frame []byte
}

// opHandshake stands for a ConnectRequest among requests.
const opHandshake proto.Op = -1000

func (r *run) encode(c *client, args []arg) (framed, error) {
	if args[0].text == "connect" {
		b := r.connectRequest(newCall("connect", args[1:]))
		return framed{sent{0, opHandshake}, frame(b)}, nil
	}
	s, payload, err := r.request(c, newCall(args[0].text, args[1:]))
	return framed{s, frame(payload)}, err
}

// pipe sends several requests in one write.
func (r *run) pipe(c *client, args []arg) error {
	var all []byte
	var pending []sent
	for _, part := range split(args) {
		req, err := r.encode(c, part)
		if err != nil {
			return err
		}
		all = append(all, req.frame...)
		pending = append(pending, req.sent)
	}
	c.write(all)
	r.collect(c, pending)
	return nil
}

// collect reads until all replies are there, or the connection ends.
func (r *run) collect(c *client, pending []sent) {
	for len(pending) > 0 {
		if !r.receive(c, &pending) {
			return
		}
	}
}

// receive reads one frame and tells of it.
func (r *run) receive(c *client, pending *[]sent) bool {
	frame, err := c.read(r.patience)
	switch err {
	case nil:
	case errEnd:
		r.say("CLOSED")
		return false
	default:
		r.say("%v", err)
		return false
	}
	r.tell(c, frame, pending)
	return true
}

// tell adds the line of a frame, and takes the request that it answers out of
// pending.
func (r *run) tell(c *client, frame []byte, pending *[]sent) {
	s := sent{op: -1}
	if pending != nil && len(*pending) > 0 {
		s = match(frame, *pending)
	}
	if l, ok := r.event(frame); ok {
		r.lines = append(r.lines, l)
		return
	}
	switch {
	case s.op == opHandshake:
		r.say("%s", r.handshakeDone(c, frame))
	case s.op == proto.OpCreateSession && len(frame) > 30:
		r.say("%s", r.handshakeDone(c, frame))
	default:
		text := r.reply(s, frame)
		if s.op == proto.OpCloseSession && c.session != nil && strings.Contains(text, " ok") {
			c.session.over = true
			r.ends++
		}
		r.say("%s", text)
	}
	if pending != nil && len(*pending) > 0 {
		i := slices.Index(*pending, s)
		*pending = slices.Delete(slices.Clone(*pending), i, i+1)
	}
}

// match finds the request that a frame answers: the first of its xid, since
// the reply to an auth may overtake others, or else the first.
func match(frame []byte, pending []sent) sent {
	if len(frame) >= 4 && pending[0].op != opHandshake && pending[0].op != proto.OpCreateSession {
		xid := int32(frame[0])<<24 | int32(frame[1])<<16 | int32(frame[2])<<8 | int32(frame[3])
		for _, s := range pending {
			if s.xid == xid {
				return s
			}
		}
	}
	return pending[0]
}

// eof waits for the end of the connection, which must come so long after
// something was last sent: "eof 400ms 600ms".
func (r *run) eof(c *client, k call) {
	least, _ := time.ParseDuration(k.at(0).text)
	most, _ := time.ParseDuration(k.at(1).text)
	for {
		frame, err := c.read(r.patience + most)
		if err == nil {
			r.tell(c, frame, nil)
			continue
		}
		took := time.Since(c.sent)
		switch {
		case err != errEnd:
			r.say("OPEN")
		case took < least || most > 0 && took > most+r.slack:
			r.say("CLOSED after %v", took)
		default:
			r.say("CLOSED")
		}
		return
	}
}

// flush tells of the events that have come: a ping's reply comes behind them.
func (r *run) flush(c *client) {
	before := len(r.lines)
	r.do(c, "ping")
	if n := len(r.lines); n > before && strings.HasSuffix(r.lines[n-1].text, " ok") {
		r.lines = r.lines[:n-1]
	}
}

// do runs a request without arguments.
func (r *run) do(c *client, verb string) {
	req, err := r.encode(c, []arg{{text: verb}})
	if err != nil {
		panic(err)
	}
	c.write(req.frame)
	r.collect(c, []sent{req.sent})
}

// end ends all sessions and connections of the case, so that none disturbs
// the zxids and the counts of the next one, and starts what it has stopped.
func (r *run) end() {
	r.mend()
	bye := frame(proto.RequestHeader{Xid: byeXid, Op: proto.OpCloseSession}.AppendTo(nil))
	for _, c := range r.opened {
		if !c.ended && c.session != nil && !c.session.over {
			c.write(bye)
		}
	}
	for _, c := range r.opened {
		if !c.ended && c.session != nil && !c.session.over {
			c.session.over = c.saysBye(r.patience)
		}
	}
	for _, s := range r.sessions {
		if !s.over {
			r.endSession(s, bye)
		}
	}
	for _, c := range r.opened {
		if c.session != nil && !r.random {
			c.awaitEnd(r.patience) // as its session has ended
		}
		c.net.Close()
	}
}

// endSession takes a session over and closes it.
func (r *run) endSession(s *session, bye []byte) {
	nc, err := r.dial("")
	if err != nil {
		return
	}
	defer nc.Close()
	c := newClient("", nc)
	req := proto.ConnectRequest{Timeout: 10000, SessionID: s.id, Password: s.password}
	c.write(frame(req.AppendTo(nil)))
	c.write(append(authFrame(), bye...))
	c.awaitEnd(r.patience)
}

// authFrame is an auth request.
func authFrame() []byte {
	auth := proto.AuthPacket{Scheme: "digest", Auth: []byte("zookit:zookit")}
	return frame(auth.AppendTo(proto.RequestHeader{Xid: proto.XidAuth, Op: proto.OpAuth}.AppendTo(nil)))
}

// session finds a session by the name of a connection that had it.
func (r *run) session(name string) *session {
	for _, s := range r.sessions {
		if s.name == name {
			return s
		}
	}
	return nil
}
