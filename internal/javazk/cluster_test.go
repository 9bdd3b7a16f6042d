package javazk

import (
	"context"
	"fmt"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/internal/backend"
	"github.com/zookit/zookit/internal/testenv"
	"github.com/zookit/zookit/zk"
)

// start boots a cluster that is closed with the test.
func start(t *testing.T, spec backend.Spec, choose chooser) *cluster {
	t.Helper()
	spec.Output = t.Output()
	// On a starved machine a client is heard late.
	spec.Config = append([]string{"maxSessionTimeout=60000"}, spec.Config...)
	c, err := startCluster(t.Context(), spec, choose)
	missing(t, err)
	require.NoError(t, err)
	t.Cleanup(func() {
		if t.Failed() {
			for _, m := range c.members {
				t.Log(m.logTail())
			}
		}
		require.NoError(t, c.Close())
	})
	return c
}

func missing(t *testing.T, err error) {
	t.Helper()
	if lacks, ok := err.(*backend.MissingError); ok {
		testenv.Missing(t, lacks.What, lacks.Install)
	}
}

// everywhere runs a test on each network that an ensemble can have here.
func everywhere(t *testing.T, test func(*testing.T, chooser)) {
	t.Run("namespaces", func(t *testing.T) {
		probe, err := newNamespaces([]int{1, 2})
		if err != nil {
			testenv.Missing(t, fmt.Sprintf("the right to make network namespaces (%v)", err), "running as root on Linux")
		}
		require.NoError(t, probe.close())
		test(t, chooseNetwork)
	})
	t.Run("loopback", func(t *testing.T) { test(t, onLoopback) })
}

func onLoopback(s backend.Spec) (network, error) {
	return newLoopback(s.Servers+s.Observers, s.Reconfig, "a test wants none")
}

// modes are what members say of themselves now, "" for those that do not
// serve.
func (c *cluster) modes(ctx context.Context) (modes []string) {
	for _, m := range c.members {
		answer, _ := backend.Ask(ctx, m, "srvr")
		_, mode, _ := strings.Cut(answer, "Mode: ")
		mode, _, _ = strings.Cut(mode, "\n")
		modes = append(modes, mode)
	}
	return modes
}

// leader is the place of the member that leads.
func (c *cluster) leader(t *testing.T) int {
	t.Helper()
	i := -1
	eventually(t, "a member leads", func() bool {
		i = slices.Index(c.modes(t.Context()), "leader")
		return i != -1
	})
	return i
}

// eventually waits for what takes as long as the servers please.
func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	const most = time.Minute
	for deadline := time.Now().Add(most); !is(); time.Sleep(5 * time.Millisecond) {
		require.True(t, time.Now().Before(deadline), "not within %v: %s", most, what)
	}
}

// client is one of this member alone.
func client(t *testing.T, m *member, opts ...zk.Option) *zk.Conn {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	dial := zk.Dialer(func(ctx context.Context, _, _ string) (net.Conn, error) {
		return m.Dial(ctx, backend.PortClient)
	})
	c, err := zk.Dial(ctx, "member:2181", append([]zk.Option{dial, zk.SessionTimeout(30 * time.Second)}, opts...)...)
	require.NoError(t, err)
	t.Cleanup(func() { c.Close() })
	return c
}

// soon bounds what a server may take to answer.
func soon(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	return ctx
}

func TestEnsemblesServe(t *testing.T) {
	for _, tc := range []struct {
		servers, observers int
		version            string
	}{{3, 0, "3.9"}, {5, 0, "3.9"}, {3, 2, "3.8"}, {1, 1, "3.9"}, {2, 0, "3.5"}, {3, 1, "3.4"}} {
		t.Run(fmt.Sprintf("%d+%d of %s", tc.servers, tc.observers, tc.version), func(t *testing.T) {
			c := start(t, backend.Spec{Servers: tc.servers, Observers: tc.observers, Version: tc.version}, chooseNetwork)
			require.True(t, matches(c.Version(), tc.version), c.Version())
			want := slices.Concat(slices.Repeat([]string{"follower"}, tc.servers-1), []string{"leader"},
				slices.Repeat([]string{"observer"}, tc.observers))
			eventually(t, fmt.Sprint("the modes are ", want), func() bool {
				modes := c.modes(t.Context())
				slices.Sort(modes[:tc.servers])
				return slices.Equal(want, modes)
			})
			for i, m := range c.Members() {
				require.Equal(t, i+1, m.ID())
				require.True(t, m.Running())
			}
		})
	}
}

// A write at one member is read at another, on either network.
func TestMembersAreOneEnsemble(t *testing.T) {
	everywhere(t, func(t *testing.T, choose chooser) {
		c := start(t, backend.Spec{Servers: 3}, choose)
		_, _, err := client(t, c.members[0]).Create(soon(t), "/a", []byte("written"), zk.Persistent)
		require.NoError(t, err)
		other := client(t, c.members[2])
		require.NoError(t, other.Sync(soon(t), "/a"))
		data, _, err := other.Get(soon(t), "/a")
		require.NoError(t, err)
		require.Equal(t, "written", string(data))
	})
}

func TestStopKillAndStart(t *testing.T) {
	everywhere(t, func(t *testing.T, choose chooser) {
		c := start(t, backend.Spec{Servers: 3}, choose)
		_, _, err := client(t, c.members[0]).Create(soon(t), "/kept", nil, zk.Persistent)
		require.NoError(t, err)

		leader := c.members[c.leader(t)]
		require.NoError(t, leader.Kill(t.Context()))
		require.False(t, leader.Running())
		require.NoError(t, leader.Kill(t.Context()), "to kill what is dead is no error")
		eventually(t, "another leader", func() bool { return slices.Contains(c.modes(t.Context()), "leader") })
		require.NoError(t, leader.Start(t.Context()))
		require.ErrorContains(t, leader.Start(t.Context()), "it is running")

		require.NoError(t, leader.Stop(t.Context()))
		require.False(t, leader.Running())
		require.EqualValues(t, 143, leader.process.cmd.ProcessState.ExitCode(), "an end by SIGTERM")
		require.NoError(t, leader.Start(t.Context()))
		_, there, err := client(t, leader).Exists(soon(t), "/kept")
		require.NoError(t, err)
		require.True(t, there, "a restart keeps the data")
	})
}

// Without a quorum a member cannot serve, and Start does not wait for that.
func TestStartWithoutQuorum(t *testing.T) {
	c := start(t, backend.Spec{Servers: 3}, chooseNetwork)
	for _, m := range c.members {
		require.NoError(t, m.Kill(t.Context()))
	}
	require.NoError(t, c.members[0].Start(soon(t)))
	require.Empty(t, c.modes(t.Context())[0], "one of three serves")
	require.NoError(t, c.members[1].Start(soon(t)))
	eventually(t, "two of three serve", func() bool { return c.modes(t.Context())[1] != "" })
}

func TestPauseAndResume(t *testing.T) {
	c := start(t, backend.Spec{Servers: 3}, chooseNetwork)
	m := c.members[0]
	conn, err := m.Dial(t.Context(), backend.PortClient)
	require.NoError(t, err)
	defer conn.Close()

	require.NoError(t, m.Pause(t.Context()))
	require.True(t, m.Running())
	_, err = conn.Write([]byte("ruok"))
	require.NoError(t, err)
	require.NoError(t, conn.SetReadDeadline(time.Now().Add(100*time.Millisecond)))
	n, err := conn.Read(make([]byte, 4))
	require.Zero(t, n, "a paused member answers")
	require.ErrorContains(t, err, "timeout", "its connection stays")

	require.NoError(t, m.Resume(t.Context()))
	require.NoError(t, conn.SetReadDeadline(time.Now().Add(time.Minute)))
	answer := make([]byte, 4)
	_, err = conn.Read(answer)
	require.NoError(t, err)
	require.Equal(t, "imok", string(answer))

	require.NoError(t, m.Pause(t.Context()))
	require.NoError(t, m.Stop(t.Context()), "a paused member can be stopped")
	require.Error(t, m.Pause(t.Context()), "what does not run cannot be paused")
}

func TestLogsAreThoseOfTheLatestStart(t *testing.T) {
	c := start(t, backend.Spec{Servers: 1}, chooseNetwork)
	m := c.members[0]
	first := m.Logs()
	require.Contains(t, first, "Starting server")
	require.NoError(t, m.Kill(t.Context()))
	require.NoError(t, m.Start(t.Context()))
	require.Equal(t, 1, strings.Count(m.Logs(), "Starting server"))
	require.NotEqual(t, first, m.Logs())
}

func TestBadSpecsSayWhy(t *testing.T) {
	for want, spec := range map[string]backend.Spec{
		"there must be 1 or more":    {},
		"-1 observers":               {Servers: 1, Observers: -1},
		"200 is the most":            {Servers: 201},
		"not whole milliseconds":     {Servers: 1, TickTime: 1},
		"1 front addresses for 3":    {Servers: 3, Fronts: []string{"127.0.0.1:1"}},
		"letters, digits":            {Servers: 1, Users: map[string]string{"a b": "c"}},
		"a password is one line":     {Servers: 1, Users: map[string]string{"a": "b\n"}},
		"the TLS key: it is not PEM": {Servers: 1, TLS: &backend.TLS{}},
		"is not need, want or none":  {Servers: 1, TLS: &backend.TLS{ClientAuth: "yes"}},
		"cannot be reconfigured":     {Servers: 1, Version: "3.4", Reconfig: true},
		"no release begins with 2.0": {Servers: 1, Version: "2.0"},
	} {
		c, err := StartCluster(t.Context(), spec)
		if err == nil {
			c.Close()
		}
		require.ErrorContains(t, err, want)
	}
}

func TestStartIsBoundByItsContext(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err := StartCluster(ctx, backend.Spec{Servers: 3})
	missing(t, err)
	require.ErrorIs(t, err, context.DeadlineExceeded)
}

// After Close every control says so, and nothing breaks.
func TestClosedCluster(t *testing.T) {
	everywhere(t, func(t *testing.T, choose chooser) {
		c := start(t, backend.Spec{Servers: 2}, choose)
		require.NoError(t, c.Close())
		require.NoError(t, c.Close(), "a second Close is no error")
		m := c.members[0]
		require.ErrorIs(t, m.Start(t.Context()), errClosed)
		require.ErrorIs(t, c.Partition([]int{1}), errClosed)
		_, err := m.Dial(t.Context(), backend.PortClient)
		require.Error(t, err)
		require.False(t, m.Running())
		require.NoError(t, m.Stop(t.Context()))
	})
}
