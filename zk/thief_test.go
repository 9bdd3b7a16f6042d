package zk_test

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"sync"

	"github.com/zookit/zookit/internal/proto"
)

// A thief is a dialer that steals what a test says, once each, and ends the
// connection instead: a reply when the server has done what it is about, or a
// request before it has heard of it. Then it may refuse connections for a
// while.
type thief struct {
	base func(ctx context.Context, network, addr string) (net.Conn, error)

	mu       sync.Mutex
	replies  []proto.Op // to be stolen in this order
	requests []proto.Op
	stolen   int
	absent   bool // after a theft, until heal
	down     bool
}

var errStolen = errors.New("stolen")

func (t *thief) stealReplies(ops ...proto.Op) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.replies = append(t.replies, ops...)
}

func (t *thief) stealRequests(ops ...proto.Op) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.requests = append(t.requests, ops...)
}

// stayAway makes the next theft cut the line until heal.
func (t *thief) stayAway() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.absent = true
}

func (t *thief) heal() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.absent, t.down = false, false
}

// count is how much was stolen.
func (t *thief) count() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.stolen
}

// take tells whether op is the next of the list, which is shortened then.
func (t *thief) take(list *[]proto.Op, op proto.Op) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(*list) == 0 || (*list)[0] != op {
		return false
	}
	*list = (*list)[1:]
	t.stolen++
	t.down = t.absent
	return true
}

func (t *thief) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	t.mu.Lock()
	down := t.down
	t.mu.Unlock()
	if down {
		return nil, errStolen
	}
	conn, err := t.base(ctx, network, addr)
	if err != nil {
		return nil, err
	}
	return &watched{Conn: conn, thief: t, ops: make(map[int32]proto.Op)}, nil
}

// A watched is a connection that a thief has an eye on. The client writes from
// one goroutine at a time and reads from one.
type watched struct {
	net.Conn
	thief *thief

	out     []byte // of requests, not yet passed on
	greeted bool   // the handshake has gone out
	in      []byte // of replies, not yet read by the client

	mu  sync.Mutex
	ops map[int32]proto.Op // of the requests under way, by xid
}

func (w *watched) Write(b []byte) (int, error) {
	w.out = append(w.out, b...)
	for len(w.out) >= 4 {
		end := 4 + int(binary.BigEndian.Uint32(w.out))
		if len(w.out) < end {
			break
		}
		if w.greeted {
			xid, op := int32(binary.BigEndian.Uint32(w.out[4:])), proto.Op(binary.BigEndian.Uint32(w.out[8:]))
			if w.thief.take(&w.thief.requests, op) {
				w.Conn.Close()
				return 0, errStolen
			}
			w.mu.Lock()
			w.ops[xid] = op
			w.mu.Unlock()
		}
		w.greeted = true
		if _, err := w.Conn.Write(w.out[:end]); err != nil {
			return 0, err
		}
		w.out = w.out[end:]
	}
	return len(b), nil
}

func (w *watched) Read(b []byte) (int, error) {
	if len(w.in) == 0 {
		head := make([]byte, 4)
		if _, err := io.ReadFull(w.Conn, head); err != nil {
			return 0, err
		}
		w.in = append(head, make([]byte, binary.BigEndian.Uint32(head))...)
		if _, err := io.ReadFull(w.Conn, w.in[4:]); err != nil {
			return 0, err
		}
		xid := int32(binary.BigEndian.Uint32(w.in[4:]))
		w.mu.Lock()
		op, ok := w.ops[xid]
		delete(w.ops, xid)
		w.mu.Unlock()
		if ok && w.thief.take(&w.thief.replies, op) {
			w.Conn.Close()
			return 0, errStolen
		}
	}
	n := copy(b, w.in)
	w.in = w.in[n:]
	return n, nil
}
