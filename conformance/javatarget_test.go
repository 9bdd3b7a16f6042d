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

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/internal/backend"
	"github.com/zookit/zookit/internal/javazk"
	"github.com/zookit/zookit/internal/memnet"
	"github.com/zookit/zookit/internal/testenv"
)

// javaTarget is ensembles of Apache's code.
func javaTarget(version string, members int) Target {
	return Target{
		Name: "java", Version: version, Members: members, Features: []Feature{Admin, Snapshots, SASL, TLS},
		Start: func(t testing.TB, properties []string) Server {
			return startJava(t, javaSpec(version, members, properties))
		},
	}
}

func javaSpec(version string, members int, properties []string) backend.Spec {
	p := parseProperties(properties)
	spec := backend.Spec{
		Servers: members, Version: newestOf(version), TickTime: 2 * time.Second, Config: p.config, JVMFlags: p.flags,
		Reconfig: p.reconfig && members > 1, AdminServer: p.admin, Users: p.users,
	}
	if p.tls != "" {
		c := testCertificates()
		spec.TLS = &backend.TLS{Cert: c.server.cert, Key: c.server.key, CA: c.ca.cert, ClientAuth: p.tls}
	}
	return spec
}

func startJava(t testing.TB, spec backend.Spec) Server {
	c, err := javazk.StartCluster(context.Background(), spec)
	if missing, ok := errors.AsType[*backend.MissingError](err); ok {
		testenv.Missing(t, missing.What, missing.Install)
	}
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, c.Close()) })
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
