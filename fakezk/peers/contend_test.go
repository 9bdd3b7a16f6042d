package peers_test

import (
	"strconv"
	"testing"

	gozk "github.com/go-zookeeper/zk"
	"github.com/stretchr/testify/require"
)

// Locks of kazoo and of go-zookeeper know each other's znodes. If the lock let
// two in at once, counting without a look at versions would lose some.
func TestContendForALock(t *testing.T) {
	t.Parallel()
	kazoo := startKazoo(t)
	contend := step{"contend", []string{`/contend v60 "60"`, `/contend/lock v0 ""`}}
	contend.run(t, func(t *testing.T, srv *server) {
		first := gozkConnect(t, srv)
		defer first.ended()
		_, err := first.Create("/contend", []byte("0"), gozk.FlagPersistent, open)
		require.NoError(t, err)
		first.create("/contend/lock", gozk.FlagPersistent)
		counted := make(chan error, 2)
		for range cap(counted) {
			c := gozkConnect(t, srv)
			defer c.ended()
			go func() { counted <- countLocked(c.Conn) }()
		}
		kazoo.step(t, "contend", srv)
		for range cap(counted) {
			require.NoError(t, <-counted)
		}
	})
}

// countLocked counts to 20.
func countLocked(c *gozk.Conn) error {
	lock := gozk.NewLock(c, "/contend/lock", open)
	for range 20 {
		if err := lock.Lock(); err != nil {
			return err
		}
		data, _, err := c.Get("/contend")
		if err != nil {
			return err
		}
		n, err := strconv.Atoi(string(data))
		if err != nil {
			return err
		}
		if _, err := c.Set("/contend", []byte(strconv.Itoa(n+1)), -1); err != nil {
			return err
		}
		if err := lock.Unlock(); err != nil {
			return err
		}
	}
	return nil
}
