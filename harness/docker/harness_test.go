package docker_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/harness"
	"github.com/zookit/zookit/zk"
)

// The harness itself, in containers.
func TestDockerHarness(t *testing.T) {
	e := harness.New(t, harness.Docker(), harness.Servers(3), harness.Reconfig(), harness.Config(longSessions))
	c := e.Connect(zk.SessionTimeout(bootTime))
	_, _, err := c.Create(t.Context(), "/e", []byte("v"), zk.Ephemeral)
	require.NoError(t, err)
	e.WantEphemeral("/e", c.Session())

	leader := e.Leader(t.Context())
	leader.Kill()
	require.NotEqual(t, leader.ID(), e.Leader(t.Context()).ID())
	leader.Start()
	e.AwaitData("/e", "v")

	follower := e.Servers()[0]
	if follower == e.Leader(t.Context()) {
		follower = e.Servers()[1]
	}
	var rest []*harness.Server
	for _, s := range e.Servers() {
		if s != follower {
			rest = append(rest, s)
		}
	}
	e.Partition(rest)
	await(t, "the follower does not serve", func() bool { return follower.Role(t.Context()) == "" })
	e.Heal()
	await(t, "the follower follows", func() bool { return follower.Role(t.Context()) == "follower" })

	var config []byte
	await(t, "the config is read", func() bool {
		config, _, err = c.Config(t.Context())
		return err == nil
	})
	for _, s := range e.Servers() {
		require.Contains(t, string(config), s.Addr()[len("127.0.0.1"):], "members tell of their fronts' ports")
	}
	c.Expire()
	e.WantNoNode("/e")
}
