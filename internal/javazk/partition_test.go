package javazk

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/internal/backend"
	"github.com/zookit/zookit/zk"
)

// quick has silent peers noticed after 1 s.
func quick() backend.Spec { return backend.Spec{Servers: 3, Config: []string{"syncLimit=5"}} }

// A follower that hears nobody serves what it has, then drops its clients.
func TestIsolatedFollower(t *testing.T) {
	everywhere(t, func(t *testing.T, choose chooser) {
		c := start(t, quick(), choose)
		leader := c.leader(t)
		follower := (leader + 1) % 3
		writer := client(t, c.members[leader])
		_, _, err := writer.Create(soon(t), "/a", []byte("v1"), zk.Persistent)
		require.NoError(t, err)
		reader := client(t, c.members[follower])
		require.NoError(t, reader.Sync(soon(t), "/a"))

		require.NoError(t, c.Partition([]int{follower + 1}, others(follower)))
		eventually(t, "the majority goes on", func() bool {
			_, err := writer.Set(soon(t), "/a", []byte("v2"), zk.AnyVersion)
			return err == nil
		})
		data, _, err := reader.Get(soon(t), "/a")
		if err == nil { // It has not given up yet, on whatever machine.
			require.Equal(t, "v1", string(data), "a stale read")
		}
		eventually(t, "the follower gives up", func() bool { return c.modes(t.Context())[follower] == "" })
		require.NotEqual(t, follower, c.leader(t))

		healed := time.Now()
		require.NoError(t, c.Heal())
		eventually(t, "the follower is back", func() bool { return c.modes(t.Context())[follower] == "follower" })
		t.Logf("back after %v", time.Since(healed))
		eventually(t, "what the majority wrote is there", func() bool {
			if reader.Sync(soon(t), "/a") != nil {
				return false
			}
			data, _, err := reader.Get(soon(t), "/a")
			return err == nil && string(data) == "v2"
		})
	})
}

// A leader that hears nobody steps back, the others elect one of them, and
// what it could not get acknowledged is gone for good.
func TestIsolatedLeader(t *testing.T) {
	everywhere(t, func(t *testing.T, choose chooser) {
		c := start(t, quick(), choose)
		old := c.leader(t)
		cut := client(t, c.members[old])

		require.NoError(t, c.Partition(others(old)))
		_, _, err := cut.Create(soon(t), "/lost", nil, zk.Persistent)
		require.ErrorIs(t, err, zk.ErrConnectionLoss)
		eventually(t, "another leader", func() bool {
			i := slices.Index(c.modes(t.Context()), "leader")
			return i != -1 && i != old
		})
		require.NoError(t, c.Heal())
		eventually(t, "the old leader follows", func() bool { return c.modes(t.Context())[old] == "follower" })
		there := false
		eventually(t, "the old leader answers again", func() bool {
			if cut.Sync(soon(t), "/") != nil {
				return false
			}
			_, there, err = cut.Exists(soon(t), "/lost")
			return err == nil
		})
		require.False(t, there, "a write without a majority came to stay")
	})
}

func others(i int) (ids []int) {
	for j := range 3 {
		if j != i {
			ids = append(ids, j+1)
		}
	}
	return ids
}

// While they are apart an election among the minority is in vain; this is
// where a relay would leak that did not change what members tell each other.
func TestPartitionFromTheStart(t *testing.T) {
	everywhere(t, func(t *testing.T, choose chooser) {
		c := start(t, quick(), choose)
		for _, m := range c.members {
			require.NoError(t, m.Kill(t.Context()))
		}
		require.NoError(t, c.Partition([]int{1, 2}, []int{3}))
		for _, i := range []int{2, 0, 1} {
			require.NoError(t, c.members[i].Start(soon(t)))
		}
		require.Empty(t, c.modes(t.Context())[2], "a member that is alone serves")
		require.NoError(t, c.Heal())
		eventually(t, "all serve", func() bool { return !slices.Contains(c.modes(t.Context()), "") })
	})
}

func TestPartitionsOfStrangers(t *testing.T) {
	c := start(t, backend.Spec{Servers: 2}, chooseNetwork)
	require.ErrorContains(t, c.Partition([]int{3}), "there is no member 3")
	require.ErrorContains(t, c.Partition([]int{1}, []int{2, 1}), "member 1 is in two groups")
}

func TestWhoCannotBeParted(t *testing.T) {
	c := start(t, backend.Spec{Servers: 3, Reconfig: true}, onLoopback)
	require.ErrorIs(t, c.Partition([]int{1}), backend.ErrUnsupported)
	require.Contains(t, c.Partitioner(), "none: members that can be reconfigured")
	require.Contains(t, c.Partitioner(), "a test wants none")
}

func TestGroups(t *testing.T) {
	for _, tc := range []struct {
		groups [][]int
		want   []int
	}{
		{nil, []int{0, 1, 2, 3}},
		{[][]int{{2, 4}}, []int{0, 1, 2, 1}},
		{[][]int{{3}, {4, 1}}, []int{0, 1, 2, 0}},
		{[][]int{{4, 3, 2, 1}}, []int{0, 0, 0, 0}},
	} {
		got, err := grouped(4, tc.groups)
		require.NoError(t, err)
		require.Equal(t, tc.want, got, "%v", tc.groups)
	}
}
