package conformance

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/zookit/zookit/internal/proto"
)

// A Proxy stands between any clients and two servers: what a client sends goes
// to both, and what both answer is compared. Clients always get the oracle's
// answer.
//
// Both servers should begin with the same tree, such as none, and have no other
// clients. Four-letter words go to the oracle alone; TLS and SASL cannot pass.
// A session whose client is gone expires on each server at a time of its own;
// until then zxids are not compared.
type Proxy struct {
	// Oracle and Candidate connect to the client port of a server.
	Oracle, Candidate func(context.Context) (net.Conn, error)
	// Differ is told each difference, in a few lines: the request, and what
	// both made of it. It is called by one goroutine at a time.
	Differ func(text string)
	// Concurrent lets requests of several connections overlap. Then zxids are
	// not compared, since they follow from an order that both servers choose.
	// Else there is one request under way at a time.
	Concurrent bool

	requests, differences atomic.Int64
	turn                  sync.Mutex // is the request's that is under way

	mu       sync.Mutex
	sides    [2]teller              // oracle and candidate; sessions stand at the same place in both
	conns    map[*proxied]bool      // those that are open
	orphans  map[*session]time.Time // the oracle's sessions without connections, and until when they may last
	unsure   bool                   // whether a session may have expired on one side only
	timeouts map[*session]time.Duration
	named    int // sessions so far
}

// maxSessions bounds the sessions that a proxy remembers: clients that come and
// go without a word leave theirs.
const maxSessions = 10000

const (
	oracleSide = iota
	candidateSide
)

var sideNames = [2]string{"oracle   ", "candidate"}

// Requests is how many have been compared so far.
func (p *Proxy) Requests() int64 { return p.requests.Load() }

// Differences is how many have been told so far.
func (p *Proxy) Differences() int64 { return p.differences.Load() }

// Serve takes clients from l until ctx ends, and then returns nil, with all
// connections closed. It fails at once when one of the servers does not answer.
// A Proxy serves once.
func (p *Proxy) Serve(ctx context.Context, l net.Listener) error {
	defer l.Close()
	p.conns, p.orphans, p.timeouts = map[*proxied]bool{}, map[*session]time.Time{}, map[*session]time.Duration{}
	for i, dial := range []func(context.Context) (net.Conn, error){p.Oracle, p.Candidate} {
		zxid, err := zxidNow(ctx, dial)
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return fmt.Errorf("conformance: the %s: %w", []string{"oracle", "candidate"}[i], err)
		}
		p.sides[i] = newTeller("")
		p.sides[i].proxy, p.sides[i].random, p.sides[i].start = true, true, zxid
	}
	var all sync.WaitGroup
	defer all.Wait()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(ctx, func() { l.Close(); p.closeAll() })()
	all.Go(func() { p.watchLate(ctx) })
	for {
		nc, err := l.Accept()
		switch {
		case ctx.Err() != nil:
			if err == nil {
				nc.Close()
			}
			p.closeAll()
			return nil
		case errors.Is(err, net.ErrClosed):
			return err
		case err != nil: // such as too many open files
			time.Sleep(10 * time.Millisecond)
			continue
		}
		c := &proxied{p: p, client: nc}
		p.track(c, true)
		all.Go(func() {
			defer p.track(c, false)
			c.serve(ctx)
		})
		if ctx.Err() != nil {
			c.close()
		}
	}
}

func (p *Proxy) track(c *proxied, open bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if open {
		p.conns[c] = true
	} else {
		delete(p.conns, c)
	}
}

func (p *Proxy) closeAll() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for c := range p.conns {
		c.client.Close() // serve closes the rest
	}
}

// watchLate looks for events that came from one side only.
func (p *Proxy) watchLate(ctx context.Context) {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			p.mu.Lock()
			for c := range p.conns {
				c.compareEvents(lateEvent)
			}
			p.mu.Unlock()
		case <-ctx.Done():
			return
		}
	}
}

// differ tells a difference. The caller holds p.mu.
func (p *Proxy) differ(format string, args ...any) {
	if p.Differ != nil {
		p.Differ(fmt.Sprintf(format, args...))
	}
	p.differences.Add(1)
}

// zxidNow is a server's last zxid, learned by a session that it grants.
func zxidNow(ctx context.Context, dial func(context.Context) (net.Conn, error)) (int64, error) {
	nc, err := dial(ctx)
	if err != nil {
		return 0, err
	}
	defer nc.Close()
	defer context.AfterFunc(ctx, func() { nc.Close() })()
	c := newClient("", nc)
	req := proto.ConnectRequest{Timeout: 10000, Password: make([]byte, proto.PasswordLen)}
	c.write(frame(req.AppendTo(nil)))
	if _, err := c.read(answerTime); err != nil {
		return 0, fmt.Errorf("no session: %w", err)
	}
	c.write(frame(proto.RequestHeader{Xid: 1, Op: proto.OpCloseSession}.AppendTo(nil)))
	b, err := c.read(answerTime)
	if err != nil {
		return 0, fmt.Errorf("no answer to closeSession: %w", err)
	}
	return headerZxid(b), nil
}
