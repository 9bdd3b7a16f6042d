package harness

import (
	"context"
	"fmt"
	"iter"
	"net"
	"sync"

	"github.com/zookit/zookit/chaos"
	"github.com/zookit/zookit/fakezk"
	"github.com/zookit/zookit/internal/testenv"
	"github.com/zookit/zookit/zk"
)

// TB is what New needs of a test: *testing.T, *testing.B and *rapid.T have it.
type TB = testenv.TB

// An Ensemble is a ZooKeeper that lives as long as its test. Its methods are
// safe for concurrent use; those that fail the test are called from the test's
// goroutine, as t.Fatal is.
type Ensemble struct {
	t    TB
	cfg  *config
	fake *fakezk.Ensemble

	mu      sync.Mutex // guards all below
	clients []*Client
	ours    map[string]bool // addresses of connections of clients
}

// New starts an ensemble of one server for the test and stops it when the test
// ends.
func New(t TB, opts ...Option) *Ensemble {
	t.Helper()
	cfg, err := newConfig(opts)
	if err != nil {
		t.Fatal(err)
	}
	e := &Ensemble{t: t, cfg: cfg, ours: map[string]bool{}}
	fake := append([]fakezk.Option{
		fakezk.Logger(testenv.Logger(t, cfg.level)), fakezk.ExtendedTypes(),
		fakezk.FourLetterWords("*"), fakezk.MaxClientConns(0),
	}, cfg.fake...)
	if !cfg.tcp {
		e.fake = fakezk.New(t, fake...)
	} else if e.fake, err = fakezk.Listen(fake...); err != nil {
		t.Fatal(err)
	}
	if cfg.leaks != IgnoreLeaks {
		labelGoroutines(t)
	}
	t.Cleanup(e.close) // before the server's own
	return e
}

// close ends all, and reports what is left.
func (e *Ensemble) close() {
	watches := e.leftWatches()
	e.mu.Lock()
	clients := e.clients
	e.mu.Unlock()
	for _, c := range clients {
		c.Close() // a client that is cut off cannot end its session, and need not
	}
	left := append(e.leftSessions(), watches...)
	e.fake.Close()
	e.report(append(left, e.leftGoroutines()...))
}

// ConnectString is the server's address, as clients take it. Code under test
// that dials it needs DialContext, or the option TCP.
func (e *Ensemble) ConnectString() string { return e.fake.ConnectString() }

// DialContext connects to the server, over memory unless the option TCP is
// given.
func (e *Ensemble) DialContext(ctx context.Context, network, addr string) (net.Conn, error) {
	return e.fake.DialContext(ctx, network, addr)
}

// Fake is the server, for what the harness does not offer itself.
func (e *Ensemble) Fake() *fakezk.Ensemble { return e.fake }

// Connect returns a client with a session, which is closed when the test ends.
// It fails the test when there is none.
func (e *Ensemble) Connect(opts ...zk.Option) *Client {
	e.t.Helper()
	link := chaos.NewLink(e.dialAsOurs)
	opts = append([]zk.Option{
		zk.Dialer(link.DialContext), zk.Logger(testenv.Logger(e.t, e.cfg.level)),
	}, opts...)
	conn, err := zk.Dial(e.t.Context(), e.ConnectString(), opts...)
	if err != nil {
		e.t.Fatalf("harness: connect: %v", err)
	}
	c := &Client{Conn: conn, ensemble: e, link: link}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.clients = append(e.clients, c)
	return c
}

// dialAsOurs remembers the connection, so that its session is not taken for one
// of the code under test.
func (e *Ensemble) dialAsOurs(ctx context.Context, network, addr string) (net.Conn, error) {
	nc, err := e.fake.DialContext(ctx, network, addr)
	if err == nil {
		e.mu.Lock()
		defer e.mu.Unlock()
		e.ours[nc.LocalAddr().String()] = true
	}
	return nc, err
}

// Restart stops the server and starts it again, at the same address. Its data
// and sessions are as they were, and all connections are lost.
func (e *Ensemble) Restart() {
	e.t.Helper()
	for _, s := range e.fake.Servers() {
		if err := s.Restart(); err != nil {
			e.t.Fatalf("harness: restart: %v", err)
		}
	}
}

// Put stores data at path, with all parents that it needs: a fixture without
// a client. Watches fire.
func (e *Ensemble) Put(path, data string) {
	e.t.Helper()
	if err := e.fake.Put(path, []byte(data)); err != nil {
		e.t.Fatalf("harness: %v", err)
	}
}

// Snapshot is all znodes and sessions as they are now. It costs nothing.
func (e *Ensemble) Snapshot() *fakezk.Snapshot { return e.fake.Snapshot() }

// Restore puts back what a snapshot has, as if the server had been stopped,
// its data put back, and started: see fakezk.Ensemble.Restore.
func (e *Ensemble) Restore(s *fakezk.Snapshot) { e.fake.Restore(s) }

// Expire ends a session by its id, such as one that the code under test has.
// For a client of Connect, see Client.Expire.
func (e *Ensemble) Expire(session int64) {
	e.t.Helper()
	if err := e.fake.Expire(session); err != nil {
		e.t.Fatalf("harness: expire: %v", err)
	}
}

// Cut ends the connection of a session by its id; the session lives on, and
// its client reconnects. For a client of Connect, see Client.Cut.
func (e *Ensemble) Cut(session int64) {
	e.t.Helper()
	if err := e.fake.Disconnect(session); err != nil {
		e.t.Fatalf("harness: cut: %v", err)
	}
}

// Tree is every znode by path, parents before children, "/zookeeper" too.
func (e *Ensemble) Tree() iter.Seq2[string, fakezk.Znode] { return e.fake.Tree() }

// Sessions are those that live, those of Connect too.
func (e *Ensemble) Sessions() []fakezk.Session { return e.fake.Sessions() }

// Watches are those that are armed.
func (e *Ensemble) Watches() []fakezk.Watch { return e.fake.Watches() }

// Dump is all that is stored, and who is connected, as a text for people.
func (e *Ensemble) Dump() string { return e.fake.Dump() }

func (e *Ensemble) String() string { return fmt.Sprintf("fake ZooKeeper at %s", e.ConnectString()) }
