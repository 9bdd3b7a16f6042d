package zk_test

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/harness"
	"github.com/zookit/zookit/zk"
)

// changeable is an ensemble that can be reconfigured, and a client that may.
func changeable(t *testing.T) (*harness.Ensemble, *harness.Client) {
	e := harness.New(t, harness.Java(), harness.Version("3.9.5"), harness.Servers(3), harness.Reconfig(), harness.SuperUser("secret"))
	return e, e.Connect(zk.Auth("digest", []byte("super:secret")))
}

// follower is a member that does not lead.
func follower(t *testing.T, e *harness.Ensemble) *harness.Server {
	leader := e.Leader(t.Context())
	i := slices.IndexFunc(e.Servers(), func(s *harness.Server) bool { return s != leader })
	return e.Servers()[i]
}

func parsedConfig(t *testing.T, data []byte, err error) zk.Config {
	t.Helper()
	require.NoError(t, err)
	c, err := zk.ParseConfig(data)
	require.NoError(t, err)
	return c
}

// texts are the lines of members.
func texts(members []zk.Member) (lines []string) {
	for _, m := range members {
		lines = append(lines, m.String())
	}
	return lines
}

func TestReconfigReal(t *testing.T) {
	e, super := changeable(t)
	ctx := t.Context()
	data, _, err := super.Config(ctx)
	config := parsedConfig(t, data, err)
	require.Len(t, config.Members, 3)
	require.Positive(t, config.Version)
	require.Equal(t, string(data), config.String())
	for _, m := range config.Members {
		require.NotEmpty(t, m.ClientAddr())
	}

	reconfig := func(c *harness.Client, change zk.Reconfiguration) (zk.Config, error) {
		data, _, err := c.Reconfig(ctx, change)
		if err != nil {
			return zk.Config{}, err
		}
		return parsedConfig(t, data, nil), nil
	}
	gone, _ := config.Member(int64(follower(t, e).ID()))
	leave := zk.Reconfiguration{Leaving: []string{strconv.FormatInt(gone.ID, 10)}, From: config.Version}
	_, err = reconfig(e.Connect(), leave)
	require.ErrorIs(t, err, zk.ErrNoAuth)
	_, err = reconfig(super, zk.Reconfiguration{Leaving: leave.Leaving, From: config.Version + 1})
	require.ErrorIs(t, err, zk.ErrBadVersion)
	_, err = reconfig(super, zk.Reconfiguration{Joining: []string{"server.9=127.0.0.1:1:2"}, From: zk.AnyConfig})
	require.ErrorIs(t, err, zk.ErrBadArguments, "there is no port for clients")
	absent := texts(config.Members)[:1]
	for id := range 2 {
		m := zk.Member{ID: int64(8 + id), Peers: []zk.PeerAddr{{Host: "127.0.0.1", Quorum: 1, Election: 2}}, ClientPort: 3}
		absent = append(absent, m.String())
	}
	_, err = reconfig(super, zk.Reconfiguration{Members: absent, From: zk.AnyConfig})
	require.ErrorIs(t, err, zk.ErrNewConfigNoQuorum)

	_, _, w, err := super.ConfigW(ctx)
	require.NoError(t, err)
	less, err := reconfig(super, leave)
	require.NoError(t, err)
	require.Len(t, less.Members, 2)
	require.Greater(t, less.Version, config.Version)
	require.Equal(t, zk.EventNodeDataChanged, receive(t, w).Type)
	_, there := less.Member(gone.ID)
	require.False(t, there)

	again, err := reconfig(super, zk.Reconfiguration{Joining: []string{gone.String()}, From: less.Version})
	require.NoError(t, err)
	require.ElementsMatch(t, config.Members, again.Members, "incremental")
	whole, err := reconfig(super, zk.Reconfiguration{Members: texts(less.Members), From: zk.AnyConfig})
	require.NoError(t, err)
	require.ElementsMatch(t, less.Members, whole.Members, "a list of all")
}

func TestFollowConfigReal(t *testing.T) {
	e, super := changeable(t)
	leaves := follower(t, e)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	data, _, err := super.Config(ctx)
	config := parsedConfig(t, data, err)
	m, ok := config.Member(int64(leaves.ID()))
	require.True(t, ok)

	c := dial(t, m.ClientAddr(), zk.FollowConfig(nil))
	session := c.Session()
	_, _, err = c.Create(ctx, "/followed", nil, zk.Ephemeral)
	require.NoError(t, err)
	moved := func() bool { at := c.Server(); return at != "" && at != m.ClientAddr() }
	// It may have moved already, to spread the load. Then there is nothing to leave.
	_, _, err = super.Reconfig(ctx, zk.Reconfiguration{Leaving: []string{strconv.Itoa(leaves.ID())}, From: zk.AnyConfig})
	require.NoError(t, err)
	require.Eventually(t, moved, 20*time.Second, 10*time.Millisecond)
	leaves.Kill()
	_, there, err := c.Exists(ctx, "/followed")
	require.NoError(t, err)
	require.True(t, there)
	require.Same(t, session, c.Session())
	require.True(t, moved())
	require.True(t, strings.Contains(config.ConnectString(), c.Server()), "%s is one of %s", c.Server(), config.ConnectString())
}
