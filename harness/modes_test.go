package harness_test

import (
	"testing"
	"testing/synctest"

	"github.com/zookit/zookit/harness"
)

// A mode is a backend that a test's body runs on.
type mode struct {
	external bool // shared: somebody else's
	opts     []harness.Option
}

func (m mode) start(t harness.TB, opts ...harness.Option) *harness.Ensemble {
	return harness.New(t, append(opts, m.opts...)...)
}

// bodies are the tests that mean the same on every backend.
var bodies = []struct {
	name string
	own  bool // it needs an ensemble that is its own
	body func(t *testing.T, m mode)
}{
	{"my service", false, testMyService},
	{"side by side", false, testSideBySide},
	{"cut and heal", false, testCutAndHeal},
	{"expire", false, testExpire},
	{"by id", false, testByID},
	{"introspection", false, testIntrospection},
	{"await", false, testAwait},
	{"put", false, testPut},
	{"code under test", false, testCodeUnderTest},
	{"watches", false, testWatches},
	{"left session", false, testLeftSession},
	{"left watch", false, testLeftWatch},
	{"nothing left", false, testNothingLeft},
	{"restart", true, testRestart},
	{"stop and start", true, testStopAndStart},
	{"super user", true, testSuperUser},
	{"options", true, testOptions},
	{"tls", true, testTLS},
	{"user", true, testUser},
}

// fakes runs a body on the fake: in memory, on TCP, and in virtual time.
func fakes(t *testing.T, body func(t *testing.T, m mode)) {
	m := mode{opts: []harness.Option{harness.Fake()}}
	t.Run("memory", func(t *testing.T) { t.Parallel(); body(t, m) })
	t.Run("tcp", func(t *testing.T) {
		t.Parallel()
		body(t, mode{opts: append(m.opts[:1:1], harness.TCP())})
	})
	t.Run("bubble", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) { body(t, m) })
	})
}

// on runs all bodies that fit a mode, in turn: real servers are heavy.
func on(t *testing.T, m mode) {
	for _, b := range bodies {
		if !b.own || !m.external {
			t.Run(b.name, func(t *testing.T) { b.body(t, m) })
		}
	}
}

// shared is a mode of an ensemble of another harness.
func shared(t *testing.T, opts ...harness.Option) mode {
	host := harness.New(t, append(opts, harness.TCP(), harness.Leaks(harness.IgnoreLeaks))...)
	return mode{external: true, opts: []harness.Option{harness.External(host.ConnectString())}}
}

func TestFakes(t *testing.T) {
	for _, b := range bodies {
		t.Run(b.name, func(t *testing.T) { fakes(t, b.body) })
	}
}

func TestExternal(t *testing.T) { on(t, shared(t, harness.Fake())) }

func TestJava(t *testing.T) { on(t, mode{opts: []harness.Option{harness.Java()}}) }

func TestJavaThreeMembers(t *testing.T) {
	on(t, mode{opts: []harness.Option{harness.Java(), harness.Servers(3)}})
}

func TestJavaExternal(t *testing.T) { on(t, shared(t, harness.Java(), harness.Servers(3))) }

// What the assertions say comes from the fake itself, or from the harness's
// own client.
func TestAssertionsSayWhatIsWrong(t *testing.T) {
	testComplaints(t, mode{opts: []harness.Option{harness.Fake()}})
	testComplaints(t, shared(t, harness.Fake()))
}
