package docker_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/internal/backend"
	"github.com/zookit/zookit/zk"
)

// longSessions lets sessions outlive what is done to their servers, however
// busy the machine is.
const longSessions = "maxSessionTimeout=120000"

func TestDockerStandalone(t *testing.T) {
	c := start(t, backend.Spec{Servers: 1, Config: []string{"extendedTypesEnabled = true", "# nothing", ""}})
	require.True(t, strings.HasPrefix(c.Version(), "3.9."), c.Version())
	m := c.Members()[0]
	require.Equal(t, "standalone", role(m))
	require.True(t, m.Running())
	require.Contains(t, m.Logs(), "standalone")
	require.NoError(t, c.Partition([]int{1}))
	require.ErrorContains(t, c.Partition([]int{2}), "there is no member 2")

	conn := dial(t, m)
	_, _, err := conn.CreateTTL(t.Context(), "/ttl", []byte("x"), zk.Persistent, time.Hour)
	require.NoError(t, err, "the line of zoo.cfg counts")

	_, err = m.Dial(t.Context(), backend.PortTLS)
	require.ErrorIs(t, err, backend.ErrUnsupported)
}

func TestDockerRestartKeepsData(t *testing.T) {
	c := start(t, backend.Spec{Servers: 1, Config: []string{longSessions}})
	m := c.Members()[0]
	conn := dial(t, m)
	session := conn.Session().ID()
	_, _, err := conn.Create(t.Context(), "/kept", []byte("v"), zk.Ephemeral)
	require.NoError(t, err)
	for _, end := range []func(context.Context) error{m.Stop, m.Kill} {
		within(t, m.Start) // it runs already
		within(t, end)
		within(t, m.Kill) // it has ended already
		require.False(t, m.Running())
		_, err := m.Dial(t.Context(), backend.PortClient)
		require.Error(t, err)
		within(t, m.Start)
		require.True(t, m.Running())
		data, _, err := conn.Get(t.Context(), "/kept")
		require.NoError(t, err)
		require.Equal(t, "v", string(data))
		require.Equal(t, session, conn.Session().ID(), "sessions outlive a restart")
		require.Equal(t, 1, strings.Count(m.Logs(), "Server environment:os.name"), "the log is that of the latest start")
	}
}

func TestDockerKillLeader(t *testing.T) {
	c := start(t, backend.Spec{Servers: 3, Observers: 1})
	require.Equal(t, "observer", role(c.Members()[3]))
	leader := with(t, c, "leader")
	conn := dial(t, leader)
	_, _, err := conn.Create(t.Context(), "/a", []byte("before"), zk.Persistent)
	require.NoError(t, err)

	within(t, leader.Kill)
	next := with(t, c, "leader")
	require.NotEqual(t, leader.ID(), next.ID())
	conn = dial(t, next)
	await(t, "the next leader takes a write", func() bool { // on a busy machine it may be another again
		_, err := conn.Set(t.Context(), "/a", []byte("after"), zk.AnyVersion)
		return err == nil
	})

	within(t, leader.Start)
	require.Equal(t, "follower", role(leader))
	conn = dial(t, leader)
	await(t, "it catches up", func() bool {
		err := conn.Sync(t.Context(), "/a")
		data, _, err2 := conn.Get(t.Context(), "/a")
		return err == nil && err2 == nil && string(data) == "after"
	})
}

func TestDockerStartWithoutQuorum(t *testing.T) {
	c := start(t, backend.Spec{Servers: 2})
	one, two := c.Members()[0], c.Members()[1]
	within(t, one.Stop)
	within(t, two.Kill)
	within(t, one.Start)
	require.Contains(t, ask(one, "srvr"), "not currently serving")
	within(t, two.Start)
	await(t, "both serve", func() bool { return role(one) != "" && role(two) != "" })
}

func TestDockerPause(t *testing.T) {
	c := start(t, backend.Spec{Servers: 1, Config: []string{longSessions}})
	m := c.Members()[0]
	conn := dial(t, m)
	within(t, m.Pause)
	require.True(t, m.Running())
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	_, _, err := conn.Exists(ctx, "/")
	require.ErrorIs(t, err, context.DeadlineExceeded, "nothing answers")
	session := conn.Session()
	within(t, m.Resume)
	_, _, err = conn.Exists(t.Context(), "/")
	require.NoError(t, err)
	require.Same(t, session, conn.Session())

	within(t, m.Pause)
	within(t, m.Kill) // whatever state it is in
	require.False(t, m.Running())
	within(t, m.Start)
	require.Equal(t, "standalone", role(m))
}

// A follower that is cut off stops serving and is still reached; the others
// do not notice, and heal with it at the same addresses.
func TestDockerPartitionFollower(t *testing.T) {
	c := start(t, backend.Spec{Servers: 3, Config: []string{longSessions}})
	leader, follower := with(t, c, "leader"), with(t, c, "follower")
	conn := dial(t, leader)
	lost := conn.Session()

	var majority []int
	for _, m := range others(c, follower) {
		majority = append(majority, m.ID())
	}
	require.NoError(t, c.Partition(majority))
	_, _, err := conn.Create(t.Context(), "/during", []byte("v"), zk.Persistent)
	require.NoError(t, err)
	await(t, "the follower says that it does not serve",
		func() bool { return strings.Contains(ask(follower, "srvr"), "not currently serving") })
	require.Equal(t, "leader", role(leader), "the majority keeps its leader")
	require.Same(t, lost, conn.Session())

	within(t, follower.Kill) // and started again it is still cut off
	within(t, follower.Start)
	require.Empty(t, role(follower))

	require.NoError(t, c.Heal())
	await(t, "the follower is back", func() bool { return role(follower) == "follower" })
	conn = dial(t, follower)
	data, _, err := conn.Get(t.Context(), "/during")
	require.NoError(t, err)
	require.Equal(t, "v", string(data))
	require.NoError(t, c.Heal(), "a second time")
}

func TestDockerPartitionLeader(t *testing.T) {
	c := start(t, backend.Spec{Servers: 3, Config: []string{longSessions}})
	leader := with(t, c, "leader")
	require.NoError(t, c.Partition([]int{leader.ID()}, ids(others(c, leader))))
	await(t, "the others have another leader", func() bool {
		return role(leader) == "" && (role(others(c, leader)[0]) == "leader" || role(others(c, leader)[1]) == "leader")
	})
	require.NoError(t, c.Partition(), "all are alone")
	await(t, "nobody serves", func() bool {
		for _, m := range c.Members() {
			if !strings.Contains(ask(m, "srvr"), "not currently serving") {
				return false
			}
		}
		return true
	})
	require.NoError(t, c.Heal())
	with(t, c, "leader")
	require.ErrorContains(t, c.Partition([]int{1, 2}, []int{2, 3}), "member 2 is named twice")
}

func ids(members []backend.Member) (ids []int) {
	for _, m := range members {
		ids = append(ids, m.ID())
	}
	return ids
}

func TestDockerReadOnly(t *testing.T) {
	c := start(t, backend.Spec{Servers: 2, ReadOnly: true})
	one, two := c.Members()[0], c.Members()[1]
	within(t, two.Kill)
	await(t, "a member alone is read-only", func() bool { return role(one) == "read-only" })
}

func TestDockerReconfig(t *testing.T) {
	c := start(t, backend.Spec{
		Servers: 3, Reconfig: true, Fronts: []string{"127.0.0.1:20001", "127.0.0.1:20002", "127.0.0.1:20003"},
		Config:   []string{"skipACL=yes"},
		JVMFlags: []string{"-Dzookeeper.skipACL=yes"},
	})
	conn := dial(t, with(t, c, "leader"))
	data, _, err := conn.Get(t.Context(), "/zookeeper/config")
	require.NoError(t, err)
	require.Contains(t, string(data), "server.2=zk2:2888:3888:participant;0.0.0.0:20002", "the port is that of the front")

	follower := with(t, c, "follower")
	data, _, err = conn.Reconfig(t.Context(), zk.Reconfiguration{Leaving: []string{strconv.Itoa(follower.ID())}, From: zk.AnyConfig})
	require.NoError(t, err)
	require.NotContains(t, string(data), fmt.Sprintf("server.%d=", follower.ID()))
}

func TestDockerAdminServer(t *testing.T) {
	c := start(t, backend.Spec{Servers: 1, AdminServer: true})
	conn, err := c.Members()[0].Dial(t.Context(), backend.PortAdmin)
	require.NoError(t, err)
	defer conn.Close()
	req, err := http.NewRequestWithContext(t.Context(), "GET", "http://member/commands/ruok", nil)
	require.NoError(t, err)
	req.Close = true
	require.NoError(t, req.Write(conn))
	answer, err := io.ReadAll(conn)
	require.NoError(t, err)
	require.Contains(t, string(answer), `"command" : "ruok"`)
}

func TestDockerLeavesNothing(t *testing.T) {
	t.Run("inside", func(t *testing.T) {
		c := start(t, backend.Spec{Servers: 2})
		left := strings.Join(ours(t), "\n")
		require.Equal(t, 2, strings.Count(left, "container "), left)
		require.Contains(t, left, "volume ")
		require.Contains(t, left, "network ")
		within(t, c.Members()[0].Pause)
		within(t, c.Members()[1].Kill)
		require.NoError(t, c.Partition())
	})
	require.Empty(t, ours(t))
}

// A start that is given up, or that fails, leaves nothing either.
func TestDockerFailedStart(t *testing.T) {
	start(t, backend.Spec{Servers: 1}) // or there is no Docker, and the test is skipped
	before := len(ours(t))
	_, err := startWithin(t, bootTime, backend.Spec{Servers: 2, Config: []string{"tickTime=none"}})
	require.ErrorContains(t, err, "its container ended with status")
	require.ErrorContains(t, err, "NumberFormatException", "the log is told")
	require.Len(t, ours(t), before)
	for _, patience := range []time.Duration{0, 50 * time.Millisecond, 200 * time.Millisecond, 500 * time.Millisecond} {
		_, err = startWithin(t, patience, backend.Spec{Servers: 3})
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.Len(t, ours(t), before)
	}
}
