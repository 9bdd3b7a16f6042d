package docker_test

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/moby/moby/client"
	"github.com/stretchr/testify/require"
	"github.com/testcontainers/testcontainers-go"
	"go.uber.org/goleak"

	"github.com/zookit/zookit/harness/docker"
	"github.com/zookit/zookit/internal/backend"
	"github.com/zookit/zookit/internal/testenv"
	"github.com/zookit/zookit/zk"
)

// bootTime bounds what takes a second or two.
const bootTime = 2 * time.Minute

func TestMain(m *testing.M) {
	// Closing has to remove all, and not the reaper.
	os.Setenv("TESTCONTAINERS_RYUK_DISABLED", "true")
	goleak.VerifyTestMain(m)
}

// start starts an ensemble that is closed, and has left nothing, at the end.
func start(t *testing.T, spec backend.Spec) backend.Cluster {
	t.Helper()
	c, err := startWithin(t, bootTime, spec)
	if missing, ok := errors.AsType[*backend.MissingError](err); ok {
		testenv.Missing(t, missing.What, missing.Install)
	}
	require.NoError(t, err)
	t.Cleanup(func() {
		if t.Failed() {
			for _, m := range c.Members() {
				log := m.Logs()
				t.Logf("the end of the log of member %d:\n%s", m.ID(), log[max(0, len(log)-4<<10):])
			}
		}
		require.NoError(t, c.Close())
		require.NoError(t, c.Close(), "a second time")
	})
	return c
}

func startWithin(t *testing.T, patience time.Duration, spec backend.Spec) (backend.Cluster, error) {
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	return docker.Start(ctx, spec)
}

// within bounds a control of a member.
func within(t *testing.T, do func(context.Context) error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), bootTime)
	defer cancel()
	require.NoError(t, do(ctx))
}

// dial is a client of one member.
func dial(t *testing.T, m backend.Member, opts ...zk.Option) *zk.Conn {
	t.Helper()
	return dialPort(t, func(ctx context.Context) (net.Conn, error) { return m.Dial(ctx, backend.PortClient) }, opts...)
}

func dialPort(t *testing.T, dial func(context.Context) (net.Conn, error), opts ...zk.Option) *zk.Conn {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), bootTime)
	defer cancel()
	opts = append(opts, zk.Dialer(func(ctx context.Context, _, _ string) (net.Conn, error) { return dial(ctx) }),
		zk.SessionTimeout(bootTime))
	c, err := zk.Dial(ctx, "member:2181", opts...)
	require.NoError(t, err)
	t.Cleanup(func() { c.Close() })
	return c
}

var modeLine = regexp.MustCompile(`(?m)^Mode: ([a-z-]+)$`)

// role is what srvr calls the member; "" when it does not say.
func role(m backend.Member) string {
	mode := modeLine.FindStringSubmatch(ask(m, "srvr"))
	if mode == nil {
		return ""
	}
	return mode[1]
}

// ask sends a four letter word; a member that does not answer says "".
func ask(m backend.Member, word string) string {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	conn, err := m.Dial(ctx, backend.PortClient)
	if err != nil {
		return ""
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(500 * time.Millisecond))
	io.WriteString(conn, word)
	answer, _ := io.ReadAll(conn)
	return string(answer)
}

// await waits for what must come, looking every 10 ms.
func await(t *testing.T, what string, is func() bool) {
	t.Helper()
	require.Eventually(t, is, bootTime, 10*time.Millisecond, what)
}

// with is the member that has the role, once there is one.
func with(t *testing.T, c backend.Cluster, want string) (found backend.Member) {
	t.Helper()
	await(t, "there is a "+want, func() bool {
		for _, m := range c.Members() {
			if role(m) == want {
				found = m
				return true
			}
		}
		return false
	})
	return found
}

// others are all members but one.
func others(c backend.Cluster, but backend.Member) (others []backend.Member) {
	for _, m := range c.Members() {
		if m != but {
			others = append(others, m)
		}
	}
	return others
}

// ours are what this process has in Docker.
func ours(t *testing.T) []string {
	t.Helper()
	return left(t, docker.Self())
}

// left are the names of containers, networks and volumes of a process.
func left(t *testing.T, owner string) (names []string) {
	t.Helper()
	d, err := testcontainers.NewDockerClientWithOpts(t.Context())
	require.NoError(t, err)
	defer d.Close()
	mine := client.Filters{}.Add("label", "zookit.owner="+owner)
	containers, err := d.ContainerList(t.Context(), client.ContainerListOptions{All: true, Filters: mine})
	require.NoError(t, err)
	for _, c := range containers.Items {
		names = append(names, "container "+strings.Join(c.Names, " "))
		for _, m := range c.Mounts {
			names = append(names, "volume "+m.Name)
		}
	}
	networks, err := d.NetworkList(t.Context(), client.NetworkListOptions{Filters: mine})
	require.NoError(t, err)
	for _, n := range networks.Items {
		names = append(names, "network "+n.Name)
	}
	return names
}
