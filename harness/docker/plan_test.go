package docker

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/internal/backend"
)

func TestPlan(t *testing.T) {
	p, err := planOf(backend.Spec{
		Servers: 1, Observers: 1, TickTime: time.Second, AdminServer: true, JVMFlags: []string{"-Da=b"},
		Fronts: []string{"127.0.0.1:4001", "127.0.0.1:4002"},
		Config: []string{"syncLimit = 7", "  # no", "", "a.b=c d\te"},
	})
	require.NoError(t, err)
	require.Equal(t, "zookeeper:3.9", p.image)
	one, two := p.members[0], p.members[1]
	require.Equal(t, "1", one.env["ZOO_MY_ID"])
	require.Equal(t, "1000", one.env["ZOO_TICK_TIME"])
	require.Equal(t, "server.1=zk1:2888:3888:participant;4001 server.2=zk2:2888:3888:observer;4002", one.env["ZOO_SERVERS"])
	require.Equal(t, one.env["ZOO_SERVERS"], two.env["ZOO_SERVERS"])
	require.Equal(t, `quorumListenOnAllIPs=true syncLimit=7 a.b=c\u0020d\u0009e`, one.env["ZOO_CFG_EXTRA"])
	require.Equal(t, "peerType=observer "+one.env["ZOO_CFG_EXTRA"], two.env["ZOO_CFG_EXTRA"])
	require.True(t, strings.HasSuffix(one.env["JVMFLAGS"], " -Da=b"), "those of the test come last")
	require.Equal(t, map[backend.Port]uint16{backend.PortClient: 4001, backend.PortAdmin: 8080}, one.ports)
}

func TestPlanRefuses(t *testing.T) {
	for want, spec := range map[string]backend.Spec{
		"1 server or more":           {},
		"0 servers and -1 observers": {Observers: -1},
		"99 members at most":         {Servers: 90, Observers: 10},
		"1 fronts for 3 members":     {Servers: 3, Fronts: []string{"127.0.0.1:1"}},
		`front "nowhere"`:            {Servers: 1, Fronts: []string{"nowhere"}},
		"is not whole milliseconds":  {Servers: 1, TickTime: time.Microsecond},
		`"maybe" is not need`:        {Servers: 1, TLS: &backend.TLS{ClientAuth: "maybe"}},
		"it has no =":                {Servers: 1, Config: []string{"word"}},
		"the image splits flags":     {Servers: 1, JVMFlags: []string{"-Da=b c"}},
		`user "a b": a name has`:     {Servers: 1, Users: map[string]string{"a b": ""}},
		"would expand ${...} in":     {Servers: 1, Users: map[string]string{"bob": "${user.home}"}},
	} {
		_, err := planOf(spec)
		require.ErrorContains(t, err, want)
	}
}

func TestImage(t *testing.T) {
	for _, tc := range []struct{ env, version, want string }{
		{"", "", "zookeeper:3.9"},
		{"", "3.8.6", "zookeeper:3.8.6"},
		{"mine", "3.8", "mine:3.8"},
		{"mine:1", "3.8", "mine:1"},
		{"host:5000/mine", "", "host:5000/mine:3.9"},
		{"host:5000/mine@sha256:00", "", "host:5000/mine@sha256:00"},
	} {
		t.Setenv("ZK_DOCKER_IMAGE", tc.env)
		require.Equal(t, tc.want, image(tc.version))
	}
}

func TestStaying(t *testing.T) {
	c := &cluster{plan: &plan{voters: 5}, members: make([]*member, 7)}
	for _, tc := range []struct {
		groups [][]int
		want   map[int]bool
	}{
		{nil, map[int]bool{}},
		{[][]int{{1, 2}, {3, 4, 5}}, map[int]bool{3: true, 4: true, 5: true}},
		{[][]int{{1, 2}, {3, 4}}, map[int]bool{1: true, 2: true}},
		{[][]int{{3, 6, 7}, {1, 2}}, map[int]bool{1: true, 2: true}}, // observers do not count
	} {
		got, err := c.staying(tc.groups)
		require.NoError(t, err)
		require.Equal(t, tc.want, got, "%v", tc.groups)
	}
}
