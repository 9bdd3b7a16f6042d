package zk

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestParseConnect(t *testing.T) {
	for connect, want := range map[string]struct {
		hosts  []string
		chroot string
	}{
		"a":                      {[]string{"a:2181"}, ""},
		"a:99":                   {[]string{"a:99"}, ""},
		"a/":                     {[]string{"a:2181"}, ""},
		"a, b:1 ,c/x/y":          {[]string{"a:2181", "b:1", "c:2181"}, "/x/y"},
		"[::1]:2182":             {[]string{"[::1]:2182"}, ""},
		"[::1],[fe80::1%eth0]:9": {[]string{"[::1]:2181", "[fe80::1%eth0]:9"}, ""},
		"::1/x":                  {[]string{"[::1]:2181"}, "/x"},
		"10.0.0.1,10.0.0.2:7":    {[]string{"10.0.0.1:2181", "10.0.0.2:7"}, ""},
	} {
		hosts, chroot, err := parseConnect(connect)
		require.NoError(t, err, connect)
		require.Equal(t, want.hosts, hosts, connect)
		require.Equal(t, want.chroot, chroot, connect)
	}
}

func TestHostsAreShuffledOnce(t *testing.T) {
	orders := make(map[string]bool)
	for seed := range uint64(100) {
		c := newClient(config{seed: seed}, []string{"a", "b", "c"})
		order := c.hosts.next() + c.hosts.next() + c.hosts.next()
		require.Equal(t, order, c.hosts.next()+c.hosts.next()+c.hosts.next(), "round robin")
		again := newClient(config{seed: seed}, []string{"a", "b", "c"})
		require.Equal(t, order, again.hosts.next()+again.hosts.next()+again.hosts.next(), "a seed repeats")
		orders[order] = true
	}
	require.Len(t, orders, 6)
}
