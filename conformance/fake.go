package conformance

import (
	"context"
	"fmt"
	"net"
	"testing"
	"time"

	"github.com/zookit/zookit/fakezk"
)

// Fake is the target of fake servers in memory that answer as a version does.
// Options come behind those that cases need.
func Fake(version string, opts ...fakezk.Option) Target {
	return Target{
		Name: "fake", Version: version, Virtual: true, Features: []Feature{SASL, TLS},
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
