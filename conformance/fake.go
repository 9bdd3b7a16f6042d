package conformance

import (
	"context"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/zookit/zookit/fakezk"
)

// Fake is the target of fake servers in memory that answer as a version does.
// Options come behind those that cases need.
func Fake(version string, opts ...fakezk.Option) Target {
	return Target{
		Name: "fake", Version: version, Virtual: true,
		Start: func(t testing.TB, properties []string) Server {
			return fakeServer{fakezk.New(t, append(fakeOptions(version, properties), opts...)...)}
		},
	}
}

// fakeOptions is the same server as a real one with the properties.
func fakeOptions(version string, properties []string) []fakezk.Option {
	flags, config := flagsAndConfig(properties)
	opts := []fakezk.Option{
		fakezk.TickTime(2 * time.Second), fakezk.MaxClientConns(0), fakezk.JVMFlags(flags...), fakezk.Config(config...),
	}
	if version != "" {
		opts = append(opts, fakezk.Version(version))
	}
	return opts
}

// flagsAndConfig tells the properties that a server takes from the command
// line of its JVM from those that it takes from zoo.cfg.
func flagsAndConfig(properties []string) (flags, config []string) {
	for _, p := range properties {
		if strings.HasPrefix(p, "jute.") || strings.HasPrefix(p, "znode.container.") {
			flags = append(flags, "-D"+p)
		} else {
			config = append(config, p)
		}
	}
	return flags, config
}

type fakeServer struct{ *fakezk.Ensemble }

func (s fakeServer) Dial(ctx context.Context, member int, port Port) (net.Conn, error) {
	if port != ClientPort {
		return nil, fmt.Errorf("the fake has no %s port", port)
	}
	return s.DialContext(ctx, "tcp", s.Servers()[member].Addr())
}
