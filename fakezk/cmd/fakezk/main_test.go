package main

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/go-zookeeper/zk"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.Cleanup(func(code int) {
		if path, err := program(); err == nil {
			os.RemoveAll(filepath.Dir(path))
		}
		os.Exit(code)
	}))
}

// program is built once, by the first test that wants it.
var program = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "fakezk-*")
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "fakezk")
	if out, err := exec.Command("go", "build", "-o", path, ".").CombinedOutput(); err != nil {
		os.Stderr.Write(out)
		return "", err
	}
	return path, nil
})

func command(t *testing.T, env []string, args ...string) *exec.Cmd {
	t.Helper()
	path, err := program()
	require.NoError(t, err)
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	t.Cleanup(cancel)
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.Env = append(os.Environ(), "SERVER_JVMFLAGS=", "JVMFLAGS=")
	cmd.Env = append(cmd.Env, env...)
	return cmd
}

// running is a process that has said where it listens.
type running struct {
	cmd    *exec.Cmd
	addr   string
	stdout *bufio.Reader
	stderr *bytes.Buffer
}

func start(t *testing.T, env []string, args ...string) *running {
	t.Helper()
	r := &running{cmd: command(t, env, args...), stderr: new(bytes.Buffer)}
	r.cmd.Stderr = r.stderr
	stdout, err := r.cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, r.cmd.Start())
	t.Cleanup(func() {
		r.cmd.Process.Kill()
		r.cmd.Wait()
	})
	r.stdout = bufio.NewReader(stdout)
	line, err := r.stdout.ReadString('\n')
	require.NoError(t, err)
	addr, ok := strings.CutPrefix(line, "fakezk listening on ")
	require.True(t, ok, line)
	r.addr = strings.TrimSuffix(addr, "\n")
	return r
}

// stop signals the process and returns its exit code.
func (r *running) stop(t *testing.T, s os.Signal) int {
	t.Helper()
	require.NoError(t, r.cmd.Process.Signal(s))
	rest, err := io.ReadAll(r.stdout)
	require.NoError(t, err)
	require.Empty(t, rest, "more on standard output than the one line")
	r.cmd.Wait()
	return r.cmd.ProcessState.ExitCode()
}

func ask(t *testing.T, addr, word string) string {
	t.Helper()
	nc, err := net.Dial("tcp", addr)
	require.NoError(t, err)
	defer nc.Close()
	_, err = io.WriteString(nc, word)
	require.NoError(t, err)
	answer, err := io.ReadAll(nc)
	require.NoError(t, err)
	return string(answer)
}

func write(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	return path
}

func TestServesAClient(t *testing.T) {
	r := start(t, nil, "-listen", "127.0.0.1:0")
	require.Contains(t, ask(t, r.addr, "srvr"), "Mode: standalone\n")
	c, _, err := zk.Connect([]string{r.addr}, 10*time.Second, zk.WithLogger(log.New(io.Discard, "", 0)))
	require.NoError(t, err)
	defer c.Close()
	_, err = c.Create("/node", []byte("data"), 0, zk.WorldACL(zk.PermAll))
	require.NoError(t, err)
	data, _, err := c.Get("/node")
	require.NoError(t, err)
	require.Equal(t, "data", string(data))
}

func TestSignalsEndItCleanly(t *testing.T) {
	for _, s := range []os.Signal{syscall.SIGTERM, syscall.SIGINT} {
		r := start(t, nil, "-listen", "127.0.0.1:0")
		open, err := net.Dial("tcp", r.addr)
		require.NoError(t, err)
		defer open.Close()
		require.Zero(t, r.stop(t, s), s)
		require.Empty(t, r.stderr.String())
		_, err = net.Dial("tcp", r.addr)
		require.Error(t, err)
	}
}

func TestConfigurationAndFlags(t *testing.T) {
	config := write(t, "zoo.cfg", `
tickTime=123
dataDir=/data
clientPort=0
clientPortAddress=127.0.0.1
initLimit=5
syncLimit=2
autopurge.snapRetainCount=3
autopurge.purgeInterval=0
maxClientCnxns=0
standaloneEnabled=true
admin.enableServer=true
maxCnxns=7
`)
	env := []string{
		"SERVER_JVMFLAGS=-Xmx1000m -Dzookeeper.4lw.commands.whitelist=ruok -Dzookeeper.maxCnxns=1",
		"JVMFLAGS=-Dzookeeper.4lw.commands.whitelist=ruok,conf",
	}
	r := start(t, env, "-config", config, "-v")
	require.True(t, strings.HasPrefix(r.addr, "127.0.0.1:"), r.addr)
	require.Equal(t, "imok", ask(t, r.addr, "ruok"))
	conf := ask(t, r.addr, "conf")
	require.Contains(t, conf, "\ntickTime=123\nmaxClientCnxns=0\nminSessionTimeout=246\nmaxSessionTimeout=2460\n")
	require.Contains(t, conf, "\ndataDir=/data/version-2\n")
	require.Contains(t, ask(t, r.addr, "mntr"), "not in the whitelist")
	require.Zero(t, r.stop(t, syscall.SIGTERM))
	require.Contains(t, r.stderr.String(), "four-letter word")
}

// TestImageConfiguration has the zoo.cfg that the official image writes.
func TestImageConfiguration(t *testing.T) {
	config := write(t, "zoo.cfg", `dataDir=/data
dataLogDir=/datalog
tickTime=2000
initLimit=5
syncLimit=2
autopurge.snapRetainCount=3
autopurge.purgeInterval=0
maxClientCnxns=60
standaloneEnabled=true
admin.enableServer=true
server.1=localhost:2888:3888;0
`)
	r := start(t, nil, "-config", config)
	_, port, err := net.SplitHostPort(r.addr)
	require.NoError(t, err)
	require.Contains(t, ask(t, "127.0.0.1:"+port, "srvr"), "Mode: standalone\n")
	require.Zero(t, r.stop(t, syscall.SIGTERM))
	require.Regexp(t, `\A\S+ level=(INFO|WARN) msg="(no )?admin server.*\n\z`, r.stderr.String(), "port 8080 may be somebody else's")
}

// TestAdminServer has it by the configuration and by the flag, which wins.
func TestAdminServer(t *testing.T) {
	free, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	addr := free.Addr().String()
	free.Close()
	_, port, _ := net.SplitHostPort(addr)
	byFile := []string{"-config", write(t, "zoo.cfg", "clientPort=0\nadmin.serverPort="+port+"\nadmin.commandURL=/c\n")}
	for url, args := range map[string][]string{
		"http://" + addr + "/c/ruok":        byFile,
		"http://" + addr + "/commands/ruok": {"-listen", "127.0.0.1:0", "-admin", addr},
	} {
		r := start(t, nil, args...)
		req, err := http.NewRequestWithContext(t.Context(), "GET", url, nil)
		require.NoError(t, err)
		resp, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(req)
		require.NoError(t, err)
		body, err := io.ReadAll(resp.Body)
		require.NoError(t, err)
		resp.Body.Close()
		require.Equal(t, "{\n  \"command\" : \"ruok\",\n  \"error\" : null\n}", string(body))
		require.Zero(t, r.stop(t, syscall.SIGTERM))
	}
}

func TestListenOverridesConfiguration(t *testing.T) {
	config := write(t, "zoo.cfg", "clientPort=1\nclientPortAddress=192.0.2.1\n")
	r := start(t, nil, "-config", config, "-listen", "127.0.0.1:0")
	require.Contains(t, ask(t, r.addr, "srvr"), "Mode: standalone\n")
}

func TestErrors(t *testing.T) {
	config := write(t, "zoo.cfg", "clientPort=0\ntickTime=soon\n")
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer taken.Close()
	for _, test := range []struct {
		env  []string
		args []string
		code int
		want string
	}{
		{args: []string{"-config", config}, code: 2, want: config + ":2: tickTime=soon: want a whole number"},
		{args: []string{"-config", config + "x"}, code: 2, want: "no such file"},
		{env: []string{"JVMFLAGS=-Djute.maxbuffer=x"}, code: 2, want: "jute.maxbuffer=x: want"},
		{args: []string{"-nosuch"}, code: 2, want: "-nosuch"},
		{args: []string{"-as", "3.3"}, code: 2, want: `version "3.3": want one of 3.4.0 to 3.4.14`},
		{args: []string{"zoo.cfg"}, code: 2, want: `unexpected argument "zoo.cfg"`},
		{args: []string{"-listen", taken.Addr().String()}, code: 1, want: "address already in use"},
		{args: []string{"-listen", "127.0.0.1:0", "-admin", taken.Addr().String()}, code: 1, want: "admin: listen tcp"},
	} {
		cmd := command(t, test.env, test.args...)
		var stderr bytes.Buffer
		cmd.Stderr = &stderr
		out, err := cmd.Output()
		require.Error(t, err)
		require.Equal(t, test.code, cmd.ProcessState.ExitCode(), "%v\n%s", test.args, &stderr)
		require.Contains(t, stderr.String(), test.want)
		require.Empty(t, out)
	}
}

func TestVersion(t *testing.T) {
	out, err := command(t, nil, "-version").Output()
	require.NoError(t, err)
	require.Regexp(t, `^fakezk \S+\n$`, string(out))
}

func TestAnswersAsAnOlderRelease(t *testing.T) {
	server := start(t, nil, "-listen", "127.0.0.1:0", "-as", "3.5")
	require.Contains(t, ask(t, server.addr, "srvr"), "Zookeeper version: 3.5.10-a32c7183d42325b03e44a06aade6a0f16955bf13, built on 05/29/2022")
}
