package main

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"regexp"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/zookit/zookit/fakezk"
	"github.com/zookit/zookit/internal/javazk"
	"github.com/zookit/zookit/internal/testenv"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// An output is what a program writes while others read it.
type output struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (o *output) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.Write(b)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.String()
}

// A program is a running xchk.
type program struct {
	t    *testing.T
	addr string
	out  output
	stop context.CancelFunc
	code chan int
}

func startProgram(t *testing.T, oracle, candidate string) *program {
	ctx, stop := context.WithCancel(t.Context())
	p := &program{t: t, stop: stop, code: make(chan int, 1)}
	go func() {
		p.code <- run(ctx, []string{"-listen", "127.0.0.1:0", "-oracle", oracle, "-candidate", candidate}, &p.out)
	}()
	t.Cleanup(stop)
	listening := regexp.MustCompile(`listening on (\S+)`)
	require.Eventually(t, func() bool {
		m := listening.FindStringSubmatch(p.out.String())
		if m != nil {
			p.addr = m[1]
		}
		return m != nil
	}, 10*time.Second, 5*time.Millisecond, "%v", &p.out)
	return p
}

// end ends it as a signal does, and returns its exit code.
func (p *program) end() int {
	p.stop()
	return <-p.code
}

func fake(t *testing.T, opts ...fakezk.Option) string {
	e, err := fakezk.Listen(append(opts, fakezk.TickTime(2*time.Second))...)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, e.Close()) })
	return e.Servers()[0].Addr()
}

// kazoo runs a script of Debian's Python, which has the package kazoo.
func kazoo(t *testing.T, addr string) string {
	const python = "/usr/bin/python3"
	if exec.CommandContext(t.Context(), python, "-c", "import kazoo").Run() != nil {
		testenv.Missing(t, "Python's kazoo", "apt-get install python3-kazoo")
	}
	out, err := exec.CommandContext(t.Context(), python, "testdata/program.py", addr).CombinedOutput()
	require.NoError(t, err, "%s", out)
	return string(out)
}

func TestKazooOverRealAndFake(t *testing.T) {
	real := javazk.Start(t, javazk.TickTime(2000))
	p := startProgram(t, real.Addr(), fake(t, fakezk.Version(real.Version())))
	require.Contains(t, kazoo(t, p.addr), "done")
	require.Zero(t, p.end(), "%v", &p.out)
	require.Contains(t, p.out.String(), " 0 differences")
}

func TestKazooOverTwoFakesThatDiffer(t *testing.T) {
	p := startProgram(t, fake(t), fake(t, fakezk.Config("skipACL=yes")))
	require.Contains(t, kazoo(t, p.addr), "done")
	require.Equal(t, 1, p.end())
	require.Contains(t, p.out.String(), "NoAuth")
}

func TestWrongUse(t *testing.T) {
	for _, args := range [][]string{{}, {"-oracle", "127.0.0.1:1"}, {"-none"}, {"-oracle", "a", "-candidate", "b", "more"}} {
		var out output
		require.Equal(t, 2, run(t.Context(), args, &out))
		require.Contains(t, out.String(), "-candidate")
	}
	var out output
	args := []string{"-listen", "127.0.0.1:0", "-oracle", "127.0.0.1:1", "-candidate", "127.0.0.1:1"}
	require.Equal(t, 2, run(t.Context(), args, &out))
	require.Contains(t, out.String(), "the oracle")
}

func TestSignalEndsIt(t *testing.T) {
	bin := t.TempDir() + "/xchk"
	out, err := exec.CommandContext(t.Context(), "go", "build", "-o", bin, ".").CombinedOutput()
	require.NoError(t, err, "%s", out)
	for _, signal := range []os.Signal{os.Interrupt, syscall.SIGTERM} {
		var told output
		cmd := exec.CommandContext(t.Context(), bin, "-listen", "127.0.0.1:0", "-oracle", fake(t), "-candidate", fake(t))
		cmd.Stderr = &told
		require.NoError(t, cmd.Start())
		require.Eventually(t, func() bool { return bytes.Contains([]byte(told.String()), []byte("listening")) }, 10*time.Second, 5*time.Millisecond)
		// It has asked both servers once it takes clients; the signal may come before.
		require.NoError(t, cmd.Process.Signal(signal))
		require.NoError(t, cmd.Wait(), "%v", &told)
	}
}
