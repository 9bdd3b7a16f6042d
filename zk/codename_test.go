package zk

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestNamesOfCodes(t *testing.T) {
	require.Equal(t, "NoNode", ErrNoNode.Name())
	require.Equal(t, "-999", Code(-999).Name())
	seen := map[string]bool{}
	for code := Code(-130); code <= 0; code++ {
		name := code.Name()
		require.False(t, seen[name], name)
		seen[name] = true
	}
}
