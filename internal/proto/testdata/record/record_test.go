// Package record renews ../golden.txt; see README.md.
package record

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/zookit/zookit/internal/javazk"
)

const golden = "../golden.txt"

const header = `# Frames between ZooKeeper %s's Java client and server, recorded by record/.
# <direction> <xid> <operation> <payload in hex, without its length>
# > is from the client, < from the server. A reply bears the name of what it
# answers. The frames of the handshake are named connect and have no xid: 0.
# Watch events are named event.
#`

func TestRecord(t *testing.T) {
	rec := newRecording()
	standalone := javazk.Start(t, javazk.Version("3.9"), javazk.TickTime(2000), javazk.Config(
		"minSessionTimeout=1000",
		"extendedTypesEnabled=true",
		"enforceQuota=true",
	))
	if !strings.HasPrefix(standalone.Version(), "3.9") {
		t.Fatalf("this is ZooKeeper %s; to record 3.9, install maven or set ZOOKEEPER_HOME", standalone.Version())
	}
	rec.line(header, standalone.Version())
	rec.line("# ---- a standalone server, with TTL nodes and enforced quotas")
	play(t, rec, standalone, "standalone")

	rec.line("#\n# ---- an ensemble of one, with local sessions, reconfiguration and no ACL checks")
	play(t, rec, ensembleOfOne(t), "ensemble")

	text := rec.String()
	complain(t, text)
	if t.Failed() {
		return
	}
	if err := os.WriteFile(golden, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	t.Logf("%s: %d bytes", golden, len(text))
}

// ensembleOfOne can be reconfigured, as a standalone server cannot.
func ensembleOfOne(t *testing.T) *javazk.Server {
	data := t.TempDir()
	if err := os.WriteFile(filepath.Join(data, "myid"), []byte("1\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	return javazk.Start(t, javazk.Version("3.9"), javazk.TickTime(2000), javazk.Config(
		"dataDir="+data,
		"standaloneEnabled=false",
		"initLimit=10",
		"syncLimit=10",
		fmt.Sprintf("server.1=127.0.0.1:%d:%d", freePort(t), freePort(t)),
		"reconfigEnabled=true",
		"localSessionsEnabled=true",
		"skipACL=yes",
	))
}

func freePort(t *testing.T) int {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

// play runs one scenario of Record.java through a proxy.
func play(t *testing.T, rec *recording, server *javazk.Server, scenario string) {
	t.Helper()
	p, err := startProxy(server.Addr(), rec)
	if err != nil {
		t.Fatal(err)
	}
	defer p.close()
	classpath, _, err := javazk.Find(server.Version())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	java := exec.CommandContext(ctx, "java", "-Dzookeeper.sasl.client=false",
		"-Dorg.slf4j.simpleLogger.defaultLogLevel=error",
		"-cp", classpath, "Record.java", scenario, p.addr(), server.Addr())
	java.Stderr = t.Output()
	answers, err := java.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	commands, err := java.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := java.Start(); err != nil {
		t.Fatal(err)
	}
	obeyed := obey(ctx, p, commands, answers)
	if err := java.Wait(); err != nil {
		t.Fatalf("Record.java %s: %v", scenario, err)
	}
	if obeyed != nil {
		t.Fatalf("Record.java %s: %v", scenario, obeyed)
	}
}

// obey does what Record.java tells, one command per line, each answered when
// it is done.
func obey(ctx context.Context, p *proxy, commands io.Reader, answers io.WriteCloser) error {
	defer answers.Close()
	lines := bufio.NewScanner(commands)
	for lines.Scan() {
		verb, rest, _ := strings.Cut(lines.Text(), " ")
		switch verb {
		case "note":
			p.rec.line("#\n# %s", rest)
		case "cut":
			p.cut()
			p.rec.line("# the connection is cut")
		case "open":
			p.open()
		case "await":
			if err := p.rec.await(ctx, "\n< -2 "+rest+" "); err != nil {
				return err
			}
		default:
			return fmt.Errorf("unknown command %q", lines.Text())
		}
		if _, err := io.WriteString(answers, "done\n"); err != nil {
			return err
		}
	}
	return lines.Err()
}

// await returns when the recording contains text.
func (r *recording) await(ctx context.Context, text string) error {
	for {
		sofar, grown := r.state()
		if strings.Contains(sofar, text) {
			return nil
		}
		select {
		case <-grown:
		case <-ctx.Done():
			return fmt.Errorf("no line with %q: %w", text, context.Cause(ctx))
		}
	}
}

// complain names what the recording should have and has not.
func complain(t *testing.T, text string) {
	want := []string{connect}
	for _, name := range opNames {
		want = append(want, name)
	}
	for _, name := range want {
		for _, direction := range []string{">", "<"} {
			if !hasLine(text, direction, name) {
				t.Errorf("no frame %s %s", direction, name)
			}
		}
	}
	if !hasLine(text, "<", event) {
		t.Errorf("no event")
	}
	for _, bad := range []string{"unasked", "# lost", "cannot reach"} {
		if strings.Contains(text, bad) {
			t.Errorf("the recording contains %q", bad)
		}
	}
}

func hasLine(text, direction, name string) bool {
	for line := range strings.Lines(text) {
		if f := strings.Fields(line); len(f) == 4 && f[0] == direction && f[2] == name {
			return true
		}
	}
	return false
}
