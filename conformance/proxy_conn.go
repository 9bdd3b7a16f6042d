package conformance

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"sync"
	"time"

	"github.com/zookit/zookit/internal/jute"
	"github.com/zookit/zookit/internal/proto"
	"github.com/zookit/zookit/internal/wire"
)

// answerTime is how long a server may take for an answer.
const answerTime = 20 * time.Second

// A proxied is a client's connection, with one to each server.
type proxied struct {
	p       *Proxy
	client  net.Conn
	sides   [2]*side
	session *session // the oracle's; nil before the handshake
	auths   int      // of digest
	alone   bool     // the candidate is out; the client goes on without comparison
}

// A side is the connection to one of the servers.
type side struct {
	net     net.Conn
	frames  *wire.FrameReader
	replies chan []byte // closed at the end
	events  []pending   // that the other side has not had; guarded by Proxy.mu
}

func newSide(nc net.Conn) *side {
	return &side{net: nc, frames: wire.NewFrameReader(nc, maxReply), replies: make(chan []byte, 1)}
}

func (c *proxied) close() {
	c.client.Close()
	for _, s := range c.sides {
		if s != nil {
			s.net.Close()
		}
	}
}

// serve is the life of a connection.
func (c *proxied) serve(ctx context.Context) {
	defer c.close()
	requests := wire.NewFrameReader(c.client, maxReply)
	if head, err := requests.Peek(4); err != nil {
		return
	} else if isWord(head) {
		c.word(ctx, head)
		return
	}
	first, err := requests.Next()
	if err != nil || !c.handshake(ctx, first) {
		return
	}
	defer c.p.gone(c)
	var readers sync.WaitGroup
	defer readers.Wait()
	done := make(chan struct{})
	defer c.close() // which ends the readers
	defer close(done)
	for i, s := range c.sides {
		if s != nil {
			readers.Go(func() { c.read(i, s, done) })
		}
	}
	for {
		b, err := requests.Next()
		if err != nil || !c.request(b) {
			return
		}
	}
}

// read takes what a server sends. What the oracle sends goes to the client, in
// its order.
func (c *proxied) read(i int, s *side, done chan struct{}) {
	defer close(s.replies)
	if i == oracleSide {
		defer c.client.Close()
	}
	for {
		b, err := s.frames.Next()
		if err != nil {
			return
		}
		if !c.event(i, b) {
			select {
			case s.replies <- bytes.Clone(b):
			case <-done:
				return
			}
		}
		if i == oracleSide && !c.forward(b) {
			return
		}
	}
}

// forward sends a frame to the client, who has to take it in time.
func (c *proxied) forward(b []byte) bool {
	c.client.SetWriteDeadline(time.Now().Add(answerTime))
	_, err := c.client.Write(frame(b))
	return err == nil
}

func (s *side) write(b []byte) {
	s.net.SetWriteDeadline(time.Now().Add(answerTime))
	s.net.Write(frame(b)) // that it is closed shows in its replies
}

// answer waits for a reply; the text says why there is none.
func (s *side) answer() (b []byte, text string) {
	timer := time.NewTimer(answerTime)
	defer timer.Stop()
	select {
	case b, ok := <-s.replies:
		if !ok {
			return nil, "CLOSED"
		}
		return b, ""
	case <-timer.C:
		return nil, fmt.Sprintf("no answer in %v", answerTime)
	}
}

// request has both sides answer a request, and tells whether the connection
// goes on.
func (c *proxied) request(b []byte) bool {
	if !c.p.Concurrent {
		c.p.turn.Lock()
		defer c.p.turn.Unlock()
	}
	c.p.requests.Add(1)
	s := c.sentOf(b)
	c.sides[oracleSide].write(b)
	if !c.alone {
		c.sides[candidateSide].write(c.p.translated(s.op, b))
	}
	var replies [2][]byte
	var texts [2]string
	replies[oracleSide], texts[oracleSide] = c.sides[oracleSide].answer()
	if !c.alone {
		replies[candidateSide], texts[candidateSide] = c.sides[candidateSide].answer()
		c.compare(s, b, replies, texts)
	}
	return replies[oracleSide] != nil
}

// sentOf is what a reply will have to answer.
func (c *proxied) sentOf(b []byte) sent {
	rd := jute.NewReader(b, "request")
	var h proto.RequestHeader
	h.Decode(&rd)
	if h.Op == proto.OpAuth {
		var auth proto.AuthPacket
		if auth.Decode(&rd); auth.Scheme == "digest" {
			c.auths++
		}
	}
	return sent{h.Xid, h.Op}
}

// translated is the request as the candidate has to get it: setWatches names a
// zxid.
func (p *Proxy) translated(op proto.Op, b []byte) []byte {
	const header = 8
	if op != proto.OpSetWatches && op != proto.OpSetWatches2 || len(b) < header+8 {
		return b
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	b = bytes.Clone(b)
	zxid := int64(binary.BigEndian.Uint64(b[header:]))
	binary.BigEndian.PutUint64(b[header:], uint64(p.candidateZxid(zxid)))
	return b
}

// candidateZxid is what the candidate calls a zxid of the oracle's.
func (p *Proxy) candidateZxid(zxid int64) int64 {
	o, c := &p.sides[oracleSide], &p.sides[candidateSide]
	if zxid < o.start {
		return min(zxid, c.start)
	}
	zxid += c.start - o.start
	if len(c.shifts) > 0 {
		zxid += c.shifts[len(c.shifts)-1].by
	}
	return zxid
}

// isWord tells whether a connection begins with a four-letter word.
func isWord(head []byte) bool {
	for _, b := range head {
		if b < 'a' || b > 'z' {
			return false
		}
	}
	return true
}

// word hands a four-letter word to the oracle.
func (c *proxied) word(ctx context.Context, head []byte) {
	nc, err := c.p.Oracle(ctx)
	if err != nil {
		return
	}
	defer nc.Close()
	defer context.AfterFunc(ctx, func() { nc.Close() })()
	nc.SetDeadline(time.Now().Add(answerTime))
	if _, err := nc.Write(head); err == nil {
		io.Copy(c.client, nc)
	}
}

// headerZxid is the zxid of a reply.
func headerZxid(b []byte) int64 {
	rd := jute.NewReader(b, "reply")
	var h proto.ReplyHeader
	h.Decode(&rd)
	return h.Zxid
}
