package conformance

import (
	"context"
	"flag"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/fakezk"
	"github.com/zookit/zookit/internal/javazk"
)

var record = flag.Bool("record", false, "write what the real server answers into the cases")

// load reads all cases.
func load(t *testing.T) []family {
	all, err := families()
	require.NoError(t, err)
	return all
}

// eachCase runs f for every case as a subtest.
func eachCase(t *testing.T, all []family, f func(t *testing.T, c *testCase)) {
	for _, fam := range all {
		t.Run(fam.name, func(t *testing.T) {
			for i := range fam.cases {
				t.Run(fam.cases[i].name, func(t *testing.T) { f(t, &fam.cases[i]) })
			}
		})
	}
}

// TestFake plays every case against the fake, in virtual time.
func TestFake(t *testing.T) {
	eachCase(t, load(t), func(t *testing.T, c *testCase) {
		if diff := c.onFake(t, "the record"); diff != "" {
			t.Error(diff)
		}
	})
}

// TestReal plays every case against a real server: what the cases say is true.
// With -record it writes what the real server says into the cases.
func TestReal(t *testing.T) {
	all := load(t)
	servers := startServers(t, all)
	eachCase(t, all, func(t *testing.T, c *testCase) {
		c.onReal(t, func(root string) string { return c.difference(t, servers.run(t, c, root), "the record") })
	})
	if *record {
		for _, fam := range all {
			require.NoError(t, fam.write())
		}
	}
}

// TestFakeEqualsReal plays every case against both.
func TestFakeEqualsReal(t *testing.T) {
	all := load(t)
	servers := startServers(t, all)
	eachCase(t, all, func(t *testing.T, c *testCase) {
		c.onReal(t, func(root string) string {
			require.NoError(t, c.play(servers.run(t, c, root), func(s *step, got string) bool {
				s.want = got
				return false
			}))
			return c.onFake(t, "a real server")
		})
	})
}

func (c *testCase) root() string { return "/" + c.name }

// onFake plays the case against a fake and tells the first difference.
func (c *testCase) onFake(t *testing.T, wants string) (diff string) {
	synctest.Test(t, func(t *testing.T) {
		diff = c.difference(t, newRun(dialFake(t, c.server), c.root()), wants)
	})
	return diff
}

// onReal plays a case that has to do with a real server until it shows no
// difference. A case about times has three tries: the server is a process
// beside others, and may be late for no fault of its own. What is wrong is so
// each time.
func (c *testCase) onReal(t *testing.T, play func(root string) (diff string)) {
	t.Helper()
	root := c.root()
	for left := c.tries(); ; left-- {
		diff := play(root)
		if diff == "" {
			return
		}
		if left == 1 {
			t.Error(diff)
			return
		}
		t.Logf("once more, since it is about times:\n%s", diff)
		root += "-again"
	}
}

func (c *testCase) tries() int {
	for _, s := range c.steps {
		if s.verb == "sleep" || s.verb == "eof" && len(s.args) > 0 {
			return 3
		}
	}
	return 1
}

// difference plays the case up to the first step with another transcript, and
// tells it.
func (c *testCase) difference(t *testing.T, r *run, wants string) (diff string) {
	t.Helper()
	var before strings.Builder
	require.NoError(t, c.play(r, func(s *step, got string) bool {
		if *record {
			s.want = got
			return false
		}
		if got == s.want {
			fmt.Fprintf(&before, "%s\n%s", s.line, got)
			return false
		}
		diff = fmt.Sprintf("%s: %s\n\n%s%s\n--- got\n%s--- %s has\n%s", c.name, c.rule, &before, s.line, got, wants, s.want)
		return true
	}))
	return diff
}

// dialFake starts a fake in memory.
func dialFake(t *testing.T, props []string) dialFunc {
	e := fakezk.New(t, fakeOptions(props)...)
	return func() (net.Conn, error) { return e.DialContext(context.Background(), "tcp", e.ConnectString()) }
}

// fakeOptions is the same server as startReal's.
func fakeOptions(props []string) []fakezk.Option {
	flags, config := flagsAndConfig(props)
	return []fakezk.Option{fakezk.TickTime(2 * time.Second), fakezk.MaxClientConns(0), fakezk.JVMFlags(flags...), fakezk.Config(config...)}
}

// flagsAndConfig tells the properties that a server takes from the command
// line of its JVM from those that it takes from zoo.cfg.
func flagsAndConfig(props []string) (flags, config []string) {
	for _, p := range props {
		if strings.HasPrefix(p, "jute.") || strings.HasPrefix(p, "znode.container.") {
			flags = append(flags, "-D"+p)
		} else {
			config = append(config, p)
		}
	}
	return flags, config
}

// servers are real ones that run, by their properties. Cases that do not need
// a fresh one share it.
type servers map[string]string

func startServers(t *testing.T, all []family) servers {
	s := servers{}
	for _, fam := range all {
		for _, c := range fam.cases {
			if key := strings.Join(c.server, " "); s[key] == "" && !c.fresh {
				s[key] = startReal(t, c.server)
			}
		}
	}
	return s
}

func (s servers) run(t *testing.T, c *testCase, root string) *run {
	t.Helper()
	addr := s[strings.Join(c.server, " ")]
	if c.fresh {
		addr = startReal(t, c.server)
	}
	r := newRun(dialTCP(addr), root)
	r.slack = 3 * time.Second
	return r
}

// startReal boots a real server.
func startReal(t *testing.T, props []string) string {
	t.Helper()
	flags, config := flagsAndConfig(props)
	s := javazk.Start(t, javazk.TickTime(2000), javazk.Version("3.9"), javazk.Config(config...), javazk.JVM(flags...))
	return s.Addr()
}

// write puts what was recorded into the file.
func (f *family) write() error {
	name := filepath.Join("cases", f.name+".txt")
	text, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	var steps []step
	for _, c := range f.cases {
		steps = append(steps, c.steps...)
	}
	var b strings.Builder
	for line := range strings.Lines(string(text)) {
		if strings.HasPrefix(line, "\t") {
			continue
		}
		b.WriteString(line)
		if len(steps) > 0 && strings.TrimSuffix(line, "\n") == steps[0].line {
			b.WriteString(steps[0].want)
			steps = steps[1:]
		}
	}
	return os.WriteFile(name, []byte(b.String()), 0o644)
}
