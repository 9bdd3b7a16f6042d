package zk_test

import (
	"context"
	"errors"
	"net"
	"sync"
)

// A cuttable is a dialer whose connections end at once, and which refuses
// others until it is healed.
type cuttable struct {
	base func(ctx context.Context, network, addr string) (net.Conn, error)

	mu    sync.Mutex // guards all below
	down  bool
	dials int
	conns []net.Conn
}

func (l *cuttable) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	conn, err := l.base(ctx, network, addr)
	if err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.down {
		conn.Close()
		return nil, errors.New("cut")
	}
	l.dials++
	l.conns = append(l.conns, conn)
	return conn, nil
}

func (l *cuttable) cut() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.down = true
	for _, conn := range l.conns {
		conn.Close()
	}
	l.conns = nil
}

func (l *cuttable) heal() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.down = false
}

// newCuttable is over TCP.
func newCuttable() *cuttable { return &cuttable{base: new(net.Dialer).DialContext} }
