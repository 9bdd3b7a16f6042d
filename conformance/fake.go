package conformance

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/zookit/zookit/fakezk"
	"github.com/zookit/zookit/fakezk/admin"
	"github.com/zookit/zookit/internal/memnet"
)

// Fake is the target of fake servers in memory that answer as a version does.
// Options come behind those that cases need.
func Fake(version string, opts ...fakezk.Option) Target {
	return Target{
		Name: "fake", Version: version, Virtual: true, Features: []Feature{Admin, Loopback, SASL, TLS},
		Start: func(t testing.TB, properties []string) Server {
			return fakeServer{fakezk.New(t, append(fakeOptions(version, properties), opts...)...)}
		},
	}
}

// fakeOptions is the same server as a real one with the properties.
func fakeOptions(version string, properties []string) []fakezk.Option {
	p := parseProperties(properties)
	opts := []fakezk.Option{
		fakezk.TickTime(2 * time.Second), fakezk.MaxClientConns(0), fakezk.JVMFlags(p.flags...), fakezk.Config(p.config...),
	}
	if len(p.users) > 0 {
		opts = append(opts, fakezk.SASL(p.users))
	}
	if p.tls != "" {
		opts = append(opts, fakezk.TLS(testCertificates().serverTLS(p.tls)))
	}
	if version != "" {
		opts = append(opts, fakezk.Version(version))
	}
	return opts
}

type fakeServer struct{ *fakezk.Ensemble }

func (s fakeServer) Dial(ctx context.Context, member int, port Port) (net.Conn, error) {
	m := s.Servers()[member]
	switch port {
	case ClientPort:
		return s.DialContext(ctx, "tcp", m.Addr())
	case TLSPort:
		return s.DialContext(ctx, "tcp", m.SecureAddr())
	case AdminPort:
		return dialHandler(admin.Handler(m)), nil
	}
	return nil, fmt.Errorf("the fake has no %s port", port)
}

// Members is 1: the fake has no others yet.
func (s fakeServer) Members() int { return len(s.Servers()) }

// Control stops and starts; the fake keeps data and sessions in memory.
func (s fakeServer) Control(_ context.Context, member int, do Action) error {
	switch do {
	case Stop, Kill:
		return s.Servers()[member].Stop()
	case Start:
		return s.Servers()[member].Start()
	}
	return ErrUnsupported
}

// Leader is nobody.
func (s fakeServer) Leader(context.Context) (int, error) { return -1, nil }

// Partition needs others.
func (s fakeServer) Partition(...[]int) error { return ErrUnsupported }

// dialHandler connects to an HTTP server of one connection.
func dialHandler(h http.Handler) net.Conn {
	ours, theirs := new(memnet.Network).Pipe("client", "admin")
	l := &onlyConn{Conn: theirs}
	go func() { _ = (&http.Server{Handler: h}).Serve(l) }() // ends with the listener, which is at once
	return ours
}

// onlyConn is a listener that has one connection, and then has ended.
type onlyConn struct {
	net.Conn
	taken bool
}

func (l *onlyConn) Accept() (net.Conn, error) {
	if l.taken {
		return nil, net.ErrClosed
	}
	l.taken = true
	return l.Conn, nil
}

func (l *onlyConn) Addr() net.Addr { return l.LocalAddr() }

// Close leaves the connection to the server that has it.
func (l *onlyConn) Close() error { return nil }
