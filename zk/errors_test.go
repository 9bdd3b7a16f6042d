package zk

import (
	"fmt"
	"io/fs"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestCodes(t *testing.T) {
	require.EqualError(t, ErrNoNode, "node does not exist")
	require.EqualError(t, Code(-999), "error code -999")
	wrapped := fmt.Errorf("mine: %w", &Error{Op: "get", Path: "/a", Err: ErrNoAuth})
	require.ErrorIs(t, wrapped, ErrNoAuth)
	require.ErrorIs(t, wrapped, fs.ErrPermission)
	require.NotErrorIs(t, wrapped, fs.ErrExist)
	require.NotErrorIs(t, ErrNotEmpty, fs.ErrExist)
}

func TestNames(t *testing.T) {
	for want, v := range map[string]fmt.Stringer{
		"Suspended":           Suspended,
		"State(99)":           State(99),
		"EphemeralSequential": EphemeralSequential,
		"CreateMode(-1)":      CreateMode(-1),
		"cdrwa":               PermAll,
		"cr":                  PermRead | PermCreate,
		"":                    Perm(0),
		"Perm(64)":            Perm(64),
		"Recursive":           WatchRecursive,
		"WatchMode(2)":        WatchMode(2),
		"Any":                 KindAny,
		"WatchKind(0)":        WatchKind(0),
		"NodeDeleted":         EventNodeDeleted,
		"Resync":              EventResync,
		"EventType(99)":       EventType(99),
	} {
		require.Equal(t, want, v.String())
	}
}
