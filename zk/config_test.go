package zk

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestParseConfig(t *testing.T) {
	text := "server.1=zk1:2888:3888:participant;0.0.0.0:2181\n" +
		"server.2=10.0.0.2:2888:3888|192.168.0.2:2889:3889:observer;2182\n" +
		"server.3=[::1]:2888:3888:participant;[::]:2183\n" +
		"server.4=zk4:2888:3888:participant\n" +
		"server.5=zk5:1:2:participant;front:2185;0.0.0.0:2281\n" +
		"group.1=1:2:3\n" +
		"version=100000a0f"
	c, err := ParseConfig([]byte(text))
	require.NoError(t, err)
	require.EqualValues(t, 0x100000a0f, c.Version)
	require.Equal(t, []string{"group.1=1:2:3"}, c.Other)
	require.Equal(t, []Member{
		{ID: 1, Peers: []PeerAddr{{"zk1", 2888, 3888}}, Role: Participant, ClientHost: "0.0.0.0", ClientPort: 2181},
		{ID: 2, Peers: []PeerAddr{{"10.0.0.2", 2888, 3888}, {"192.168.0.2", 2889, 3889}}, Role: Observer, ClientPort: 2182},
		{ID: 3, Peers: []PeerAddr{{"::1", 2888, 3888}}, Role: Participant, ClientHost: "::", ClientPort: 2183},
		{ID: 4, Peers: []PeerAddr{{"zk4", 2888, 3888}}, Role: Participant},
		{ID: 5, Peers: []PeerAddr{{"zk5", 1, 2}}, Role: Participant, ClientHost: "front", ClientPort: 2185, SecureHost: "0.0.0.0", SecurePort: 2281},
	}, c.Members)
	require.Equal(t, "zk1:2181,10.0.0.2:2182,[::1]:2183,front:2185", c.ConnectString())
	require.Equal(t, "zk5:2281", c.Members[4].SecureAddr())
	require.Empty(t, c.Members[3].ClientAddr())
	require.Equal(t, text, c.String())
	m, ok := c.Member(3)
	require.True(t, ok)
	require.Equal(t, "[::1]:2183", m.ClientAddr())
	_, ok = c.Member(9)
	require.False(t, ok)

	c, err = ParseConfig(nil)
	require.NoError(t, err, "of a server alone")
	require.Empty(t, c.Members)
	require.Empty(t, c.String())
	require.Empty(t, c.ConnectString())

	c, err = ParseConfig([]byte("server.1=a:1:2:participant\nversion=0"))
	require.NoError(t, err)
	require.Empty(t, c.ConnectString(), "ports of clients are in zoo.cfg")

	require.Equal(t, "server.4=zk4:2888:3888:participant;2181",
		Member{ID: 4, Peers: []PeerAddr{{"zk4", 2888, 3888}}, ClientPort: 2181}.String())
}

func TestConfigsThatAreNone(t *testing.T) {
	for _, line := range []string{
		"server.x=a:1:2", "server.1", "server.1=", "server.1=a", "server.1=a:1", "server.1=a:1:99999", "server.1=:1:2",
		"server.1=a:1:2;b", "server.1=a:1:2;0", "server.1=a:1:2;1;2;3", "server.1=a:1:2|b:1", "version=xyz", "server.1=a:1:2:leader",
	} {
		_, err := ParseConfig([]byte(line))
		require.Error(t, err, line)
	}
}

func FuzzParseConfig(f *testing.F) {
	f.Add("server.1=zk1:2888:3888:participant;0.0.0.0:2181\nversion=100000a0f")
	f.Add("server.2=10.0.0.2:2888:3888|[::1]:2889:3889:observer;[::]:2182;1\ngroup.1=1")
	f.Fuzz(func(t *testing.T, text string) {
		c, err := ParseConfig([]byte(text))
		if err != nil {
			return
		}
		c.ConnectString()
		again, err := ParseConfig([]byte(c.String()))
		require.NoError(t, err)
		require.Equal(t, c.Members, again.Members)
	})
}
