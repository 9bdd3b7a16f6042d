package harness

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/zookit/zookit/chaos"
	"github.com/zookit/zookit/internal/backend"
	"github.com/zookit/zookit/internal/testenv"
	"github.com/zookit/zookit/zk"
)

// startTime is how long a real ensemble may take to serve.
const startTime = 2 * time.Minute

// A realCluster is an ensemble of real servers, with a front before each.
type realCluster struct {
	backend.Cluster
	servers  []*Server
	proxies  []*chaos.Proxy
	sessions *sessions
	admin    *admin
	external bool
	tls      bool   // clients come by it
	chroot   string // of the test, "" on an ensemble of its own
	members  atomic.Pointer[[]backend.Member]
}

// startReal starts a real ensemble, or skips the test.
func (e *Ensemble) startReal() {
	e.t.Helper()
	if inBubble() {
		e.t.Skipf("harness: this test is in a synctest bubble, whose time is virtual, and that of the backend %s is not", e.cfg.backend)
	}
	start, err := e.cfg.starter()
	if err != nil {
		e.t.Fatal(err)
	}
	e.needsOfExternal()
	if err := e.bootReal(start); err != nil {
		e.cluster.close()
		if m, ok := errors.AsType[*backend.MissingError](err); ok {
			missing(e.t, m)
		}
		if errors.Is(err, backend.ErrUnsupported) {
			e.unsupported("start", err.Error())
		}
		e.t.Fatalf("harness: start of the backend %s: %v", e.cfg.backend, err)
	}
}

func (e *Ensemble) bootReal(start backend.Starter) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(e.t.Context()), startTime)
	defer cancel()
	r := &realCluster{sessions: newSessions(), external: e.cfg.backend == externalBackend, tls: e.cfg.tls}
	e.cluster, e.inspector = r, r
	spec, err := e.realSpec()
	if err != nil {
		return err
	}
	count := max(spec.Servers, 1) + spec.Observers
	if r.external {
		count = len(strings.Split(e.cfg.hosts, ","))
	}
	if err := e.makeFronts(r, count); err != nil {
		return err
	}
	for _, s := range r.servers {
		spec.Fronts = append(spec.Fronts, s.plain)
	}
	if r.Cluster, err = start(ctx, spec); err != nil {
		return err
	}
	members := r.Cluster.Members()
	r.members.Store(&members)
	for i, s := range r.servers {
		s.member = members[i]
	}
	e.servers = r.servers
	password := e.cfg.super
	if r.external {
		password = ""
	}
	ctx, cancel = context.WithTimeout(ctx, patience)
	defer cancel()
	if err := r.connectAdmin(ctx, testenv.Logger(e.t, max(e.cfg.level, slog.LevelError)), password); err != nil {
		return err
	}
	if r.external {
		return e.makeChroot(ctx)
	}
	return nil
}

// realSpec is what the backend is asked for. What the harness needs comes
// first, so that the test's lines win.
func (e *Ensemble) realSpec() (backend.Spec, error) {
	spec := e.cfg.spec
	spec.Servers = max(spec.Servers, 1)
	spec.Config = append([]string{
		"extendedTypesEnabled=true", "4lw.commands.whitelist=*", "maxClientCnxns=0",
		"DigestAuthenticationProvider.superDigest=" + superDigest(e.cfg.super),
	}, spec.Config...)
	spec.Output = e.t.Output()
	if e.cfg.tls {
		var err error
		if e.certs, err = newCertificates(); err != nil {
			return spec, err
		}
		spec.TLS = e.certs.server
	}
	return spec, nil
}

// makeFronts listens for each member, before there is any.
func (e *Ensemble) makeFronts(r *realCluster, count int) error {
	tap := func(c *chaos.ProxyConn) chaos.Tap { return newTap(r.sessions, c) }
	for i := range count {
		s := &Server{ensemble: e}
		var err error
		if s.plain, err = r.front(i, backend.PortClient, tap); err != nil {
			return err
		}
		s.addr = s.plain
		if e.cfg.tls {
			if s.addr, err = r.front(i, backend.PortTLS, nil); err != nil {
				return err
			}
		}
		if e.cfg.spec.AdminServer {
			if s.admin, err = r.front(i, backend.PortAdmin, nil); err != nil {
				return err
			}
		}
		r.servers = append(r.servers, s)
	}
	return nil
}

// front listens for one port of a member.
func (r *realCluster) front(member int, port backend.Port, tap func(*chaos.ProxyConn) chaos.Tap) (addr string, err error) {
	p, err := chaos.NewProxy(func(ctx context.Context) (net.Conn, error) {
		members := r.members.Load()
		if members == nil {
			return nil, errors.New("the ensemble is not started")
		}
		return (*members)[member].Dial(ctx, port)
	}, tap)
	if err != nil {
		return "", err
	}
	r.proxies = append(r.proxies, p)
	return p.Addr(), nil
}

// addrs is the connect string of the plain fronts.
func (r *realCluster) addrs() string {
	var addrs []string
	for _, s := range r.servers {
		addrs = append(addrs, s.plain)
	}
	return strings.Join(addrs, ",")
}

// close ends all that there is of it.
func (r *realCluster) close() (errs []error) {
	if r.admin != nil {
		r.admin.root.Close() // a server that is gone cannot end its session
	}
	for _, p := range r.proxies {
		errs = append(errs, p.Close())
	}
	if r.Cluster != nil {
		errs = append(errs, r.Cluster.Close())
	}
	return errs
}

// logEnds is the end of each member's log.
func (r *realCluster) logEnds() string {
	const most = 4 << 10
	var b strings.Builder
	for _, s := range r.servers {
		log := s.Logs()
		if len(log) > most {
			log = log[len(log)-most:]
			log = log[strings.IndexByte(log, '\n')+1:]
		}
		if log != "" {
			fmt.Fprintf(&b, "the end of the log of %v:\n%s\n", s, strings.TrimRight(log, "\n"))
		}
	}
	return b.String()
}

// closeReal ends a real ensemble. Of a failed test it tells what the servers
// have logged.
func (e *Ensemble) closeReal() {
	e.t.Helper()
	if e.t.Failed() {
		e.t.Log("harness: " + e.cluster.logEnds())
	}
	e.deleteChroot()
	for _, err := range e.cluster.close() {
		if err != nil {
			e.t.Errorf("harness: end of the ensemble: %v", err)
		}
	}
}

// startAll starts all servers side by side.
func (e *Ensemble) startAll() {
	e.t.Helper()
	ctx, cancel := e.patient()
	defer cancel()
	errs := make([]error, len(e.servers))
	var all sync.WaitGroup
	for i, s := range e.servers {
		all.Go(func() { errs[i] = s.member.Start(ctx) })
	}
	all.Wait()
	if err := errors.Join(errs...); err != nil {
		e.t.Fatalf("harness: restart: %v", err)
	}
}

// avoidPaused takes the harness's own client off a member that is to be paused.
func (e *Ensemble) avoidPaused() {
	if e.cluster != nil {
		e.cluster.admin.link.Drop()
	}
}

// patient bounds what the harness does for the test, after its end too.
func (e *Ensemble) patient() (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(e.t.Context()), patience)
}

// expire ends a session from a second connection that has it, too. The client
// may take it back before it is ended: then all is done again.
func (r *realCluster) expire(ctx context.Context, id int64, password []byte) error {
	for tries := 0; ; tries++ {
		conn, err := zk.Dial(ctx, r.addrs(), zk.Dialer(r.dialMember), zk.Attach(id, password))
		switch {
		case errors.Is(err, zk.ErrSessionExpired) && tries == 0:
			return fmt.Errorf("there is no session %#x", uint64(id))
		case err != nil && !errors.Is(err, zk.ErrSessionExpired):
			return err
		}
		if err != nil || conn.Close() == nil {
			r.sessions.ended(id)
			return nil
		}
	}
}
