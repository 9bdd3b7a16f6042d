package admin_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	gozk "github.com/go-zookeeper/zk"
	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/fakezk"
	"github.com/zookit/zookit/fakezk/admin"
	"github.com/zookit/zookit/internal/javazk"
)

// A site is a server with its admin server.
type site struct{ addr, url string }

const superDigest = "super:lK75jTNcA+U9vtVEw5vB51mj/w4=" // of super:secret

// lines configure the fake and the real server alike.
var lines = []string{"DigestAuthenticationProvider.superDigest=" + superDigest, "4lw.commands.whitelist=*", "clientPortListenBacklog=7"}

func fakeSite(t *testing.T) site {
	e, err := fakezk.Listen(fakezk.TickTime(200*time.Millisecond), fakezk.Config(append(lines, "maxClientCnxns=0", "admin.serverPort=0")...))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, e.Close()) })
	s := e.Servers()[0]
	require.True(t, s.AdminSettings().Enabled)
	web, err := admin.Listen(s, s.AdminSettings().Addr)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, web.Close()) })
	return site{e.ConnectString(), web.URL()}
}

func realSite(t *testing.T) site {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	web := l.Addr().String()
	l.Close()
	_, port, _ := net.SplitHostPort(web)
	s := javazk.Start(t, javazk.Version("3.9.5"), javazk.Config(append(lines,
		"admin.enableServer=true", "admin.serverAddress=127.0.0.1", "admin.serverPort="+port,
		"admin.snapshot.enabled=false", "admin.restore.enabled=false")...)) // as the fake has them
	return site{s.Addr(), "http://" + web + "/commands"}
}

// An answer is what came back over HTTP.
type answer struct {
	status int
	header http.Header
	body   string
}

// request asks without following, and on a connection of its own.
func request(t *testing.T, method, url string, header ...string) answer {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, nil)
	require.NoError(t, err)
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	transport := &http.Transport{DisableKeepAlives: true}
	resp, err := transport.RoundTrip(req)
	require.NoError(t, err)
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	return answer{resp.StatusCode, resp.Header, string(body)}
}

// use has sessions, watches, ephemerals and a connection without a session.
func (s site) use(t *testing.T) (names *strings.Replacer) {
	t.Helper()
	open := func() *gozk.Conn {
		c, events, err := gozk.Connect([]string{s.addr}, 4*time.Second, gozk.WithLogger(quiet{}))
		require.NoError(t, err)
		for e := range events {
			if e.State == gozk.StateHasSession {
				break
			}
		}
		t.Cleanup(c.Close)
		return c
	}
	a := open()
	_, err := a.Create("/app", []byte("data"), 0, gozk.WorldACL(gozk.PermAll))
	require.NoError(t, err)
	_, err = a.Create("/app/member", nil, gozk.FlagEphemeral, gozk.WorldACL(gozk.PermAll))
	require.NoError(t, err)
	_, _, _, err = a.GetW("/app")
	require.NoError(t, err)
	_, _, _, err = a.ExistsW("/non\"e")
	require.NoError(t, err)
	_, _, _, err = a.ChildrenW("/app")
	require.NoError(t, err)
	b := open()
	_, _, _, err = b.GetW("/app")
	require.NoError(t, err)
	return strings.NewReplacer(fmt.Sprint(a.SessionID()), "A", fmt.Sprint(b.SessionID()), "B", s.addr[strings.LastIndexByte(s.addr, ':')+1:], "PORT")
}

type quiet struct{}

func (quiet) Printf(string, ...any) {}

// unlike is what of an answer depends on the machine, the moment or the disk.
var unlike = []struct{ pattern, name string }{
	{`"(established|uptime|last_response_time|timestamp|data_dir_size|log_dir_size|datadir_size|logdir_size)" : \d+`, `"$1" : SOME`},
	{`"(avg|min|max|last)_latency" : [\d.]+`, `"${1}_latency" : SOME`},
	{`"(data_dir|data_log_dir)" : "[^"]*"`, `"$1" : SOME`},
	{`"(packets_received|packets_sent|last_cxid|last_operation|last_zxid|session_id)" : [^,\n]+`, `"$1" : SOME`}, // clients ping
	{`(?m)^    "\d+" : \[ \],?\n`, ``},                                                                           // a time at which nothing expires any more
	{`"127\.0\.0\.1:\d+"`, `"ADDR"`},
	{`\[ ([AB]), ([AB]) \]`, `[ SESSIONS ]`},
}

func alike(text string) string {
	for _, u := range unlike {
		text = regexp.MustCompile(u.pattern).ReplaceAllString(text, u.name)
	}
	return text
}

// same are commands of which every byte is the same, but for what is unlike.
var same = []string{
	"", "/", "configuration", "conf", "config", "dirs", "hash", "is_read_only", "isro", "leader", "lead", "observers", "obsr",
	"observer_connection_stat_reset", "orst", "ruok", "voting_view", "zabstate", "get_trace_mask", "gtmk", "last_snapshot", "lsnp",
	"set_trace_mask", "stmk?traceMask=7", "gtmk?", "stmk?traceMask=0x10", "stmk?traceMask=1&traceMask=2", "stmk?traceMask=", "stmk?traceMask=-5",
	"stmk?tracemask=5", "connections", "cons", "stat_reset", "srst", "connection_stat_reset", "crst",
	"watch_summary", "wchs", "snapshot", "restore", "snap", "rest",
	"nosuch", "RUOK", "ruok/", "ruok/x", "ruok%20", "no%22such%0A%01%7F%5C", "%C3%A4", "/ruok", "shed_connections", "shed",
}

// methods are others than GET, with headers.
var methods = [][]string{
	{"POST", ""}, {"POST", "/nosuch"}, {"POST", "/snapshot"}, {"POST", "/restore"}, {"HEAD", "/ruok"}, {"HEAD", ""}, {"HEAD", "/nosuch"},
	{"PUT", "/ruok"}, {"DELETE", "/ruok"}, {"OPTIONS", "/ruok"}, {"TRACE", "/ruok"}, {"OPTIONS", ""},
	{"GET", "/snapshot", "Authorization", "digest a:b"}, {"GET", "/snapshot", "Authorization", "digest super:secret"},
	{"GET", "/snapshot", "Authorization", "ip 127.0.0.1"}, {"GET", "/snapshot", "Authorization", "digest"},
	{"GET", "/snapshot", "Authorization", "world anyone"}, {"GET", "/snapshot", "Authorization", "digest  a:b"},
	{"GET", "/snapshot", "Authorization", ""}, {"GET", "/snapshot", "Authorization", "Digest a:b"},
	{"GET", "/snap", "Authorization", "digest a:b"}, {"POST", "/rest", "Authorization", "digest a:b"}, {"GET", "/snap", "Authorization", "x"},
	{"POST", "/restore", "Authorization", "digest a:b"}, {"POST", "/restore", "Authorization", "x509 a"},
}

// TestAnswersAsJava compares all commands, byte for byte where a fake can know.
func TestAnswersAsJava(t *testing.T) {
	real, fake := realSite(t), fakeSite(t)
	realNames, fakeNames := real.use(t), fake.use(t)
	compare := func(t *testing.T, what string, want, got answer) {
		t.Helper()
		require.Equal(t, want.status, got.status, what)
		for _, name := range []string{"Content-Type", "Allow", "Cache-Control"} {
			require.Equal(t, want.header.Values(name), got.header.Values(name), "%s: %s", what, name)
		}
		require.Equal(t, alike(realNames.Replace(want.body)), alike(fakeNames.Replace(got.body)), what)
	}
	for _, command := range same {
		t.Run(command, func(t *testing.T) {
			if command != "" {
				command = "/" + command
			}
			compare(t, command, request(t, "GET", real.url+command), request(t, "GET", fake.url+command))
		})
	}
	for _, m := range methods {
		t.Run(strings.Join(m, " "), func(t *testing.T) {
			compare(t, m[0], request(t, m[0], real.url+m[1], m[2:]...), request(t, m[0], fake.url+m[1], m[2:]...))
		})
	}
	for _, command := range []string{
		"/dump", "/watches", "/wchc", "/watches_by_path", "/wchp", "/server_stats", "/srvr", "/stats", "/stat",
	} {
		t.Run(command, func(t *testing.T) {
			want, got := request(t, "GET", real.url+command), request(t, "GET", fake.url+command)
			require.Equal(t, sortedLines(realNames.Replace(want.body)), sortedLines(fakeNames.Replace(got.body)))
		})
	}
}

// expiring are the sessions that end at one time: those of a test may end at
// one, or at two.
var expiring = regexp.MustCompile(`    "\d+" : \[ [AB](, [AB])* \]`)

// sortedLines is for what has no order in a real server: maps, and the fields
// of server_stats, which differs from one JVM to the next.
func sortedLines(text string) []string {
	text = expiring.ReplaceAllStringFunc(text, func(list string) string {
		ids := strings.Trim(list[strings.Index(list, "["):], "[ ]")
		return "expires: " + strings.ReplaceAll(ids, ", ", "\nexpires: ")
	})
	lines := strings.Split(strings.ReplaceAll(alike(text), ",\n", "\n"), "\n")
	slices.Sort(lines)
	return lines
}

// TestKeysAsJava has the commands of which the values are of a machine, and
// those of which a fake does not have all keys: what it has is in the real order.
func TestKeysAsJava(t *testing.T) {
	real, fake := realSite(t), fakeSite(t)
	require.Equal(t, keys(t, request(t, "GET", real.url+"/environment")), keys(t, request(t, "GET", fake.url+"/env")))
	for _, command := range []string{"/monitor", "/system_properties"} {
		want, got := keys(t, request(t, "GET", real.url+command)), keys(t, request(t, "GET", fake.url+command))
		both := slices.DeleteFunc(want, func(key string) bool { return !slices.Contains(got, key) })
		require.Equal(t, both, got, command)
		require.Greater(t, len(got), 8)
	}
	want := request(t, "GET", real.url+"/icfg").body
	require.Contains(t, want, `clientPortListenBacklog=7\n`)
	require.Contains(t, request(t, "GET", fake.url+"/icfg").body, `clientPortListenBacklog=7\nmaxClientCnxns=0\nadmin.serverPort=0\n",`)
}

// keys are those of an object, in their order.
func keys(t *testing.T, a answer) (keys []string) {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader([]byte(a.body)))
	_, err := d.Token()
	require.NoError(t, err, a.body)
	for d.More() {
		key, err := d.Token()
		require.NoError(t, err)
		keys = append(keys, key.(string))
		var value any
		require.NoError(t, d.Decode(&value))
	}
	return keys
}

// TestPagesAsJava has what people see: the status and type of pages.
func TestPagesAsJava(t *testing.T) {
	real, fake := realSite(t), fakeSite(t)
	base := func(s site) string { return strings.TrimSuffix(s.url, "/commands") }
	for _, m := range [][2]string{{"GET", "/"}, {"GET", "/foo"}, {"GET", "/command"}, {"GET", "/commandsx"}, {"POST", "/commands/ruok"}, {"POST", "/commands/stmk"}, {"PATCH", "/commands/ruok"}} {
		want, got := request(t, m[0], base(real)+m[1]), request(t, m[0], base(fake)+m[1])
		require.Equal(t, want.status, got.status, m)
		require.Equal(t, want.header.Get("Content-Type"), got.header.Get("Content-Type"), m)
		require.Equal(t, want.header.Get("Cache-Control"), got.header.Get("Cache-Control"), m)
	}
}
