package fakezk_test

import (
	"io"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/fakezk"
	"github.com/zookit/zookit/internal/proto"
)

// requireEnded wants the server to end the connection without a word.
func requireEnded(t *testing.T, nc net.Conn) {
	t.Helper()
	rest, err := io.ReadAll(nc)
	require.Empty(t, rest)
	if err != nil {
		netErr := new(net.OpError)
		require.ErrorAs(t, err, &netErr)
		require.False(t, netErr.Timeout(), "the connection is still open")
	}
}

func TestConfiguredLimitOfConnections(t *testing.T) {
	e := fakeLikeJava(t, fakezk.Config("maxCnxns=2"))
	connectRaw(t, e.ConnectString(), 0, nil)
	connectRaw(t, e.ConnectString(), 0, nil)
	requireEnded(t, dialRaw(t, e.ConnectString()).nc)
	e.Expire(e.Sessions()[0].ID)
	require.Eventually(t, func() bool {
		nc, err := net.Dial("tcp", e.ConnectString())
		if err != nil {
			return false
		}
		defer nc.Close()
		nc.SetDeadline(time.Now().Add(time.Second))
		io.WriteString(nc, "mntr")
		answer, _ := io.ReadAll(nc)
		return strings.Contains(string(answer), "zk_connection_rejected\t")
	}, 5*time.Second, 10*time.Millisecond)
}

func TestConfiguredRequestSize(t *testing.T) {
	e := fakeLikeJava(t, fakezk.JVMFlags("-Djute.maxbuffer=100"))
	c := connectRaw(t, e.ConnectString(), 0, nil)
	require.Equal(t, proto.OK, c.create("/short", proto.FlagPersistent))
	c.send(make([]byte, 101))
	requireEnded(t, c.nc)
}

func TestConfiguredAuthentication(t *testing.T) {
	for config, want := range map[string]proto.Code{
		"enforce.auth.enabled=true\nenforce.auth.schemes=digest": proto.SessionClosedRequireSASL,
		"enforce.auth.enabled=true\nenforce.auth.schemes=ip":     proto.OK,
		"sessionRequireClientSASLAuth=true":                      proto.SessionClosedRequireSASL,
		"enforce.auth.schemes=digest":                            proto.OK,
	} {
		e := fakeLikeJava(t, fakezk.Config(config))
		c := connectRaw(t, e.ConnectString(), 0, nil)
		require.Equal(t, want, c.create("/node", proto.FlagPersistent), config)
	}
}

func TestConfiguredIdleTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := fakezk.New(t, fakezk.Config("nio.sessionlessCnxnTimeout=300", "4lw.commands.whitelist=*"))
		nc, err := e.DialContext(t.Context(), "tcp", e.ConnectString())
		require.NoError(t, err)
		defer nc.Close()
		begin := time.Now()
		_, err = nc.Read(make([]byte, 1))
		require.Error(t, err)
		require.Greater(t, time.Since(begin), 300*time.Millisecond)
		require.LessOrEqual(t, time.Since(begin), 600*time.Millisecond)

		nc, err = e.DialContext(t.Context(), "tcp", e.ConnectString())
		require.NoError(t, err)
		defer nc.Close()
		_, err = io.WriteString(nc, "mntr")
		require.NoError(t, err)
		answer, err := io.ReadAll(nc)
		require.NoError(t, err)
		require.Contains(t, string(answer), "zk_sessionless_connections_expired\t1\n")
		require.Contains(t, string(answer), "zk_uptime\t600\n")
	})
}
