package harness

import (
	"context"
	"crypto/sha1"
	"encoding/base64"
	"net"
	"sync/atomic"

	"github.com/zookit/zookit/fakezk"
	"github.com/zookit/zookit/internal/backend"
	"github.com/zookit/zookit/internal/testenv"
)

// startFake starts the fake, in memory or on a port.
func (e *Ensemble) startFake() {
	e.t.Helper()
	e.needsOfFake()
	opts := e.cfg.fakeOptions()
	if e.cfg.tls {
		var err error
		if e.certs, err = newCertificates(); err != nil {
			e.t.Fatalf("harness: %v", err)
		}
		opts = append(opts, fakezk.TLS(e.certs.ofServer))
	}
	opts = append(opts, fakezk.Logger(testenv.Logger(e.t, e.cfg.level)))
	opts = append(opts, e.cfg.fake...)
	if !e.cfg.tcp {
		e.fake = fakezk.New(e.t, opts...)
	} else {
		var err error
		if e.fake, err = fakezk.Listen(opts...); err != nil {
			e.t.Fatal(err)
		}
	}
	e.inspector = fakeInspector{e.fake}
	for i, s := range e.fake.Servers() {
		m := &fakeMember{id: i + 1, ensemble: e.fake, server: s}
		m.running.Store(true)
		addr := s.Addr()
		if e.certs != nil {
			addr = s.SecureAddr()
		}
		e.servers = append(e.servers, &Server{ensemble: e, member: m, addr: addr})
	}
}

// needsOfFake skips a test that needs what the fake has not learned yet.
func (e *Ensemble) needsOfFake() {
	e.t.Helper()
	spec := &e.cfg.spec
	switch {
	case spec.Servers > 1 || spec.Observers > 0:
		e.unsupported("more members than one", "it has one member so far; ZK_HARNESS=java has as many as you like")
	case spec.AdminServer:
		e.unsupported("AdminServer", "package fakezk/admin has one, which a test starts itself for e.Fake().Servers()[0]")
	}
}

// fakeOptions are the harness's options as the fake knows them.
func (c *config) fakeOptions() []fakezk.Option {
	opts := []fakezk.Option{fakezk.ExtendedTypes(), fakezk.FourLetterWords("*"), fakezk.MaxClientConns(0)}
	if c.spec.Version != "" {
		opts = append(opts, fakezk.Version(c.spec.Version))
	}
	if c.spec.TickTime > 0 {
		opts = append(opts, fakezk.TickTime(c.spec.TickTime))
	}
	if c.superUser {
		opts = append(opts, fakezk.SuperDigest(superDigest(c.super)))
	}
	if len(c.spec.Users) > 0 {
		opts = append(opts, fakezk.SASL(c.spec.Users))
	}
	if c.spec.Reconfig {
		opts = append(opts, fakezk.Reconfig())
	}
	if c.spec.ReadOnly {
		opts = append(opts, fakezk.JVMFlags("-Dreadonlymode.enabled=true"))
	}
	return append(opts, fakezk.JVMFlags(c.spec.JVMFlags...), fakezk.Config(c.spec.Config...))
}

// superDigest is what a server keeps of the super user's password.
func superDigest(password string) string {
	sum := sha1.Sum([]byte("super:" + password))
	return "super:" + base64.StdEncoding.EncodeToString(sum[:])
}

// A fakeMember is the fake's only member.
type fakeMember struct {
	id       int
	ensemble *fakezk.Ensemble
	server   *fakezk.Server
	running  atomic.Bool
}

func (m *fakeMember) ID() int { return m.id }

func (m *fakeMember) Dial(ctx context.Context, port backend.Port) (net.Conn, error) {
	switch port {
	case backend.PortClient:
		return m.ensemble.DialContext(ctx, "tcp", m.server.Addr())
	case backend.PortTLS:
		return m.ensemble.DialContext(ctx, "tcp", m.server.SecureAddr())
	}
	return nil, backend.ErrUnsupported
}

func (m *fakeMember) Start(context.Context) error {
	err := m.server.Start()
	m.running.Store(m.running.Load() || err == nil)
	return err
}

func (m *fakeMember) Stop(context.Context) error {
	m.running.Store(false)
	return m.server.Stop()
}

// Kill is Stop: nothing that the fake has acknowledged is ever lost.
func (m *fakeMember) Kill(ctx context.Context) error { return m.Stop(ctx) }

func (m *fakeMember) Pause(context.Context) error  { return backend.ErrUnsupported }
func (m *fakeMember) Resume(context.Context) error { return backend.ErrUnsupported }
func (m *fakeMember) Running() bool                { return m.running.Load() }
func (m *fakeMember) Logs() string                 { return "" }
