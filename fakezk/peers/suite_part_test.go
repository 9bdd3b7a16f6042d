package peers_test

import (
	"bufio"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// partLimit is how long a process may take.
const partLimit = 4 * time.Minute

// A part is a process that runs some tests of a suite. It tells how they end,
// and asks for what only the server can do.
type part struct {
	t       *testing.T
	which   []string // options of the plugin outcomes
	member  member
	said    transcript
	test    string // the one that runs
	results map[string]string
}

// run returns when the process has ended. It clears away by defer, because a
// member that cannot start may end this goroutine.
func (p *part) run(cmd *exec.Cmd) {
	host, port, err := net.SplitHostPort(p.member.addr())
	require.NoError(p.t, err)
	cmd.Args = append(cmd.Args, p.which...)
	cmd.Env = append(cmd.Env, "ZK_HOST="+host, "ZK_PORT="+port, "ZK_TLS_ADDRESS="+p.member.secureAddr())
	cmd.Stdout, cmd.Stderr, cmd.WaitDelay = &p.said, &p.said, time.Second

	questions, theirOut, err := os.Pipe()
	require.NoError(p.t, err)
	defer questions.Close()
	theirIn, answers, err := os.Pipe()
	require.NoError(p.t, err)
	defer answers.Close()
	cmd.ExtraFiles = []*os.File{theirIn, theirOut} // descriptors 3 and 4
	err = cmd.Start()
	theirIn.Close()
	theirOut.Close()
	require.NoError(p.t, err)
	defer p.end(cmd)
	kill := time.AfterFunc(partLimit, func() {
		p.t.Errorf("%s is killed in the middle of %s: it has taken %v", p.which, p.test, partLimit)
		cmd.Process.Kill()
	})
	defer kill.Stop()
	for lines := bufio.NewScanner(questions); lines.Scan() && lines.Text() != "end"; {
		p.hear(lines.Text(), answers)
	}
}

// end ends the process, which has nothing more to say: its exit code tells no
// more than the results.
func (p *part) end(cmd *exec.Cmd) {
	cmd.Process.Kill()
	cmd.Wait()
	if len(p.results) == 0 || strings.ContainsAny(p.said.String(), "=!") { // in the headings of failures
		p.t.Logf("%s says:\n%s", p.which, p.said.String())
	}
}

// hear heeds a line that the process says.
func (p *part) hear(line string, answers *os.File) {
	word, rest, _ := strings.Cut(line, " ")
	switch word {
	case "test":
		p.test = rest
	case "passed", "failed", "skipped":
		// A test that has passed may fail when it clears away.
		if before, ok := p.results[p.test]; !ok || before == "passed" {
			p.results[p.test] = line
		}
	case "stop":
		answer(answers, p.member.stop())
	case "start":
		answer(answers, p.member.start())
	default:
		p.t.Errorf("%s says %q", p.which, line)
	}
}

func answer(to *os.File, err error) {
	if err != nil {
		fmt.Fprintln(to, err)
		return
	}
	fmt.Fprintln(to, "ok")
}
