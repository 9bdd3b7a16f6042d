package conformance

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"slices"
	"time"

	"github.com/zookit/zookit/internal/jute"
	"github.com/zookit/zookit/internal/proto"
)

// handshake has both sides grant a session, each its own, and tells whether the
// oracle does.
func (c *proxied) handshake(ctx context.Context, request []byte) bool {
	p := c.p
	if !p.Concurrent {
		p.turn.Lock()
		defer p.turn.Unlock()
	}
	p.requests.Add(1)
	var answers [2][]byte
	for i, dial := range []func(context.Context) (net.Conn, error){p.Oracle, p.Candidate} {
		nc, err := dial(ctx)
		if err != nil {
			p.cannotDial(i, err)
			continue
		}
		c.sides[i] = newSide(nc)
		if i == candidateSide {
			c.sides[i].write(p.connectRequest(request))
		} else {
			c.sides[i].write(request)
		}
	}
	for i, s := range c.sides {
		if s != nil {
			answers[i] = s.first()
		}
	}
	granted := c.compareConnect(request, answers)
	if answers[oracleSide] == nil || !c.forward(answers[oracleSide]) {
		return false
	}
	return granted
}

func (p *Proxy) cannotDial(i int, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.differ("cannot connect to the %s: %v", sideNames[i], err)
}

// first reads the answer to a ConnectRequest; nil is none.
func (s *side) first() []byte {
	s.net.SetReadDeadline(time.Now().Add(answerTime))
	b, err := s.frames.Next()
	if err != nil {
		return nil
	}
	s.net.SetReadDeadline(time.Time{})
	return bytes.Clone(b)
}

// connectRequest is the one that the candidate gets: its own session for the
// oracle's, with its own password where the client knows the oracle's.
func (p *Proxy) connectRequest(request []byte) []byte {
	var req proto.ConnectRequest
	rd := jute.NewReader(request, "ConnectRequest")
	if req.Decode(&rd); rd.Err() != nil || len(rd.Rest()) > 0 {
		return request
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if i := p.sides[oracleSide].find(req.SessionID); i >= 0 {
		theirs := p.sides[candidateSide].sessions[i]
		req.SessionID = theirs.id
		if bytes.Equal(req.Password, p.sides[oracleSide].sessions[i].password) {
			req.Password = theirs.password
		}
	}
	if req.LastZxidSeen > 0 {
		req.LastZxidSeen = p.candidateZxid(req.LastZxidSeen)
	}
	return req.AppendTo(nil)
}

// find is the place of a session, or -1.
func (r *teller) find(id int64) int {
	return slices.IndexFunc(r.sessions, func(s *session) bool { return s.id == id })
}

// connectAnswer tells of an answer to a ConnectRequest.
func (r *teller) connectAnswer(b []byte) (resp proto.ConnectResponse, text string) {
	if b == nil {
		return resp, "CLOSED"
	}
	rd := jute.NewReader(b, "ConnectResponse")
	if resp.Decode(&rd); rd.Err() != nil || len(rd.Rest()) > 0 {
		return proto.ConnectResponse{}, fmt.Sprintf("not a ConnectResponse: %x", b)
	}
	switch i := r.find(resp.SessionID); {
	case resp.SessionID == 0:
		return resp, connectText(resp, "0", false)
	case i >= 0:
		return resp, connectText(resp, r.sessions[i].name, !bytes.Equal(r.sessions[i].password, resp.Password))
	}
	return resp, connectText(resp, "new", false)
}

// compareConnect compares both answers to a ConnectRequest, and remembers the
// session that the oracle grants.
func (c *proxied) compareConnect(request []byte, answers [2][]byte) (granted bool) {
	p := c.p
	p.mu.Lock()
	defer p.mu.Unlock()
	var resp [2]proto.ConnectResponse
	var texts [2]string
	for i, b := range answers {
		resp[i], texts[i] = p.sides[i].connectAnswer(b)
	}
	if texts[oracleSide] != texts[candidateSide] {
		p.differ("handshake %x\n\t%s %s\n\t%s %s", request, sideNames[oracleSide], texts[oracleSide], sideNames[candidateSide], texts[candidateSide])
	}
	c.alone = resp[candidateSide].SessionID == 0
	if resp[oracleSide].SessionID == 0 {
		return false
	}
	c.session = p.remember(resp)
	return true
}

// remember keeps a session under its name, and returns the oracle's.
func (p *Proxy) remember(resp [2]proto.ConnectResponse) *session {
	at := p.sides[oracleSide].find(resp[oracleSide].SessionID)
	if at < 0 {
		p.named++
		if len(p.sides[oracleSide].sessions) == maxSessions {
			p.forget(p.sides[oracleSide].sessions[0])
		}
		at = len(p.sides[oracleSide].sessions)
		for i := range p.sides {
			p.sides[i].sessions = append(p.sides[i].sessions, &session{name: fmt.Sprintf("s%d", p.named)})
		}
	}
	for i := range p.sides {
		s := p.sides[i].sessions[at]
		s.id, s.password = resp[i].SessionID, bytes.Clone(resp[i].Password)
	}
	s := p.sides[oracleSide].sessions[at]
	p.timeouts[s] = time.Duration(resp[oracleSide].Timeout) * time.Millisecond
	delete(p.orphans, s)
	return s
}

// forget drops a session that is over. The caller holds p.mu.
func (p *Proxy) forget(s *session) {
	s.over = true
	delete(p.orphans, s)
	delete(p.timeouts, s)
	if i := slices.Index(p.sides[oracleSide].sessions, s); i >= 0 {
		for j := range p.sides {
			p.sides[j].sessions = slices.Delete(p.sides[j].sessions, i, i+1)
		}
	}
}

// gone notes that a connection is: unless it has moved, its session is going to
// expire.
func (p *Proxy) gone(c *proxied) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if c.session == nil || c.session.over {
		return
	}
	for other := range p.conns {
		if other != c && other.session == c.session {
			return
		}
	}
	// Sessions expire by ticks, which are seconds at most.
	p.orphans[c.session] = time.Now().Add(2*p.timeouts[c.session] + 5*time.Second)
}
