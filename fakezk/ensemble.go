package fakezk

import (
	"context"
	"errors"
	"math"
	"net"
	"net/netip"
	"strings"
	"sync"
	"time"

	"github.com/zookit/zookit/internal/memnet"
	"github.com/zookit/zookit/internal/proto"
	"github.com/zookit/zookit/internal/testenv"
)

// TB is what New needs of a test: *testing.T, *testing.B and *rapid.T have it.
type TB = testenv.TB

// closeHang is how long Close takes before it says what it waits for.
const closeHang = 5 * time.Second

// An Ensemble is a fake ZooKeeper. Its methods are safe for concurrent use.
type Ensemble struct {
	cfg     *config
	network *memnet.Network // nil on TCP
	servers []*Server
	start   time.Time
	wake    chan struct{} // tells the janitor that something ends earlier than it knows
	done    chan struct{}
	ended   sync.WaitGroup // the janitor

	mu          sync.Mutex // guards all below, and the servers' state; nobody waits under it
	state       *state
	sessions    map[int64]*session
	nextSession int64
	expiry      *expiryQueue[*session]
	idle        *expiryQueue[*conn]
	reaper      reaper
	changed     chan struct{} // closed at the next transaction; nil while nobody awaits it
	armed       int64         // when the janitor wakes, in milliseconds since start
	closed      bool
}

// Listen starts an ensemble of one server on the loopback interface, for
// clients of any language. The caller closes it.
func Listen(opts ...Option) (*Ensemble, error) { return start(nil, opts) }

// New starts an ensemble of one server on a network in memory, which clients
// reach by DialContext; it is closed when t ends. In a synctest bubble all its
// time is virtual.
func New(t TB, opts ...Option) *Ensemble {
	t.Helper()
	e, err := start(&memnet.Network{}, opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { e.Close() })
	return e
}

func start(network *memnet.Network, opts []Option) (*Ensemble, error) {
	cfg, err := newConfig(opts)
	if err != nil {
		return nil, err
	}
	for _, warning := range cfg.warnings {
		cfg.logger.Warn("fakezk: " + warning)
	}
	if network != nil {
		cfg.addr, cfg.tls.addr = memoryAddr(cfg.addr), memoryAddr(cfg.tls.addr)
		network.Seed, network.Least, network.Most = cfg.latencySeed, cfg.latencyLeast, cfg.latencyMost
	}
	e := &Ensemble{
		cfg: cfg, network: network, start: time.Now(), state: newState(cfg),
		wake: make(chan struct{}, 1), done: make(chan struct{}),
		sessions: map[int64]*session{}, armed: math.MaxInt64,
		expiry: newExpiryQueue[*session](cfg.tickTime.Milliseconds()),
		idle:   newExpiryQueue[*conn](cfg.idleTimeout.Milliseconds()),
	}
	e.nextSession = firstSessionID(cfg.serverID, e.wallClock())
	s := newServer(e, cfg.addr)
	e.servers = []*Server{s}
	if err := s.Start(); err != nil {
		return nil, err
	}
	e.ended.Go(e.janitor)
	return e, nil
}

// memoryAddr is the address on a network in memory, which has one interface
// and takes no port 0.
func memoryAddr(addr string) string {
	switch host, port, err := net.SplitHostPort(addr); {
	case err != nil:
		return addr
	case port == "0":
		return ""
	case host == "":
		return net.JoinHostPort("127.0.0.1", port)
	}
	return addr
}

// Close ends all connections and returns when every goroutine has ended. It
// can be called more than once.
func (e *Ensemble) Close() error {
	e.mu.Lock()
	first := !e.closed
	e.closed = true
	e.mu.Unlock()
	if !first {
		return nil
	}
	hang := time.AfterFunc(closeHang, func() {
		e.cfg.logger.Warn("fakezk: Close still waits", "connections", e.servers[0].clients())
	})
	defer hang.Stop()
	close(e.done)
	var errs []error
	for _, s := range e.servers {
		errs = append(errs, s.Stop())
	}
	e.ended.Wait()
	return errors.Join(errs...)
}

// ConnectString is the addresses of all servers, as clients take them.
func (e *Ensemble) ConnectString() string {
	addrs := make([]string, len(e.servers))
	for i, s := range e.servers {
		addrs[i] = reachable(s.Addr())
	}
	return strings.Join(addrs, ",")
}

// reachable is addr, or the loopback interface for all interfaces.
func reachable(addr string) string {
	if ap, err := netip.ParseAddrPort(addr); err == nil && ap.Addr().IsUnspecified() {
		return netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), ap.Port()).String()
	}
	return addr
}

// DialContext connects to a server of the ensemble: over memory for an
// ensemble of New, over TCP for one of Listen.
func (e *Ensemble) DialContext(ctx context.Context, network, addr string) (net.Conn, error) {
	if e.network != nil {
		return e.network.DialContext(ctx, network, addr)
	}
	var d net.Dialer
	return d.DialContext(ctx, network, addr)
}

// Servers are the members.
func (e *Ensemble) Servers() []*Server { return e.servers }

// now is the time in milliseconds since the ensemble began.
func (e *Ensemble) now() int64 { return time.Since(e.start).Milliseconds() }

// wallClock is the Unix time in milliseconds.
func (e *Ensemble) wallClock() int64 { return time.Now().UnixMilli() }

// fire tells watches what the last transaction has changed.
func (e *Ensemble) fire(fx *effects) {
	for _, ch := range e.state.changes {
		if s := e.sessions[ch.owner]; s != nil && ch.event == proto.EventNodeCreated {
			s.owned = true
		}
		for _, s := range e.servers {
			s.watches.fire(e.state, ch, e.state.zxid, fx)
		}
	}
	e.state.changes = e.state.changes[:0]
	if e.changed != nil {
		close(e.changed)
		e.changed = nil
	}
	if e.state.reapable.Len() > 0 {
		e.wakeFor(e.reaper.next(e))
	}
}
