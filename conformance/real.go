package conformance

import (
	"bufio"
	"context"
	"errors"
	"net"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/zookit/zookit/internal/backend"
	"github.com/zookit/zookit/internal/javazk"
	"github.com/zookit/zookit/internal/memnet"
	"github.com/zookit/zookit/internal/testenv"
)

// Java is the target of Apache's own servers, as local JVMs.
func Java(version string, members int) Target {
	return real("java", javazk.StartCluster, version, members, Loopback)
}

// Docker is the target of Apache's own servers in containers. It needs
//
//	import _ "github.com/zookit/zookit/harness/docker"
func Docker(version string, members int) Target {
	start := backend.Registered("docker")
	if start == nil {
		start = func(context.Context, backend.Spec) (backend.Cluster, error) {
			return nil, errors.New(`conformance: the backend docker is not linked in; import _ "github.com/zookit/zookit/harness/docker"`)
		}
	}
	return real("docker", start, version, members)
}

func real(name string, start backend.Starter, version string, members int, features ...Feature) Target {
	return Target{
		Name: name, Version: version, Members: members, Features: append(features, Admin, Snapshots, SASL, TLS),
		Start: func(t testing.TB, properties []string) Server {
			t.Helper()
			return startReal(t, start, specOf(version, members, properties))
		},
	}
}

func specOf(version string, members int, properties []string) backend.Spec {
	p := parseProperties(properties)
	spec := backend.Spec{
		Servers: members, Version: newestOf(version), TickTime: 2 * time.Second, Config: p.config,
		JVMFlags: append(p.flags, "-Dfile.encoding=UTF-8"), // or names of digest users depend on the locale
		Reconfig: p.reconfig && members > 1, AdminServer: p.admin, Users: p.users,
	}
	if p.tls != "" {
		c := testCertificates()
		spec.TLS = &backend.TLS{Cert: c.server.cert, Key: c.server.key, CA: c.ca.cert, ClientAuth: p.tls}
	}
	return spec
}

// startReal starts an ensemble that ends with t.
func startReal(t testing.TB, start backend.Starter, spec backend.Spec) Server {
	t.Helper()
	c, err := start(context.Background(), spec)
	if missing, ok := errors.AsType[*backend.MissingError](err); ok {
		testenv.Missing(t, missing.What, missing.Install)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	return cluster{c}
}

// A cluster is what a backend has started.
type cluster struct{ backend.Cluster }

var ports = map[Port]backend.Port{ClientPort: backend.PortClient, AdminPort: backend.PortAdmin, TLSPort: backend.PortTLS}

func (c cluster) Dial(ctx context.Context, member int, port Port) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	nc, err := c.Cluster.Members()[member].Dial(ctx, ports[port])
	if errors.Is(err, syscall.EPIPE) || errors.Is(err, syscall.ECONNRESET) {
		// The server had closed it before Dial returned, as it does with
		// connections beyond its limit.
		ours, theirs := new(memnet.Network).Pipe("client", "server")
		theirs.Close()
		return ours, nil
	}
	return nc, err
}

func (c cluster) Members() int { return len(c.Cluster.Members()) }

func (c cluster) Control(ctx context.Context, member int, do Action) error {
	m := c.Cluster.Members()[member]
	return map[Action]func(context.Context) error{
		Stop: m.Stop, Kill: m.Kill, Start: m.Start, Pause: m.Pause, Resume: m.Resume,
	}[do](ctx)
}

// Leader asks every member what it is.
func (c cluster) Leader(ctx context.Context) (int, error) {
	for i := range c.Members() {
		switch mode, err := c.mode(ctx, i); {
		case err != nil:
			return -1, err
		case mode == "leader":
			return i, nil
		}
	}
	return -1, nil
}

// mode is what a member says of itself, or "" when it does not serve.
func (c cluster) mode(ctx context.Context, member int) (string, error) {
	if !c.Cluster.Members()[member].Running() {
		return "", nil
	}
	nc, err := c.Dial(ctx, member, ClientPort)
	if err != nil {
		return "", err
	}
	defer nc.Close()
	if _, err := nc.Write([]byte("srvr")); err != nil {
		return "", err
	}
	nc.SetReadDeadline(time.Now().Add(5 * time.Second))
	for lines := bufio.NewScanner(nc); lines.Scan(); {
		if mode, ok := strings.CutPrefix(lines.Text(), "Mode: "); ok {
			return mode, nil
		}
	}
	return "", nil
}

func (c cluster) Partition(groups ...[]int) error {
	if len(groups) == 0 {
		return c.Heal()
	}
	var ids [][]int // they count from 1
	for _, group := range groups {
		var g []int
		for _, member := range group {
			g = append(g, member+1)
		}
		ids = append(ids, g)
	}
	return c.Cluster.Partition(ids...)
}
