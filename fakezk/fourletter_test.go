package fakezk_test

import (
	"io"
	"net"
	"regexp"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/fakezk"
	"github.com/zookit/zookit/internal/proto"
)

// TestWordFormats holds what a real 3.9.5 prints, where there is none to ask.
func TestWordFormats(t *testing.T) {
	e := fakeLikeJava(t)
	c := connectRaw(t, e.ConnectString(), 0, nil)
	require.Equal(t, proto.OK, c.create("/node", proto.FlagEphemeral))
	require.Equal(t, proto.OK, c.read(proto.OpGetData, "/node", true))
	const version = `3\.9\.5-[0-9a-f]{40}, built on \d{4}-\d\d-\d\d \d\d:\d\d UTC`
	const stats = `Latency min/avg/max: 0/0\.0/0\nReceived: \d+\nSent: \d+\nConnections: 2\nOutstanding: 0\n` +
		`Zxid: 0x2\nMode: standalone\nNode count: 6\n`
	for word, want := range map[string]string{
		"ruok": `imok`,
		"isro": `rw`,
		"gtmk": `306`,
		"hash": ``,
		"dirs": `datadir_size: 0\nlogdir_size: 0\n`,
		"srvr": `Zookeeper version: ` + version + `\n` + stats,
		"stat": `Zookeeper version: ` + version + `\nClients:\n` +
			` /127\.0\.0\.1:\d+\[1\]\(queued=0,recved=3,sent=3\)\n /127\.0\.0\.1:\d+\[0\]\(queued=0,recved=1,sent=0\)\n\n` + stats,
		"cons": ` /127\.0\.0\.1:\d+\[1\]\(queued=0,recved=3,sent=3,sid=0x1[0-9a-f]{14},lop=GETD,est=\d{13},to=4000,` +
			`lcxid=0x2,lzxid=0x2,lresp=\d+,llat=0,minlat=0,avglat=0,maxlat=0\)\n` +
			` /127\.0\.0\.1:\d+\[0\]\(queued=0,recved=1,sent=0\)\n\n`,
		"conf": `clientPort=\d+\nsecureClientPort=-1\ndataDir=\ndataDirSize=0\ndataLogDir=\ndataLogSize=0\ntickTime=200\n` +
			`maxClientCnxns=0\nminSessionTimeout=400\nmaxSessionTimeout=4000\nclientPortListenBacklog=-1\nserverId=0\n`,
		"dump": `SessionTracker dump:\nSession Sets \(1\)/\(1\):\n1 expire at .*:\n\t0x[0-9a-f]+\n` +
			`ephemeral nodes dump:\nSessions with Ephemerals \(1\):\n0x[0-9a-f]+:\n\t/node\n` +
			`Connections dump:\nConnections Sets \(\d\)/\(2\):\n(\d expire at .*:\n(\tip: /127\.0\.0\.1:\d+ sessionId: 0x[0-9a-f]+\n)+)+`,
		"wchs": `1 connections watching 1 paths\nTotal watches:1\n`,
		"wchc": `0x[0-9a-f]+\n\t/node\n\n`,
		"wchp": `/node\n\t0x[0-9a-f]+\n\n`,
		"envi": `Environment:\nzookeeper\.version=` + version + `\nhost\.name=(.*\n)+os\.memory\.total=\d+MB\n`,
		"mntr": `zk_version\t` + version + `\nzk_server_state\tstandalone\n(zk_\w+\t-?[0-9.]+\n)+`,
	} {
		require.Regexp(t, regexp.MustCompile(`\A`+want+`\z`), ask(t, e.ConnectString(), word), word)
	}
}

// TestKazooReadsVersion does as kazoo's server_version, which takes the digits
// of zookeeper.version in envi.
func TestKazooReadsVersion(t *testing.T) {
	answer := ask(t, fakeLikeJava(t).ConnectString(), "envi")
	version := regexp.MustCompile(`(?m)^zookeeper\.version=([\d.]*).*$`).FindStringSubmatch(answer)
	require.Equal(t, "3.9.5", version[1])
}

func TestOnlySrvrIsEnabledByDefault(t *testing.T) {
	e, err := fakezk.Listen()
	require.NoError(t, err)
	defer e.Close()
	require.Contains(t, ask(t, e.ConnectString(), "srvr"), "Mode: standalone\n")
	for _, word := range []string{"ruok", "isro", "mntr", "stat", "envi"} {
		require.Equal(t, word+" is not executed because it is not in the whitelist.\n", ask(t, e.ConnectString(), word))
	}
}

// TestWordsInPieces has bytes that come one by one, and too few.
func TestWordsInPieces(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := fakezk.New(t, fakezk.FourLetterWords("*"))
		for _, test := range []struct{ sent, want string }{
			{"ruok", "imok"},
			{"stmk\x00\x00\x00\x00\x00\x00\x00\x07", "7"},
			{"stmk\x00\x00\x00", ""},
			{"\xff\xf4\xff\xfd", ""},
			{"ruo", ""}, // ends as a connection without a session
		} {
			nc, err := e.DialContext(t.Context(), "tcp", e.ConnectString())
			require.NoError(t, err)
			for _, b := range []byte(test.sent) {
				_, err := nc.Write([]byte{b})
				require.NoError(t, err)
				time.Sleep(time.Millisecond)
			}
			answer, err := io.ReadAll(nc)
			require.NoError(t, err)
			require.Equal(t, test.want, string(answer), "%q", test.sent)
			nc.Close()
		}
	})
}

func TestAfterHandshakeWordsAreLengths(t *testing.T) {
	e := fakeLikeJava(t)
	c := connectRaw(t, e.ConnectString(), 0, nil)
	_, err := io.WriteString(c.nc, "ruok")
	require.NoError(t, err)
	answer, err := io.ReadAll(c.nc)
	require.Empty(t, answer)
	if err != nil {
		require.ErrorAs(t, err, new(*net.OpError)) // a reset says it as well
	}
}

func TestRestartBeginsStatsAnew(t *testing.T) {
	e := fakeLikeJava(t)
	addr := e.ConnectString()
	connectRaw(t, addr, 0, nil)
	ask(t, addr, "stmk\x00\x00\x00\x00\x00\x00\x00\x01")
	require.NoError(t, e.Servers()[0].Restart())
	require.Contains(t, ask(t, addr, "srvr"), "Received: 1\nSent: 0\nConnections: 1\n")
	require.Equal(t, "306", ask(t, addr, "gtmk"))
	require.Contains(t, ask(t, addr, "mntr"), "zk_global_sessions\t1\n")
}
