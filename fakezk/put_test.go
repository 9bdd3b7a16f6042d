package fakezk_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/fakezk"
)

func TestPut(t *testing.T) {
	e := fakezk.New(t)
	require.NoError(t, e.Put("/a/b/c", []byte("x")))
	require.NoError(t, e.Put("/a/b/c", []byte("y")))
	require.NoError(t, e.Put("/a/b/d", nil))
	require.NoError(t, e.Put("/", []byte("root")))
	z, ok := e.Znode("/a/b/c")
	require.True(t, ok)
	require.Equal(t, "y", string(z.Data))
	require.EqualValues(t, 1, z.Version)
	z, _ = e.Znode("/a/b")
	require.EqualValues(t, 2, z.NextSequence, "as many children as there ever were")
	names, _ := e.Children("/a/b")
	require.Equal(t, []string{"c", "d"}, names)
	for _, bad := range []string{"", "a", "/a/", "/a//b", "/a/../b", "/\x01"} {
		require.ErrorContains(t, e.Put(bad, nil), "bad arguments", bad)
	}
}
