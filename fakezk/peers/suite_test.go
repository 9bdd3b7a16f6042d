package peers_test

import (
	"cmp"
	"flag"
	"fmt"
	"maps"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

var (
	onReal   = flag.Bool("real", false, "run suites on a real server, too")
	doRecord = flag.Bool("record", false, "write how suites end on a real server into testdata")
)

// parts is how many processes share a suite. Most tests sleep for most of
// their time, so it may be more than there are cores.
const parts = 4

// racyTries is how often a test is run again that races with itself. It has a
// process for itself, because it may hang.
const racyTries = 3

// A suite is the tests that a client in Python has of its own.
type suite struct {
	name   string            // of the client's package
	tests  string            // the package of the tests
	pip    string            // the version that pip has to fetch, or "" for what is installed
	needs  string            // other Python packages, as in an import
	apt    string            // what to install
	pytest []string          // arguments for pytest
	racy   map[string]string // tests that lose a race of their own now and then, and how
}

var kazooSuite = suite{
	name: "kazoo", tests: "kazoo.tests",
	needs:  "pytest, mock, objgraph, gevent, eventlet, puresasl, kerberos",
	apt:    "python3-kazoo python3-pytest python3-mock python3-objgraph python3-gevent python3-eventlet python3-pure-sasl python3-kerberos",
	pytest: []string{"-p", "kazoo_cluster"},
	racy: map[string]string{
		"test_connection.TestConnectionDrop.test_connection_dropped":          "finds no lost request when the reply to a megabyte is there before it cuts the connection",
		"test_lock.KazooLockTests.test_lock":                                  "waits for ever unless its main thread wakes before the next contender has the lock",
		"test_sasl.TestLegacySASLDigestAuthentication.test_invalid_sasl_auth": refusedTooSoon,
		"test_sasl.TestSASLDigestAuthentication.test_invalid_sasl_auth":       refusedTooSoon,
	},
}

const refusedTooSoon = "takes a refusal for a time-out when that comes before the caller of start wakes"

// TestKazooSuite runs what Debian has, by which baselines were taken.
func TestKazooSuite(t *testing.T) { kazooSuite.test(t) }

// TestNewKazooSuite runs a later version, whose tests know TLS.
func TestNewKazooSuite(t *testing.T) {
	s := kazooSuite
	s.pip = "2.11.0"
	s.needs += ", jks, OpenSSL"
	s.apt += " python3-pip python3-pyjks python3-openssl"
	s.test(t)
}

func TestAiozkSuite(t *testing.T) {
	suite{
		name: "aiozk", tests: "aiozk.test", pip: "0.32.0",
		needs: "pytest, pytest_asyncio", apt: "python3-pip python3-pytest python3-pytest-asyncio",
		pytest: []string{"-o", "asyncio_mode=auto"},
	}.test(t)
}

// test runs the suite on the fake. Each of its tests has to end as it does on
// a real server.
func (s suite) test(t *testing.T) {
	p := s.python(t)
	r := record{s.name, p.version}
	var lines []string
	if *onReal || *doRecord {
		t.Run("real", func(t *testing.T) {
			run := s.run(t, p, bootReal)
			lines = append(lines, run.counts("real 3.8.0"))
			if *doRecord {
				r.write(t, run.results)
			}
			s.compare(t, r.read(t), run)
		})
	}
	t.Run("fake", func(t *testing.T) {
		run := s.run(t, p, bootFake)
		lines = append(lines, run.counts("fake"))
		s.compare(t, r.read(t), run)
	})
	t.Logf("the tests of %s %s:\n%s", s.name, p.version, strings.Join(lines, "\n"))
}

// A suiteRun is what was seen of all tests of a suite.
type suiteRun struct {
	results map[string]string // by test: "passed", "failed", "skipped" and why
	took    time.Duration
	again   func(test string) (result string) // runs it one more time; "" if it does not end
}

// run runs the suite in several processes. Each has a member for itself.
func (s suite) run(t *testing.T, p python, boot booter) *suiteRun {
	certificates := newCertificates(t)
	newPart := func(which ...string) *part {
		return &part{t: t, which: which, member: boot(t, certificates), results: map[string]string{}}
	}
	racy := strings.Join(slices.Sorted(maps.Keys(s.racy)), ",")
	var all []*part
	for k := range parts {
		all = append(all, newPart("--without", racy, "--part", fmt.Sprintf("%d/%d", k, parts)))
	}
	begin := time.Now()
	var running sync.WaitGroup
	for _, part := range all {
		running.Go(func() { part.run(s.command(p, certificates)) })
	}
	running.Wait()
	run := &suiteRun{results: map[string]string{}, took: time.Since(begin)}
	for _, part := range all {
		maps.Copy(run.results, part.results)
	}
	run.again = func(test string) string {
		one := newPart("--only", test)
		one.run(s.command(p, certificates))
		return one.results[test]
	}
	for test := range s.racy {
		run.results[test] = run.again(test)
	}
	return run
}

// command is pytest on the suite.
func (s suite) command(p python, certificates string) *exec.Cmd {
	args := []string{"-m", "pytest", "--quiet", "--tb=short", "--disable-warnings", "-p", "no:cacheprovider", "-p", "outcomes"}
	args = append(append(args, s.pytest...), "--pyargs", s.tests)
	cmd := exec.Command(p.name, args...)
	cmd.Env = append(slices.Clip(p.env), "ZK_TLS_DIR="+certificates)
	return cmd
}

// compare fails t for every test that ends otherwise than it is recorded. What
// is known to be racy has racyTries more, each of which is told.
func (s suite) compare(t *testing.T, recorded map[string]string, run *suiteRun) {
	t.Helper()
	all := maps.Clone(recorded)
	maps.Copy(all, run.results)
	for _, test := range slices.Sorted(maps.Keys(all)) {
		was, is := cmp.Or(recorded[test], "unknown"), cmp.Or(run.results[test], "not run")
		for range racyTries {
			if why, racy := s.racy[test]; racy && was != is {
				t.Logf("%s: %s, and is run again, because it %s", test, is, why)
				is = cmp.Or(run.again(test), "not run")
			}
		}
		if was != is {
			t.Errorf("%s: %s, on the recorded real server: %s", test, is, was)
		}
	}
}

// counts is a line for people.
func (run *suiteRun) counts(server string) string {
	count := map[string]int{}
	for _, result := range run.results {
		word, _, _ := strings.Cut(result, " ")
		count[word]++
	}
	return fmt.Sprintf("%-12s %4d tests: %4d passed, %d failed, %2d skipped, in %.1f s",
		server, len(run.results), count["passed"], count["failed"], count["skipped"], run.took.Seconds())
}
