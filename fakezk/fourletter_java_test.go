package fakezk_test

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	gozk "github.com/go-zookeeper/zk"
	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/fakezk"
	"github.com/zookit/zookit/internal/javazk"
	"github.com/zookit/zookit/internal/proto"
)

// wordsAfterScript runs the same small session against a server and asks every
// word. What differs from run to run is given names.
func wordsAfterScript(t *testing.T, addr string) map[string]string {
	t.Helper()
	answers := map[string]string{}
	ok := func(code proto.Code) {
		t.Helper()
		require.Equal(t, proto.OK, code)
	}
	answers["srst"] = ask(t, addr, "srst") // from here on both count alike

	a := connectRaw(t, addr, 0, nil)
	ok(a.create("/app", proto.FlagPersistent))
	ok(a.create("/app/member", proto.FlagEphemeral))
	ok(a.create("/app/other", proto.FlagEphemeral))
	require.Equal(t, proto.NodeExists, a.create("/app", proto.FlagPersistent))
	ok(a.read(proto.OpGetData, "/app", true))
	ok(a.read(proto.OpGetChildren, "/app", true))
	require.Equal(t, proto.NoNode, a.read(proto.OpExists, "/none", true))
	ok(a.addWatch("/persistent", proto.WatchPersistent))
	ok(a.addWatch("/recursive", proto.WatchPersistentRecursive))
	ok(a.addWatch("/none", proto.WatchPersistentRecursive))

	b := connectRaw(t, addr, 0, nil)
	ok(b.set("/app", "longer data"))
	require.Equal(t, proto.XidNotify, a.header().Xid) // the event
	ok(b.read(proto.OpGetData, "/app", true))
	ok(a.create("/gone", proto.FlagEphemeral))
	ok(a.call(proto.OpDelete, proto.PathVersion{Path: "/gone", Version: -1}.AppendTo(nil)))
	b.nc.Close()
	awaitConnections(t, addr, 2) // a's, and the question's
	resumed := connectRaw(t, addr, b.session, b.password)
	require.Equal(t, b.session, resumed.session)

	failed := connectRaw(t, addr, 0, nil)
	require.Equal(t, proto.NoNode, failed.set("/none", ""))
	denied := connectRaw(t, addr, 0, nil)
	require.Equal(t, proto.NoNode, denied.read(proto.OpGetData, "/none", false))
	silent := dialRaw(t, addr)
	awaitConnections(t, addr, 6)

	names := strings.NewReplacer(
		fmt.Sprintf("0x%x", a.session), "A", fmt.Sprintf("0x%x", b.session), "B",
		fmt.Sprintf("0x%x", failed.session), "FAILED", fmt.Sprintf("0x%x", denied.session), "DENIED",
		a.nc.LocalAddr().String(), "a", resumed.nc.LocalAddr().String(), "resumed",
		failed.nc.LocalAddr().String(), "failed", denied.nc.LocalAddr().String(), "denied",
		silent.nc.LocalAddr().String(), "silent", addr[strings.LastIndexByte(addr, ':')+1:], "PORT",
	)
	for _, word := range []string{
		"ruok", "isro", "srvr", "stat", "cons", "conf", "dump", "envi", "dirs", "hash", "wchs", "wchc", "wchp",
		"gtmk", "stmk\x00\x00\x00\x00\x00\x00\x00\x0f", "gtmk\n", "crst", "cons after crst", "RUOK", "icfg",
		"\xff\xf4\xff\xfd", "srvr in the end", "mntr",
	} {
		question, _, _ := strings.Cut(word, " ")
		answers[word] = names.Replace(ask(t, addr, question))
	}
	return answers
}

// awaitConnections waits until the server knows how many there are: it takes
// note of what a client does a moment later.
func awaitConnections(t *testing.T, addr string, count int) {
	t.Helper()
	nowhere := fmt.Sprintf("Connections: %d\n", count)
	require.Eventually(t, func() bool { return strings.Contains(ask(t, addr, "srvr"), nowhere) },
		5*time.Second, 20*time.Millisecond)
	ask(t, addr, "srst") // the number of questions was a matter of chance
}

// unlike is what of an answer depends on the machine, the moment or the disk.
var unlike = []struct{ pattern, name string }{
	{`(?m)^Latency min/avg/max: \d+/\d+\.\d+/\d+$`, "Latency min/avg/max: LATENCY"},
	{`est=\d+`, "est=TIME"},
	{`lresp=[1-9]\d*`, "lresp=TIME"},
	{`llat=\d+,minlat=\d+,avglat=\d+,maxlat=\d+`, "LATENCIES"},
	{`/127\.0\.0\.1:\d+`, "/question"},
	{`(?m)^(data(Log)?Dir(Size)?|dataLogSize|(data|log)dir_size)(=|: ).*$`, "$1$5ON DISK"},
	{`(?m)^(Session|Connections) Sets \(\d+\)`, "$1 Sets (BUCKETS)"},
	{`(?m)^\d+ expire at \w{3} \w{3} \d\d \d\d:\d\d:\d\d \w+ \d{4}:$`, "SOME EXPIRE"},
	{`\[[01]\]\(`, "[INTEREST]("}, // a real server's depends on the moment
}

// alike makes an answer comparable. The order of lines is random in a real
// server, which has them in hash tables.
func alike(answer string) []string {
	for _, u := range unlike {
		answer = regexp.MustCompile(u.pattern).ReplaceAllString(answer, u.name)
	}
	lines := strings.Split(answer, "\n")
	slices.Sort(lines)
	return slices.Compact(lines)
}

// keys are what stands before the separator in each line.
func keys(answer, separator string) []string {
	var keys []string
	for line := range strings.Lines(answer) {
		key, _, _ := strings.Cut(line, separator)
		keys = append(keys, key)
	}
	return keys
}

func fakeLikeJava(t *testing.T, opts ...fakezk.Option) *fakezk.Ensemble {
	t.Helper()
	opts = append([]fakezk.Option{
		fakezk.TickTime(200 * time.Millisecond), fakezk.MaxClientConns(0), fakezk.FourLetterWords("*"),
	}, opts...)
	e, err := fakezk.Listen(opts...)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, e.Close()) })
	return e
}

// TestWordsAnswerAsJava has the releases that know all that the script asks.
func TestWordsAnswerAsJava(t *testing.T) {
	for _, version := range []string{"3.6.4", "3.7.2", "3.8.6", "3.9.5"} {
		t.Run(version, func(t *testing.T) { wordsAnswerAsJava(t, version) })
	}
}

func wordsAnswerAsJava(t *testing.T, version string) {
	java := javazk.Start(t, javazk.Version(version))
	want := wordsAfterScript(t, java.Addr())
	got := wordsAfterScript(t, fakeLikeJava(t, fakezk.Version(version)).ConnectString())
	for word := range want {
		t.Run(fmt.Sprintf("%.20q", word), func(t *testing.T) {
			switch word {
			case "envi":
				require.Equal(t, keys(want[word], "="), keys(got[word], "="))
			case "mntr":
				compareMetrics(t, want[word], got[word])
			default:
				require.Equal(t, alike(want[word]), alike(got[word]), "real:\n%s\nfake:\n%s", want[word], got[word])
			}
		})
	}
}

// TestVersionTextAsJava has the releases that were recorded, without 3.8.0,
// for which javazk takes Debian's build.
func TestVersionTextAsJava(t *testing.T) {
	for _, version := range []string{"3.4.14", "3.5.10", "3.6.4", "3.7.2", "3.8.6", "3.9.0", "3.9.5"} {
		t.Run(version, func(t *testing.T) {
			want, _, _ := strings.Cut(ask(t, javazk.Start(t, javazk.Version(version)).Addr(), "srvr"), "\n")
			got, _, _ := strings.Cut(ask(t, fakeLikeJava(t, fakezk.Version(version)).ConnectString(), "srvr"), "\n")
			require.Equal(t, want, got)
		})
	}
}

// compareMetrics wants each metric of the fake to be one of the real server,
// with the same value where it is not a time or about the process.
func compareMetrics(t *testing.T, want, got string) {
	parse := func(answer string) map[string]string {
		values := map[string]string{}
		for line := range strings.Lines(answer) {
			key, value, ok := strings.Cut(strings.TrimSuffix(line, "\n"), "\t")
			require.True(t, ok, "line %q", line)
			values[key] = value
		}
		return values
	}
	real, fake := parse(want), parse(got)
	require.Equal(t, keys(want, "\t")[:2], keys(got, "\t")[:2])
	require.Greater(t, len(fake), 40)
	for key, value := range fake {
		switch key {
		case "zk_avg_latency", "zk_min_latency", "zk_max_latency", "zk_uptime",
			"zk_open_file_descriptor_count", "zk_max_file_descriptor_count":
			require.Contains(t, real, key)
		case "zk_response_bytes": // counted when the answer has been sent, which may be behind srst
			require.Contains(t, real, key)
			require.Equal(t, "0", value, key)
		default:
			require.Equal(t, real[key], value, key)
		}
	}
}

func TestWhitelistAsJava(t *testing.T) {
	const whitelist = "4lw.commands.whitelist=ruok, stat ,nosuch"
	java := javazk.Start(t, javazk.Config(whitelist), javazk.JVM("-Dreadonlymode.enabled=true"))
	fake := fakeLikeJava(t, fakezk.JVMFlags("-Dreadonlymode.enabled=true"), fakezk.Config(whitelist))
	for _, word := range []string{"ruok", "isro", "mntr", "cons", "stmk", "hash", "icfg", "\xff\xf4\xff\xfd", "\xff\xff\xff\xff"} {
		require.Equal(t, ask(t, java.Addr(), word), ask(t, fake.ConnectString(), word), "%q", word)
	}
}

// TestConfigAsJava gives both the same zoo.cfg and flags, with keys where a
// real server heeds them and where it does not.
func TestConfigAsJava(t *testing.T) {
	lines := []string{
		"tickTime = 150", "minSessionTimeout:250", "maxSessionTimeout\t70\\", "00", "! a comment", "maxClientCnxns=17",
		"clientPortListenBacklog=9", "jute.maxbuffer=64", "zookeeper.maxCnxns=1", "initLimit=5",
	}
	flags := []string{"-Dzookeeper.4lw.commands.whitelist=ruok", "-Dzookeeper.tickTime=77", "-DtickTime=78", "-Dzookeeper.skipACL=yes"}
	java := javazk.Start(t, javazk.Config(lines...), javazk.JVM(flags...))
	fake := fakeLikeJava(t, fakezk.JVMFlags(flags...), fakezk.Config("4lw.commands.whitelist=*"), fakezk.Config(lines...))
	port := regexp.MustCompile(`clientPort=\d+`)
	want, got := ask(t, java.Addr(), "conf"), ask(t, fake.ConnectString(), "conf")
	require.Contains(t, want, "maxSessionTimeout=7000\n")
	require.Equal(t, alike(port.ReplaceAllString(want, "")), alike(port.ReplaceAllString(got, "")))
	for _, addr := range []string{java.Addr(), fake.ConnectString()} {
		c := connectRaw(t, addr, 0, nil)
		require.Equal(t, proto.OK, c.create("/longer-than-64-bytes-"+strings.Repeat("x", 64), proto.FlagPersistent))
	}
}

// TestStrangersReadWords has go-zookeeper's parsers. The one of srvr wants a
// date as old releases had it, and so fails with a real 3.9.5 as well.
func TestStrangersReadWords(t *testing.T) {
	java := javazk.Start(t)
	fake := fakeLikeJava(t)
	servers := []string{java.Addr(), fake.ConnectString()}
	require.Equal(t, []bool{true, true}, gozk.FLWRuok(servers, 5*time.Second))
	stats, _ := gozk.FLWSrvr(servers, 5*time.Second)
	require.Equal(t, stats[0].Error, stats[1].Error)
	for _, addr := range servers {
		connectRaw(t, addr, 0, nil)
	}
	clients, _ := gozk.FLWCons(servers, 5*time.Second) // fails at the line of its own connection
	for _, c := range clients {
		require.Len(t, c.Clients, 1)
		require.Equal(t, "SESS", c.Clients[0].LastOperation)
	}
}
