package harness

import (
	"context"
	"crypto/tls"
	"fmt"
	"iter"
	"net"
	"strings"
	"sync"

	"github.com/zookit/zookit/chaos"
	"github.com/zookit/zookit/fakezk"
	"github.com/zookit/zookit/internal/testenv"
	"github.com/zookit/zookit/zk"
)

// TB is what New needs of a test: *testing.T, *testing.B and *rapid.T have it.
type TB = testenv.TB

// An Ensemble is a ZooKeeper that lives as long as its test. Its methods are
// safe for concurrent use; those that fail or skip the test are called from the
// test's goroutine, as t.Fatal is.
type Ensemble struct {
	t         TB
	cfg       *config
	inspector inspector
	servers   []*Server
	fake      *fakezk.Ensemble // nil on other backends
	cluster   *realCluster     // nil on the fake
	certs     *certificates    // nil without TLS

	mu      sync.Mutex // guards all below
	clients []*Client
	ours    map[string]bool // addresses of connections of clients
}

// New starts an ensemble for the test and stops it when the test ends. It is
// the fake unless an option or ZK_HARNESS chooses another backend.
func New(t TB, opts ...Option) *Ensemble {
	t.Helper()
	cfg, err := newConfig(opts)
	if err != nil {
		t.Fatal(err)
	}
	if a, ok := t.(interface{ Attr(key, value string) }); ok {
		a.Attr("zk.backend", cfg.backend)
	}
	e := &Ensemble{t: t, cfg: cfg, ours: map[string]bool{}}
	if cfg.backend == fakeBackend {
		e.startFake()
	} else {
		e.startReal()
	}
	if cfg.leaks != IgnoreLeaks {
		labelGoroutines(t)
	}
	t.Cleanup(e.close) // before the fake's own
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
	if e.fake != nil {
		e.fake.Close()
	} else {
		e.closeReal()
	}
	e.report(append(left, e.leftGoroutines()...))
}

// ConnectString is the addresses of all servers, as clients take them. Code
// under test that dials those of the fake needs DialContext, or the option TCP.
//
// On an external ensemble it has a chroot of the test's own, which is there
// when New returns, and is deleted with all that is in it when the test ends.
// Connect gives clients of it, and every path of the other methods is one in
// it, so that what else is stored there neither disturbs the test nor is
// disturbed by it.
func (e *Ensemble) ConnectString() string {
	if e.fake != nil && e.certs == nil {
		return e.fake.ConnectString()
	}
	var addrs []string
	for _, s := range e.servers {
		addrs = append(addrs, s.addr)
	}
	return strings.Join(addrs, ",") + e.chroot()
}

// DialContext connects to a server: over memory for the fake without the
// option TCP, and by TLS with the option of that name.
func (e *Ensemble) DialContext(ctx context.Context, network, addr string) (net.Conn, error) {
	return e.secured(e.dialBare)(ctx, network, addr)
}

// dialBare is DialContext without TLS.
func (e *Ensemble) dialBare(ctx context.Context, network, addr string) (net.Conn, error) {
	if e.fake != nil {
		return e.fake.DialContext(ctx, network, addr)
	}
	var d net.Dialer
	return d.DialContext(ctx, network, addr)
}

// secured is a dial with TLS, if this ensemble has it.
func (e *Ensemble) secured(dial chaos.DialFunc) chaos.DialFunc {
	if e.certs == nil {
		return dial
	}
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		bare, err := dial(ctx, network, addr)
		if err != nil {
			return nil, err
		}
		nc := tls.Client(bare, e.certs.client)
		if err := nc.HandshakeContext(ctx); err != nil {
			bare.Close()
			return nil, err
		}
		return nc, nil
	}
}

// Fake is the fake, for what the harness does not offer itself. On another
// backend the test fails: what needs the fake asks New for it by the option
// Fake.
func (e *Ensemble) Fake() *fakezk.Ensemble {
	e.t.Helper()
	e.needFake("Fake")
	return e.fake
}

func (e *Ensemble) needFake(what string) {
	if e.fake == nil {
		e.t.Helper()
		e.t.Fatalf("harness: %s: only the fake has it, and the backend is %s; give New the option harness.Fake()", what, e.cfg.backend)
	}
}

// Connect returns a client with a session, which is closed when the test ends.
// It fails the test when there is none.
func (e *Ensemble) Connect(opts ...zk.Option) *Client {
	e.t.Helper()
	link := chaos.NewLink(e.dialAsOurs)
	ours := []zk.Option{zk.Dialer(link.DialContext), zk.Logger(testenv.Logger(e.t, e.cfg.level))}
	if e.certs != nil {
		ours = append(ours, zk.TLS(e.certs.client))
	}
	opts = append(ours, opts...)
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
	nc, err := e.dialBare(ctx, network, addr)
	if err == nil {
		e.mu.Lock()
		defer e.mu.Unlock()
		e.ours[nc.LocalAddr().String()] = true
	}
	return nc, err
}

// Restart stops all servers and starts them again, at the same addresses. Data
// and sessions are as they were, and all connections are lost.
func (e *Ensemble) Restart() {
	e.t.Helper()
	for _, s := range e.servers {
		s.Stop()
	}
	e.startAll()
}

// Put stores data at path, with all parents that it needs: a fixture without
// a client. Watches fire.
func (e *Ensemble) Put(path, data string) {
	e.t.Helper()
	if err := e.inspector.Put(path, []byte(data)); err != nil {
		e.t.Fatalf("harness: %v", err)
	}
}

// Snapshot is all znodes and sessions as they are now. It costs nothing. Only
// the fake has it; on another backend the test fails.
func (e *Ensemble) Snapshot() *fakezk.Snapshot {
	e.t.Helper()
	e.needFake("Snapshot")
	return e.fake.Snapshot()
}

// Restore puts back what a snapshot has, as if the server had been stopped,
// its data put back, and started: see fakezk.Ensemble.Restore.
func (e *Ensemble) Restore(s *fakezk.Snapshot) {
	e.t.Helper()
	e.needFake("Restore")
	e.fake.Restore(s)
}

// Expire ends a session by its id, such as one that the code under test has.
// On a real ensemble this is done by a second connection that has the session
// too, and ends it: a matter of milliseconds. For a client of Connect, see
// Client.Expire.
func (e *Ensemble) Expire(session int64) {
	e.t.Helper()
	if err := e.inspector.Expire(session); err != nil {
		e.t.Fatalf("harness: expire: %v", err)
	}
}

// Cut ends the connection of a session by its id; the session lives on, and
// its client reconnects. On a real ensemble it knows no sessions that came by
// TLS. For a client of Connect, see Client.Cut.
func (e *Ensemble) Cut(session int64) {
	e.t.Helper()
	if err := e.inspector.Disconnect(session); err != nil {
		e.t.Fatalf("harness: cut: %v", err)
	}
}

// Tree is every znode by path, parents before children, "/zookeeper" too. A
// real ensemble is read node by node, and may change meanwhile.
func (e *Ensemble) Tree() iter.Seq2[string, Znode] { return e.inspector.Tree() }

// Sessions are those that live, those of Connect too. A real ensemble tells no
// more than the ids of those that came by TLS. Of an external one these are
// the sessions that came by this harness.
func (e *Ensemble) Sessions() []Session { return e.inspector.Sessions() }

// Watches are those that are armed. Of a real ensemble these are those of
// clients that came by this harness, and not by TLS.
func (e *Ensemble) Watches() []Watch { return e.inspector.Watches() }

// Dump is all that is stored, and who is connected, as a text for people.
func (e *Ensemble) Dump() string { return e.inspector.Dump() }

func (e *Ensemble) String() string {
	return fmt.Sprintf("%s ZooKeeper at %s", e.cfg.backend, e.ConnectString())
}
