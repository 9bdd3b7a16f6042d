package conformance

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/zookit/zookit/internal/jute"
	"github.com/zookit/zookit/internal/proto"
)

// compare tells where the answers to a request differ.
func (c *proxied) compare(s sent, request []byte, replies [2][]byte, texts [2]string) {
	p := c.p
	p.mu.Lock()
	defer p.mu.Unlock()
	p.setSure()
	strict := !p.sides[oracleSide].anyZxid
	for i, b := range replies {
		p.sides[i].identities = p.sides[i].identities || c.auths > 1
		if b != nil {
			texts[i] = p.sides[i].answer(s, b)
		}
	}
	if texts[oracleSide] != texts[candidateSide] {
		p.differ("session %s: %s\n\t%s %s\n\t%s %s", c.session.name, describe(request),
			sideNames[oracleSide], texts[oracleSide], sideNames[candidateSide], texts[candidateSide])
	}
	if replies[candidateSide] == nil {
		c.alone = true
	} else if replies[oracleSide] != nil && strict {
		p.align(headerZxid(replies[oracleSide]), headerZxid(replies[candidateSide]))
		// Events come before the reply to what is asked later.
		c.compareEvents(0)
	}
	if s.op == proto.OpCloseSession && strings.HasSuffix(texts[oracleSide], " ok") {
		p.forget(c.session)
	}
}

// answer tells of a reply in a line.
func (r *teller) answer(s sent, b []byte) string {
	if s.op == proto.OpCreateSession {
		return fmt.Sprintf("%d bytes", len(b))
	}
	return r.reply(s, b)
}

// setSure decides whether zxids compare, and has them agree where they begin
// to do so again.
func (p *Proxy) setSure() {
	for s, until := range p.orphans {
		if time.Now().After(until) {
			p.forget(s)
		}
	}
	unsure := p.Concurrent || len(p.orphans) > 0
	for i := range p.sides {
		p.sides[i].anyZxid = unsure || p.unsure
	}
	p.unsure = unsure
}

// align notes where the candidate's zxids have gone another way, so that one
// difference is not told again and again.
func (p *Proxy) align(oracle, candidate int64) {
	o, c := &p.sides[oracleSide], &p.sides[candidateSide]
	if oracle <= 0 || candidate <= 0 {
		return
	}
	by := (candidate - c.start) - (oracle - o.start)
	if by == c.shiftAt(candidate) {
		return
	}
	if len(c.shifts) == maxShifts {
		c.shifts = slices.Delete(c.shifts, 0, maxShifts/2)
	}
	c.shifts = append(c.shifts, shift{candidate, by})
}

const maxShifts = 1000

// A pending event is one that only one side has had.
type pending struct {
	text string
	at   time.Time
}

// lateEvent is how much later an event may come from one side.
const lateEvent = 3 * time.Second

// event notes a frame that is an event, and says whether it is.
func (c *proxied) event(i int, b []byte) bool {
	c.p.mu.Lock()
	defer c.p.mu.Unlock()
	l, ok := c.p.sides[i].event(b)
	if !ok || c.alone {
		return ok
	}
	other := c.sides[1-i]
	if at := slices.IndexFunc(other.events, func(e pending) bool { return sameEvent(e.text, l.text) }); at >= 0 {
		other.events = slices.Delete(other.events, at, at+1)
		return true
	}
	c.sides[i].events = append(c.sides[i].events, pending{l.text, time.Now()})
	if len(c.sides[i].events) > maxEvents {
		c.compareEvents(0)
	}
	return true
}

const maxEvents = 10000

// sameEvent compares two; one of them may not tell its zxid.
func sameEvent(a, b string) bool {
	zxidA, restA, _ := strings.Cut(a, " ")
	zxidB, restB, _ := strings.Cut(b, " ")
	return restA == restB && (zxidA == zxidB || zxidA == "+?" || zxidB == "+?")
}

// compareEvents tells of events that have waited so long for the other side.
// The caller holds Proxy.mu.
func (c *proxied) compareEvents(age time.Duration) {
	if c.session == nil || c.alone || len(c.p.orphans) > 0 || c.p.Concurrent && age < lateEvent {
		return
	}
	for i, s := range c.sides {
		if s == nil {
			return
		}
		s.events = slices.DeleteFunc(s.events, func(e pending) bool {
			if time.Since(e.at) < age {
				return false
			}
			c.p.differ("session %s: an event that only one has\n\t%s %s", c.session.name, sideNames[i], e.text)
			return true
		})
	}
}

// describe is a request in a line.
func describe(b []byte) string {
	rd := jute.NewReader(b, "request")
	var h proto.RequestHeader
	if h.Decode(&rd); rd.Err() != nil {
		return fmt.Sprintf("%x", b)
	}
	const most = 300
	rest := rd.Rest()
	if len(rest) > most {
		return fmt.Sprintf("%v xid=%d %q and %d bytes more", h.Op, h.Xid, rest[:most], len(rest)-most)
	}
	return fmt.Sprintf("%v xid=%d %q", h.Op, h.Xid, rest)
}
