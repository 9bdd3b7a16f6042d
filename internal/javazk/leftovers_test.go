//go:build unix

package javazk

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/internal/backend"
)

// endEnv has a test binary that this one runs end in some way while it has an
// ensemble; see TestChild.
const endEnv = "ZOOKIT_TEST_END"

// Nothing is left of an ensemble, in whatever way a test binary ends.
func TestNothingIsLeftBehind(t *testing.T) {
	for _, end := range []string{"pass", "fail", "panic", "exit", "interrupt", "terminate", "kill"} {
		t.Run(end, func(t *testing.T) {
			child := startChild(t, end)
			child.awaitReady(t)
			switch end {
			case "interrupt": // as a terminal does: the whole group hears it
				require.NoError(t, syscall.Kill(-child.cmd.Process.Pid, syscall.SIGINT))
			case "terminate":
				require.NoError(t, child.cmd.Process.Signal(syscall.SIGTERM))
			case "kill":
				require.NoError(t, child.cmd.Process.Kill())
			}
			err := child.cmd.Wait()
			require.Equal(t, end == "pass", err == nil, "the binary ended with %v", err)
			child.requireNothingLeft(t)
		})
	}
}

// Two binaries, and many ensembles in each, never meet at a port.
func TestBinariesDoNotCollide(t *testing.T) {
	children := []*child{startChild(t, "many"), startChild(t, "many")}
	seen := map[string]bool{}
	for _, c := range children {
		c.awaitReady(t)
		require.Len(t, c.addrs, 5)
		for _, addr := range c.addrs {
			require.False(t, seen[addr], "two members at %s", addr)
			seen[addr] = true
		}
		require.NoError(t, c.cmd.Process.Kill())
		c.cmd.Wait()
	}
	for _, c := range children {
		c.requireNothingLeft(t)
	}
}

// A child is a run of this binary, and what it says of its ensemble.
type child struct {
	cmd   *exec.Cmd
	says  *os.File
	dirs  []string
	pids  []int
	addrs []string // on the machine's own network
}

func startChild(t *testing.T, end string) *child {
	t.Helper()
	self, err := os.Executable()
	require.NoError(t, err)
	c := &child{cmd: exec.Command(self, "-test.run=^TestChild$", "-test.v")}
	c.cmd.Env = append(os.Environ(), endEnv+"="+end)
	c.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	read, write, err := os.Pipe()
	require.NoError(t, err)
	c.cmd.Stdout, c.cmd.Stderr = write, write
	require.NoError(t, c.cmd.Start())
	require.NoError(t, write.Close())
	t.Cleanup(func() { read.Close() }) // What it says at its end is not read.
	c.says = read
	return c
}

// awaitReady reads of which ensembles the child has.
func (c *child) awaitReady(t *testing.T) {
	t.Helper()
	var said strings.Builder
	for lines := bufio.NewScanner(c.says); lines.Scan(); {
		fmt.Fprintln(&said, lines.Text())
		word, rest, _ := strings.Cut(lines.Text(), " ")
		switch word {
		case "DIR":
			c.dirs = append(c.dirs, rest)
		case "PID":
			pid, err := strconv.Atoi(rest)
			require.NoError(t, err)
			c.pids = append(c.pids, pid)
		case "ADDR":
			c.addrs = append(c.addrs, rest)
		case "MISSING":
			t.Skip(rest)
		case "READY":
			require.NotEmpty(t, c.pids)
			return
		}
	}
	c.cmd.Wait()
	t.Fatalf("the test binary did not get ready:\n%s", &said)
}

func (c *child) requireNothingLeft(t *testing.T) {
	t.Helper()
	for _, pid := range c.pids {
		eventually(t, fmt.Sprintf("process %d is gone", pid), func() bool { return !alive(pid) })
	}
	for _, dir := range c.dirs {
		eventually(t, dir+" is gone", func() bool {
			_, err := os.Stat(dir)
			return errors.Is(err, fs.ErrNotExist)
		})
	}
	for _, addr := range c.addrs {
		l, err := net.Listen("tcp", addr)
		require.NoError(t, err, "a port is left")
		require.NoError(t, l.Close())
	}
}

// alive is false for a process that is dead and only waits to be waited for.
func alive(pid int) bool {
	if syscall.Kill(pid, 0) != nil {
		return false
	}
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	return err != nil || !strings.Contains(string(stat), ") Z ")
}

// TestChild is what a child runs.
func TestChild(t *testing.T) {
	end := os.Getenv(endEnv)
	if end == "" {
		return // It is not a child.
	}
	specs := []backend.Spec{{Servers: 2}}
	choose := chooseNetwork
	if end == "many" {
		specs = []backend.Spec{{Servers: 1}, {Servers: 1}, {Servers: 3}}
		choose = onLoopback
	}
	for _, spec := range specs {
		c, err := startCluster(t.Context(), spec, choose)
		if lacks, ok := err.(*backend.MissingError); ok {
			fmt.Printf("MISSING %q\n", lacks.What)
		}
		require.NoError(t, err)
		t.Cleanup(func() { c.Close() })
		tell(c)
	}
	fmt.Println("READY")
	switch end {
	case "pass":
	case "fail":
		t.Fatal("as it was asked to")
	case "panic":
		go panic("as it was asked to")
		time.Sleep(time.Minute)
	case "exit":
		os.Exit(3)
	default:
		time.Sleep(time.Minute) // until it is ended from outside
	}
}

func tell(c *cluster) {
	fmt.Println("DIR", c.dir)
	fmt.Println("PID", c.reaper.p.pid())
	for _, m := range c.members {
		fmt.Println("PID", m.process.pid())
		if _, in := c.net.(*loopback); in {
			fmt.Println("ADDR", hostPort(m.site.clientHost, m.site.client))
		}
	}
}
