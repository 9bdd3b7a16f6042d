package fakezk_test

import (
	"testing"
	"time"

	gozk "github.com/go-zookeeper/zk"
	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/fakezk"
)

func TestSmoke(t *testing.T) {
	e, err := fakezk.Listen()
	require.NoError(t, err)
	defer e.Close()
	c, ev, err := gozk.Connect([]string{e.ConnectString()}, 10*time.Second)
	require.NoError(t, err)
	defer c.Close()
	_ = ev
	p, err := c.Create("/a", []byte("x"), 0, gozk.WorldACL(31))
	require.NoError(t, err)
	require.Equal(t, "/a", p)
	d, st, w, err := c.GetW("/a")
	require.NoError(t, err)
	require.Equal(t, "x", string(d))
	require.EqualValues(t, 0, st.Version)
	_, err = c.Set("/a", []byte("y"), 0)
	require.NoError(t, err)
	require.Equal(t, "/a", (<-w).Path)
	for range 3 {
		_, err = c.Create("/a/s-", nil, 3, gozk.WorldACL(31))
		require.NoError(t, err)
	}
	kids, _, err := c.Children("/a")
	require.NoError(t, err)
	require.Equal(t, []string{"s-0000000000", "s-0000000001", "s-0000000002"}, kids)
	t.Log(e.Dump())
}
