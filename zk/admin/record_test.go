package admin_test

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	gozk "github.com/go-zookeeper/zk"
	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/harness"
	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zk/admin"
)

var record = flag.Bool("record", false, "ask real servers of all versions, and write testdata")

// recordedWords are those that change nothing, and those that servers may not know.
var recordedWords = []string{
	"ruok", "isro", "srvr", "stat", "mntr", "conf", "envi", "cons", "dump", "dirs", "hash",
	"wchs", "wchc", "wchp", "gtmk", "crst", "srst",
}

var recordedCommands = []string{
	"", "configuration", "connections", "connection_stat_reset", "dirs", "dump", "environment", "get_trace_mask", "hash",
	"initial_configuration", "is_read_only", "last_snapshot", "leader", "monitor", "nosuch", "observer_connection_stats",
	"restore", "ruok", "server_stats", "set_trace_mask", "snapshot", "stat_reset", "stats", "system_properties",
	"voting_view", "watch_summary", "watches", "watches_by_path", "zabstate",
}

// TestRecord writes what the other tests read: for each server a file with its
// answers, each behind a line with its name.
func TestRecord(t *testing.T) {
	if !*record {
		t.Skip("see the flag record")
	}
	for _, version := range []string{"3.4.14", "3.5.10", "3.6.4", "3.7.2", "3.8.0", "3.8.6", "3.9.0", "3.9.5"} {
		t.Run(version, func(t *testing.T) {
			opts := []harness.Option{harness.Java(), harness.Version(version), harness.Leaks(harness.IgnoreLeaks)}
			if version != "3.4.14" {
				opts = append(opts, harness.AdminServer())
			}
			recordServer(t, harness.New(t, opts...).Servers()[0], version)
		})
	}
	t.Run("ensemble", func(t *testing.T) {
		e := harness.New(t, harness.Java(), harness.Version("3.9.5"), harness.Servers(3), harness.AdminServer())
		leader := e.Leader(t.Context())
		recordServer(t, leader, "3.9.5-leader")
		for _, s := range e.Servers() {
			if s != leader {
				recordServer(t, s, "3.9.5-follower")
				return
			}
		}
	})
}

// recordServer has a server tell of a session with two ephemeral nodes and two
// watches.
func recordServer(t *testing.T, s *harness.Server, name string) {
	if name == "3.4.14" {
		recordOld(t, s)
		return
	}
	c, err := zk.Dial(t.Context(), s.Addr(), zk.SessionTimeout(4*time.Second))
	require.NoError(t, err)
	defer c.Close()
	_, _, err = c.Create(t.Context(), "/app", []byte("data"), zk.Persistent)
	require.True(t, err == nil || errors.Is(err, fs.ErrExist), "%v", err)
	_, _, err = c.Create(t.Context(), "/app/one", nil, zk.Ephemeral)
	require.NoError(t, err)
	_, _, err = c.Create(t.Context(), "/app/with space", nil, zk.Ephemeral)
	require.NoError(t, err)
	for _, path := range []string{"/app", "/none"} {
		_, _, _, err = c.ExistsW(t.Context(), path)
		require.NoError(t, err)
	}
	for range 130 { // for the digest of each 128
		_, err := c.Set(t.Context(), "/app/one", nil, zk.AnyVersion)
		require.NoError(t, err)
	}
	recordWords(t, s, name)
	var all strings.Builder
	for _, command := range recordedCommands {
		resp, err := http.Get("http://" + s.AdminAddr() + "/commands/" + command)
		require.NoError(t, err)
		body, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		require.NoError(t, err)
		fmt.Fprintf(&all, "-- %s %d --\n%s\n", command, resp.StatusCode, scrub(string(body)))
	}
	http.DefaultClient.CloseIdleConnections()
	write(t, name+".commands.txt", all.String())
}

// recordOld makes the same by a client that 3.4 knows all requests of.
func recordOld(t *testing.T, s *harness.Server) {
	c, events, err := gozk.Connect([]string{s.Addr()}, 4*time.Second, gozk.WithLogInfo(false))
	require.NoError(t, err)
	defer c.Close()
	for e := range events {
		if e.State == gozk.StateHasSession {
			break
		}
	}
	for path, flags := range map[string]int32{"/one": gozk.FlagEphemeral, "/with space": gozk.FlagEphemeral} {
		_, err := c.Create(path, nil, flags, gozk.WorldACL(gozk.PermAll))
		require.NoError(t, err)
	}
	for _, path := range []string{"/one", "/none"} {
		_, _, _, err = c.ExistsW(path)
		require.NoError(t, err)
	}
	recordWords(t, s, "3.4.14")
}

func recordWords(t *testing.T, s *harness.Server, name string) {
	w := admin.Words{Addr: s.Addr()}
	var all strings.Builder
	for _, word := range recordedWords {
		answer, err := w.Ask(t.Context(), word)
		if errors.Is(err, admin.ErrNoAnswer) {
			t.Log(err)
			continue
		}
		require.NoError(t, err)
		fmt.Fprintf(&all, "-- %s --\n%s\n", word, scrub(answer))
	}
	write(t, name+".words.txt", all.String())
}

var classPath = regexp.MustCompile(`((?:java[._](?:class|library)[._]path|java.rmi.server.randomIDs|sun.java.command|jdk.module.path|user.dir|user.home)(?:"? ?[=:] ?"?))[^"\n]*`)

// scrub takes out what is long, and of the machine.
func scrub(text string) string { return classPath.ReplaceAllString(text, "${1}...") }

func write(t *testing.T, name, text string) {
	require.NoError(t, os.MkdirAll("testdata", 0o755))
	require.NoError(t, os.WriteFile(filepath.Join("testdata", name), []byte(text), 0o644))
}

// answers are those of a file of testdata by their names.
func answers(t testing.TB, file string) map[string]string {
	b, err := os.ReadFile(filepath.Join("testdata", file))
	require.NoError(t, err)
	all := map[string]string{}
	for part := range strings.SplitSeq("\n"+strings.TrimSuffix(string(b), "\n"), "\n-- ") {
		if name, answer, ok := strings.Cut(part, " --\n"); ok {
			all[name] = answer
		}
	}
	return all
}
