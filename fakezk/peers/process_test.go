package peers_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// hardLimit is how long a process may live.
const hardLimit = time.Minute

// A process is a peer of another language. It reads lines and writes lines.
type process struct {
	stdin  io.Writer
	stdout *bufio.Scanner
	said   *transcript
}

// start starts a peer, which ends with t at the latest: its stdin is closed,
// and hardLimit kills it if that does not move it.
func start(t *testing.T, name string, args ...string) *process {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), hardLimit)
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.WaitDelay = time.Second
	stdin, err := cmd.StdinPipe()
	require.NoError(t, err)
	stdout, err := cmd.StdoutPipe()
	require.NoError(t, err)
	p := &process{stdin: stdin, said: &transcript{}}
	cmd.Stderr = p.said
	p.stdout = bufio.NewScanner(io.TeeReader(stdout, p.said))
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		defer cancel()
		stdin.Close()
		if t.Failed() {
			cmd.Process.Kill() // it may be in the middle of something
		}
		for p.stdout.Scan() {
		}
		if err := cmd.Wait(); err != nil && !t.Failed() {
			t.Errorf("%s ends with: %v", name, err)
		}
		if t.Failed() {
			t.Logf("%s said:\n%s", name, p.said)
		}
	})
	return p
}

// tell writes a line.
func (p *process) tell(t *testing.T, format string, args ...any) {
	t.Helper()
	_, err := fmt.Fprintf(p.stdin, format+"\n", args...)
	require.NoError(t, err)
}

// next is the next line, or ok is false when the process has ended.
func (p *process) next() (line string, ok bool) {
	ok = p.stdout.Scan()
	return p.stdout.Text(), ok
}

// expect skips lines until one has the text.
func (p *process) expect(t *testing.T, text string) {
	t.Helper()
	for {
		line, ok := p.next()
		require.True(t, ok, "the process ended without a word of %q", text)
		if strings.Contains(line, text) {
			return
		}
	}
}

// step makes the process do a step, and does for it what only the server can.
func (p *process) step(t *testing.T, name string, srv *server) {
	t.Helper()
	p.tell(t, "step %s %s", name, srv.ConnectString())
	for {
		line, ok := p.next()
		require.True(t, ok, "the process ended in the middle of %q", name)
		word, rest, _ := strings.Cut(line, " ")
		switch word {
		case "READY":
			perform(t, rest, srv)
			p.tell(t, "done")
		case "ok":
			require.Equal(t, name, rest)
			return
		case "failed":
			require.FailNow(t, line, "what the process said is below")
		}
	}
}

// perform does a deed such as "expire 0x100000000000001".
func perform(t *testing.T, deed string, srv *server) {
	t.Helper()
	what, session, _ := strings.Cut(deed, " ")
	if what == "restart" {
		srv.restart(t)
		return
	}
	id, err := strconv.ParseInt(session, 0, 64)
	require.NoError(t, err)
	switch what {
	case "expire":
		srv.expire(t, id)
	case "disconnect":
		srv.disconnect(t, id)
	default:
		require.FailNow(t, "the process asks for "+deed)
	}
}

// steps makes the process do all of them, until one fails.
func (p *process) steps(t *testing.T, steps ...step) {
	for _, s := range steps {
		do := func(t *testing.T, srv *server) { p.step(t, s.name, srv) }
		if !t.Run(s.name, func(t *testing.T) { s.run(t, do) }) {
			return
		}
	}
}

// A transcript is all that a process says, on both streams.
type transcript struct {
	mu   sync.Mutex // guards text
	text strings.Builder
}

func (t *transcript) Write(b []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.text.Write(b)
}

func (t *transcript) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.text.String()
}
