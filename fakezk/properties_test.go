package fakezk

import (
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/internal/proto"
)

// everyKey is a zoo.cfg with all that a fake heeds, and more that it does not.
const everyKey = `
# The ensemble
tickTime=100
minSessionTimeout=150
maxSessionTimeout=30000
dataDir=/var/lib/zookeeper
dataLogDir=/var/log/zookeeper
clientPort=2281
clientPortAddress=127.0.0.2
maxClientCnxns=5
maxCnxns=50
4lw.commands.whitelist=ruok, stat
extendedTypesEnabled=true
reconfigEnabled=TRUE
skipACL=yes
enforceQuota=true
DigestAuthenticationProvider.superDigest=super:abc\=
nio.sessionlessCnxnTimeout=0x100
enforce.auth.enabled=true
enforce.auth.schemes=digest, ip
clientPortListenBacklog=50
standaloneEnabled=true
initLimit=10
syncLimit=5
peerType=participant
autopurge.purgeInterval=1
autopurge.snapRetainCount=3
admin.enableServer=false
snapCount=1000
forceSync=no
ssl.keyStore.location=/nowhere
serverCnxnFactory=org.apache.zookeeper.server.NettyServerCnxnFactory
authProvider.x509=org.apache.zookeeper.server.auth.X509AuthenticationProvider
metricsProvider.httpPort=7000
server.1=localhost:2888:3888
`

const everyFlag = "-Xmx512m -Djute.maxbuffer=4194304 -Dznode.container.checkIntervalMs=300 " +
	"-Dznode.container.maxPerMinute=60 -Dznode.container.maxNeverUsedIntervalMs=7000 -Dreadonlymode.enabled=true " +
	"-Djava.net.preferIPv4Stack=true -Dzookeeper.maxCnxns=1 -Dzookeeper.admin.serverPort=0"

func TestEveryKeyAndFlag(t *testing.T) {
	file := filepath.Join(t.TempDir(), "zoo.cfg")
	require.NoError(t, os.WriteFile(file, []byte(everyKey), 0o600))
	for name, source := range map[string]Option{
		"lines": Config(strings.Split(everyKey, "\n")...),
		"text":  Config(strings.ReplaceAll(everyKey, "\n", "\r\n")),
		"file":  ConfigFile(file),
	} {
		t.Run(name, func(t *testing.T) {
			c, err := newConfig([]Option{JVMFlags(everyFlag), source})
			require.NoError(t, err)
			require.Empty(t, c.warnings)
			require.Equal(t, 100*time.Millisecond, c.tickTime)
			require.Equal(t, 150*time.Millisecond, c.minTimeout)
			require.Equal(t, 30*time.Second, c.maxTimeout)
			require.Equal(t, "127.0.0.2:2281", c.addr)
			require.Equal(t, 5, c.maxPerHost)
			require.Equal(t, 50, c.maxConns)
			require.Equal(t, map[string]bool{"srvr": true, "ruok": true, "stat": true}, c.fourLetter)
			require.True(t, c.enabled("isro"))
			require.True(t, c.extendedTypes)
			require.True(t, c.reconfig)
			require.True(t, c.skipACL)
			require.True(t, c.enforceQuota)
			require.Equal(t, "super:abc=", c.superDigest)
			require.Equal(t, 256*time.Millisecond, c.idleTimeout)
			require.Equal(t, []string{"digest", "ip"}, c.enforceAuth)
			require.Equal(t, 50, c.backlog)
			require.Equal(t, "/var/lib/zookeeper", c.dataDir)
			require.Equal(t, "/var/log/zookeeper", c.dataLogDir)
			require.Equal(t, 4<<20, c.maxBuffer)
			require.Equal(t, 300*time.Millisecond, c.reapInterval)
			require.Equal(t, 60, c.reapedPerMinute)
			require.Equal(t, 7*time.Second, c.neverUsed)
		})
	}
}

// TestFlagsHaveTheirPrefix sets by flags what a zoo.cfg sets without prefix.
func TestFlagsHaveTheirPrefix(t *testing.T) {
	c, err := newConfig([]Option{JVMFlags(
		"-Dzookeeper.skipACL=no -Dzookeeper.extendedTypesEnabled=true -Dzookeeper.4lw.commands.whitelist=*",
		"-DskipACL=yes", "-Dzookeeper.skipACL=yes", "-Dzookeeper.sessionRequireClientSASLAuth=true")})
	require.NoError(t, err)
	require.True(t, c.skipACL, "the last flag wins")
	require.True(t, c.extendedTypes)
	require.True(t, c.enabled("mntr"))
	require.Equal(t, []string{"sasl"}, c.enforceAuth)
}

func TestDefaultsAreJavas(t *testing.T) {
	c, err := newConfig([]Option{Config("maxSessionTimeout=-1", "minSessionTimeout=-1", "maxClientCnxns=-1", "maxCnxns=-1")})
	require.NoError(t, err)
	require.Equal(t, 3*time.Second, c.tickTime)
	require.Equal(t, 6*time.Second, c.minTimeout)
	require.Equal(t, time.Minute, c.maxTimeout)
	require.Zero(t, c.maxPerHost)
	require.Zero(t, c.maxConns)
	require.Equal(t, proto.MaxBuffer, c.maxBuffer)
	require.Equal(t, -1, c.backlog)
	require.Empty(t, c.addr)
}

func TestLaterOptionsWin(t *testing.T) {
	c, err := newConfig([]Option{TickTime(time.Second), Config("tickTime=5", "tickTime=50", "clientPort=1"), Addr("127.0.0.1:7")})
	require.NoError(t, err)
	require.Equal(t, 50*time.Millisecond, c.tickTime)
	require.Equal(t, "127.0.0.1:7", c.addr)
}

func TestClientAddress(t *testing.T) {
	dynamic := filepath.Join(t.TempDir(), "zoo.cfg.dynamic")
	require.NoError(t, os.WriteFile(dynamic, []byte("server.1=localhost:2888:3888:participant;127.0.0.1:2190\n"), 0o600))
	for _, test := range []struct{ lines, want string }{
		{"dataDir=/x", ""},
		{"clientPort=2181", ":2181"},
		{"clientPort=0\nclientPortAddress=localhost", "localhost:0"},
		{"clientPort=2181\nclientPortAddress=::1", "[::1]:2181"},
		{"server.1=localhost:2888:3888;2181", ":2181"},
		{"server.3=localhost:2888:3888:participant;0.0.0.0:2181", ":2181"},
		{"server.1=[::1]:2888:3888;[::1]:2181", "[::1]:2181"},
		{"clientPort=2181\nserver.1=localhost:2888:3888;10.0.0.1:2181", "10.0.0.1:2181"},
		{"clientPort=2181\nserver.1=localhost:2888:3888", ":2181"},
		{"dynamicConfigFile=" + dynamic, "127.0.0.1:2190"},
	} {
		c, err := newConfig([]Option{Config(test.lines)})
		require.NoError(t, err, test.lines)
		require.Equal(t, test.want, c.addr, test.lines)
	}
}

func TestBadConfiguration(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		return path
	}
	two := write("two", "server.1=a:1:2;3\nserver.2=b:1:2;3\n")
	for _, test := range []struct{ lines, want string }{
		{"\ntickTime=soon", "line 2: tickTime=soon: want a whole number of milliseconds, at least 1"},
		{"tickTime=0", "line 1: tickTime=0: want"},
		{"tickTime=9999999999", "line 1: tickTime=9999999999: want"},
		{"maxSessionTimeout=0", "line 1: maxSessionTimeout=0: want a whole number of milliseconds, at least 1"},
		{"minSessionTimeout=9\nmaxSessionTimeout=8", "the minimum 9ms is above the maximum 8ms"},
		{"maxClientCnxns=many", "maxClientCnxns=many: want a whole number, at least -2147483648"},
		{"reconfigEnabled=yes", "line 1: reconfigEnabled=yes: want true or false"},
		{"skipACL=true", "line 1: skipACL=true: want yes or no"},
		{"initLimit=x", "line 1: initLimit=x: want"},
		{"clientPort=70000", "line 1: clientPort=70000: want a port, 0 to 65535"},
		{"clientPortAddress=localhost", "clientPortAddress is set, but clientPort is not"},
		{"secureClientPort=2182", "line 1: secureClientPort=2182: needs ssl.keyStore.location"},
		{"secureClientPort=x", "line 1: secureClientPort=x: want a port"},
		{"secureClientPortAddress=::1", "secureClientPortAddress is set, but secureClientPort is not"},
		{"client.portUnification=true", "line 1: client.portUnification=true: needs ssl.keyStore.location"},
		{"client.portUnification=perhaps", "want true or false"},
		{"ssl.authProvider=mine", "fakezk can do nothing but x509"},
		{"authProvider.1=com.example.Mine", "fakezk knows the providers of digest, ip, sasl and x509"},
		{"DigestAuthenticationProvider.enabled=false", "fakezk can do nothing but true"},
		{"DigestAuthenticationProvider.digestAlg=SHA3-256", "fakezk can do nothing but SHA1"},
		{"enforce.auth.enabled=true", "enforce.auth.schemes is not set"},
		{"enforce.auth.enabled=true\nenforce.auth.schemes=kerberos", `scheme "kerberos"`},
		{"server.1=a:1:2;3\nserver.2=b:1:2;3\nserver.3=c:1:2;3", "line 2: 3 servers: fakezk does not have ensembles yet"},
		{"dynamicConfigFile=" + two, two + ":2: 2 servers: fakezk does not have ensembles yet"},
		{"dynamicConfigFile=" + two + "\nserver.1=a:1:2", "must be in the dynamic configuration file"},
		{"dynamicConfigFile=" + dir + "/none", "no such file"},
		{"dynamicConfigFile=" + write("other", "tickTime=5"), "lines of servers alone"},
		{"server.1=a:1;3", "want host:port:port"},
		{"server.1=a:1:2;x", "want a port"},
		{"server.one=a:1:2", "want a number behind the point"},
		{"server.1=a:1:2:observer;3", "an observer needs participants"},
		{"group.1=1:2", "fakezk does not have ensembles yet"},
		{"standaloneEnabled=false", "not even of one server"},
		{"clientPort=5\nserver.1=a:1:2;6", "line 2: server.1=a:1:2;6: its client address is not that of clientPort=5 (line 1)"},
	} {
		_, err := newConfig([]Option{Config(test.lines)})
		require.ErrorContains(t, err, test.want, test.lines)
	}
	_, err := newConfig([]Option{ConfigFile(write("zoo.cfg", "tickTime=5\nmaxSessionTimeout=x"))})
	require.ErrorContains(t, err, filepath.Join(dir, "zoo.cfg")+":2: maxSessionTimeout=x: want")
	_, err = newConfig([]Option{ConfigFile(filepath.Join(dir, "none"))})
	require.ErrorIs(t, err, os.ErrNotExist)
	_, err = newConfig([]Option{JVMFlags("-Djute.maxbuffer=big")})
	require.ErrorContains(t, err, "fakezk: JVM flag: jute.maxbuffer=big: want a whole number, at least 1")
	_, err = newConfig([]Option{Config("tickTime=a", "syncLimit=b")})
	require.ErrorContains(t, err, "tickTime=a")
	require.ErrorContains(t, err, "syncLimit=b", "all that is wrong is told at once")
}

// TestWarnings has keys that do nothing here, told in the log.
func TestWarnings(t *testing.T) {
	var log strings.Builder
	e, err := Listen(Logger(slog.New(slog.NewTextHandler(&log, nil))), JVMFlags("-Dzookeeper.globalOutstandingLimit=3"),
		Config("tikTime=5", "jute.maxbuffer=5", "znode.container.checkIntervalMs=5", "zookeeper.skipACL=yes"))
	require.NoError(t, err)
	require.NoError(t, e.Close())
	for _, want := range []string{
		"globalOutstandingLimit=3: is ignored: a fake throttles nothing",
		"line 1: tikTime=5: is not known",
		"line 2: jute.maxbuffer=5: has no effect in a zoo.cfg",
		"line 3: znode.container.checkIntervalMs=5: has no effect",
		"line 4: zookeeper.skipACL=yes: has no effect",
	} {
		require.Contains(t, log.String(), want)
	}
	require.Equal(t, proto.MaxBuffer, e.cfg.maxBuffer)
	require.False(t, e.cfg.skipACL)
}

func TestParseProperties(t *testing.T) {
	const text = "# no\n! no\n\n  a = 1 \nb:2\nc 3\nd\\ e=4\nf=5\\\n   6\ng=\\u0041\\tB\\\\\na:7\nh\ni=j=k:l\n\\#m=8\nn=\\"
	got := map[string]string{}
	for _, s := range parseProperties("file:", text) {
		got[s.key] = s.value + "@" + s.at
	}
	require.Equal(t, map[string]string{
		"b": "2@file:5", "c": "3@file:6", "d e": "4@file:7", "f": "56@file:8", "g": "A\tB\\@file:10", "a": "7@file:11",
		"h": "@file:12", "i": "j=k:l@file:13", "#m": "8@file:14", "n": "\\@file:15",
	}, got)
}

func FuzzParseProperties(f *testing.F) {
	f.Add(everyKey)
	f.Add("a\\")
	f.Add("a=\\u12")
	f.Fuzz(func(t *testing.T, text string) {
		for _, s := range parseProperties("", text) {
			require.NotEmpty(t, s.at)
		}
	})
}

// TestMemoryAddress gives an ensemble in memory a configuration for TCP.
func TestMemoryAddress(t *testing.T) {
	require.Equal(t, "127.0.0.1:2181", New(t, Config("clientPort=2181")).ConnectString())
	require.Equal(t, "10.0.0.1:2181", New(t, Config("clientPort=2181", "clientPortAddress=10.0.0.1")).ConnectString())
	require.NotEmpty(t, New(t, Config("clientPort=0")).ConnectString())
	all, err := Listen(Config("clientPort=0"))
	require.NoError(t, err)
	defer all.Close()
	require.Regexp(t, `^127\.0\.0\.1:\d+$`, all.ConnectString())
}
