package peers_test

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/internal/testenv"
)

func TestCClient(t *testing.T) {
	t.Parallel()
	start(t, compileC(t)).steps(t, slices.Concat(steps, []step{vanish})...)
}

// TestShellOfC is a person at Debian's cli_mt, which is all asynchronous calls
// behind its prompt.
func TestShellOfC(t *testing.T) {
	t.Parallel()
	const packaged = "/usr/lib/zookeeper/bin/cli_mt"
	path, err := exec.LookPath("cli_mt")
	if err != nil {
		path, err = exec.LookPath(packaged)
	}
	if err != nil {
		testenv.Missing(t, "cli_mt, the shell of Apache's C client", "apt-get install zookeeper-bin")
	}
	srv := listen(t)
	shell := start(t, "/bin/sh", "-c", `exec "$0" "$1" 2>&1`, path, srv.ConnectString())
	shell.expect(t, "Watcher SESSION_EVENT state = CONNECTED_STATE")
	shell.expect(t, "Got a new session id: ")
	for _, talk := range []struct{ command, reply string }{
		{"create /shell", "name = /shell"},
		{"create /shell", "[/shell]: rc = -110"},
		{"create +s /shell/s-", "name = /shell/s-0000000000"},
		{"create2 +es /shell/s-", "name = /shell/s-0000000001"},
		{"create +e /shell/e", "name = /shell/e"},
		{"create +c /shell/c", "name = /shell/c"},
		{"create +t=100000 /shell/t", "name = /shell/t"},
		{"get /shell", "value_len = 3"},
		{"set /shell hello", "Watcher CHANGED_EVENT state = CONNECTED_STATE for path /shell"},
		{"get /shell", "hello"},
		{"wexists /shell/later", "Error -101 for /shell/later"},
		{"create /shell/later", "Watcher CREATED_EVENT state = CONNECTED_STATE for path /shell/later"},
		{"ls /shell/later", "/shell/later: rc = 0"},
		{"ls /shell", "s-0000000001"},
		{"create /shell/later/child", "Watcher CHILD_EVENT state = CONNECTED_STATE for path /shell/later"},
		{"delete /shell/later", "/shell/later: rc = -111"},
		{"delete /shell/later/child", "/shell/later/child: rc = 0"},
	} {
		shell.tell(t, "%s", talk.command)
		shell.expect(t, talk.reply)
	}
	require.Len(t, srv.Sessions(), 1)
	id := srv.Sessions()[0].ID

	srv.disconnect(t, id)
	shell.expect(t, "Watcher SESSION_EVENT state = CONNECTING_STATE")
	shell.expect(t, "Watcher SESSION_EVENT state = CONNECTED_STATE")
	shell.tell(t, "get /shell/e")
	shell.expect(t, fmt.Sprintf("ephemeralOwner = %x", id))

	// (It is not made to expire: then it closes its handle twice, and may hang.)
	shell.tell(t, "quit")
	shell.expect(t, "Quitting...")
	srv.awaitNoSessions(t)
	require.Equal(t, []string{
		`/shell v1 "hello"`, `/shell/c v0 "new"`, `/shell/later v0 "new"`, `/shell/s-0000000000 v0 "new"`, `/shell/t v0 "new"`,
	}, srv.tree("/shell"))
}

// compileC builds the C peer.
func compileC(t *testing.T) string {
	const install = "apt-get install gcc libzookeeper-mt-dev"
	cc, err := exec.LookPath("cc")
	if err != nil {
		testenv.Missing(t, "a C compiler", install)
	}
	preprocess := exec.CommandContext(t.Context(), cc, "-E", "-")
	preprocess.Stdin = strings.NewReader("#include <zookeeper/zookeeper.h>\n")
	if preprocess.Run() != nil {
		testenv.Missing(t, "zookeeper.h of Apache's C client", install)
	}
	program := filepath.Join(t.TempDir(), "c_peer")
	compile := exec.CommandContext(t.Context(), cc, "-std=gnu11", "-Wall", "-Wextra", "-DTHREADED",
		"-o", program, "testdata/c_peer.c", "-lzookeeper_mt", "-lpthread")
	output, err := compile.CombinedOutput()
	require.NoError(t, err, string(output))
	return program
}
