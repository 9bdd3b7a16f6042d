package docker

import (
	"os"
	"os/exec"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestOwner(t *testing.T) {
	me := self()
	require.False(t, me.gone())
	parsed, ok := parseOwner(me.String())
	require.True(t, ok)
	require.Equal(t, me, parsed)
	for _, bad := range []string{"", "a b", "a b c", "a 0 c", "a 1 2 3"} {
		_, ok := parseOwner(bad)
		require.False(t, ok, bad)
	}

	cmd := exec.Command(os.Args[0], "-test.run=^$")
	require.NoError(t, cmd.Run())
	ended := owner{me.machine, cmd.Process.Pid, "1"}
	require.True(t, ended.gone())
	ended.machine = "elsewhere"
	require.False(t, ended.gone(), "nobody knows of another machine")
	if me.start != "" {
		require.True(t, owner{me.machine, me.pid, "1"}.gone(), "a process that had the same id before")
	}
}
