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
		"a":                        {[]string{"a:2181"}, ""},
		"a:99":                     {[]string{"a:99"}, ""},
		"a/":                       {[]string{"a:2181"}, ""},
		"a, b:1 ,c/x/y":            {[]string{"a:2181", "b:1", "c:2181"}, "/x/y"},
		"[::1]:2182":               {[]string{"[::1]:2182"}, ""},
		"[::1],[fe80::1%eth0]:9":   {[]string{"[::1]:2181", "[fe80::1%eth0]:9"}, ""},
		"::1/x":                    {[]string{"[::1]:2181"}, "/x"},
		"fe80::1,a":                {[]string{"[fe80::1]:2181", "a:2181"}, ""},
		"A.Example.COM,b-1_x":      {[]string{"A.Example.COM:2181", "b-1_x:2181"}, ""},
		"a,a:2181,b,a":             {[]string{"a:2181", "b:2181"}, ""},
		" a ,\tb":                  {[]string{"a:2181", "b:2181"}, ""},
		"_zk._tcp.example.com,a/x": {[]string{"_zk._tcp.example.com", "a:2181"}, "/x"},
		"_odd-host,_x.y":           {[]string{"_odd-host:2181", "_x.y:2181"}, ""},
		"10.0.0.1,10.0.0.2:7":      {[]string{"10.0.0.1:2181", "10.0.0.2:7"}, ""},
	} {
		hosts, chroot, err := parseConnect(connect)
		require.NoError(t, err, connect)
		require.Equal(t, want.hosts, hosts, connect)
		require.Equal(t, want.chroot, chroot, connect)
	}
}

func TestHostsAreShuffledOnce(t *testing.T) {
	round := func(c *client) (order string) {
		for host, ok := c.hosts.next(); ok; host, ok = c.hosts.next() {
			order += host
		}
		c.hosts.again()
		return order
	}
	orders := make(map[string]bool)
	for seed := range uint64(100) {
		c := newClient(config{seed: seed}, []string{"a", "b", "c"})
		order := round(c)
		require.Equal(t, order, round(c), "round robin")
		again := newClient(config{seed: seed}, []string{"a", "b", "c"})
		require.Equal(t, order, round(again), "a seed repeats")
		orders[order] = true
	}
	require.Len(t, orders, 6)
}

func TestConnectStringsThatAreNone(t *testing.T) {
	for connect, want := range map[string]string{
		"":                         "server 1 of the connect string: it is empty",
		"a,":                       "server 2 of the connect string: it is empty",
		"a,,b":                     "server 2 of the connect string: it is empty",
		"/app":                     "server 1 of the connect string: it is empty",
		"zk://a:2181":              `host "zk:"`,
		"a b":                      `host "a b" has a character that no host has`,
		"user@a":                   "has a character",
		"a:":                       `port "" is not between 1 and 65535`,
		"a:1:2":                    "too many colons",
		"[a]":                      "no address of IPv6",
		"[a]:1":                    "no address of IPv6",
		"[::1":                     `host "[::1"`,
		"::1]":                     `host "::1]"`,
		"a]":                       `host "a]"`,
		"[]:1":                     "has no name",
		"_zookeeper._tcp.a.org:99": "has ports of its own",
		"a/x,b/y/":                 "chroot",
	} {
		_, _, err := parseConnect(connect)
		require.ErrorContains(t, err, want, connect)
	}
}
