package harness_test

import (
	"context"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/fakezk"
	"github.com/zookit/zookit/harness"
	"github.com/zookit/zookit/internal/backend"
)

func TestUnknownBackend(t *testing.T) {
	t.Setenv("ZK_HARNESS", "jav")
	r := inside(t, func(r *recorder) { harness.New(r) })
	require.Contains(t, r.said(), "ZK_HARNESS=jav: there are fake, java, docker and external")
}

func TestTheEnvironmentChoosesAndAnOptionWins(t *testing.T) {
	host := harness.New(t, harness.Fake(), harness.TCP(), harness.Leaks(harness.IgnoreLeaks))
	t.Setenv("ZK_HARNESS", "external")
	t.Setenv("ZK_HOSTS", host.ConnectString())
	r := inside(t, func(r *recorder) {
		e := harness.New(r)
		require.Contains(t, e.String(), "external ZooKeeper at 127.0.0.1:")
		require.Equal(t, "external", r.attrs["zk.backend"])
		e.Connect()
		names, _ := host.Fake().Children("/")
		require.Len(t, names, 2, "the test has a chroot: %v", names)
		other := harness.New(r, harness.Fake())
		require.Contains(t, other.String(), "fake ZooKeeper at ")
	})
	require.Empty(t, r.errors)
	host.WantChildren("/", "zookeeper")

	t.Setenv("ZK_HOSTS", "")
	r = inside(t, func(r *recorder) { harness.New(r) })
	require.Contains(t, r.said(), "ZK_HOSTS is empty; it has the form host:port")
}

func TestABackendIsLinkedInByAnImport(t *testing.T) {
	r := inside(t, func(r *recorder) { harness.New(r, harness.Docker()) })
	require.Contains(t, r.said(), `import _ "github.com/zookit/zookit/harness/docker"`)
}

// A missing backend is a skip that says how to get it, unless it is required.
func TestMissingBackend(t *testing.T) {
	for _, test := range []struct {
		name, require, ci string
		fails             bool
	}{
		{"skip", "", "", false},
		{"ZK_HARNESS_REQUIRE", "1", "", true},
		{"CI", "", "true", true},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Setenv("PATH", t.TempDir()) // where there is no java
			t.Setenv("JAVA_HOME", "")
			t.Setenv("ZK_HARNESS", "java")
			t.Setenv("ZK_HARNESS_REQUIRE", test.require)
			t.Setenv("CI", test.ci)
			r := inside(t, func(r *recorder) {
				harness.New(r)
				t.Error("there is no java, but it started")
			})
			said := r.skipped
			if test.fails {
				require.Empty(t, r.skipped)
				said = r.said()
			} else {
				require.Empty(t, r.errors)
			}
			require.Contains(t, said, "java")
			require.Contains(t, said, "is missing")
			require.Contains(t, said, "apt-get install")
		})
	}
}

func TestWhatTheFakeHasNot(t *testing.T) {
	t.Setenv("ZK_HARNESS", "")
	for want, opt := range map[string]harness.Option{
		"it has one member so far": harness.Servers(3),
		"more members than one":    harness.Observers(1),
	} {
		r := inside(t, func(r *recorder) { harness.New(r, opt) })
		require.Contains(t, r.skipped, want)
		require.Empty(t, r.errors)
	}
	for want, do := range map[string]func(*harness.Ensemble){
		"pause a server": func(e *harness.Ensemble) { e.Servers()[0].Pause() },
		"Partition":      func(e *harness.Ensemble) { e.Partition(e.Servers()) },
	} {
		r := inside(t, func(r *recorder) { do(harness.New(r)) })
		require.Contains(t, r.skipped, want)
		require.Empty(t, r.errors)
	}
}

func TestWhatAnExternalEnsembleHasNot(t *testing.T) {
	m := shared(t, harness.Fake())
	for want, do := range map[string]func(r *recorder){
		"stop a":    func(r *recorder) { m.start(r).Restart() },
		"kill a":    func(r *recorder) { m.start(r).Servers()[0].Kill() },
		"Config":    func(r *recorder) { m.start(r, harness.Config("a=b")) },
		"2 servers": func(r *recorder) { m.start(r, harness.Servers(2)) },
		"TLS":       func(r *recorder) { m.start(r, harness.TLS()) },
	} {
		r := inside(t, do)
		require.Contains(t, r.skipped, want)
		require.Contains(t, r.skipped, "the backend external does not have it")
		require.Empty(t, r.errors)
	}
	for want, do := range map[string]func(*harness.Ensemble){
		"Snapshot: only the fake has it":                           func(e *harness.Ensemble) { e.Snapshot() },
		"Restore: only the fake has it":                            func(e *harness.Ensemble) { e.Restore(nil) },
		"Fake: only the fake has it, and the backend is external":  func(e *harness.Ensemble) { e.Fake() },
		"there is no AdminServer: give New the option AdminServer": func(e *harness.Ensemble) { e.Servers()[0].AdminAddr() },
		"there is no TLS: give New the option TLS":                 func(e *harness.Ensemble) { e.TLS() },
	} {
		r := inside(t, func(r *recorder) { do(m.start(r)) })
		require.Contains(t, r.said(), want)
	}
}

func TestARealBackendHasNoVirtualTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := inside(t, func(r *recorder) { harness.New(r, harness.Java()) })
		require.Contains(t, r.skipped, "whose time is virtual")
	})
}

func TestBadOptions(t *testing.T) {
	for want, opt := range map[string]harness.Option{
		"neither can be below 0": harness.Servers(-1),
		"whole milliseconds":     harness.TickTime(-1),
		"maximum of connections": harness.Fake(fakezk.MaxConns(-1)),
	} {
		r := inside(t, func(r *recorder) { harness.New(r, opt) })
		require.Contains(t, r.said(), want)
	}
}

// A backend that cannot start leaves nothing behind.
func TestStartFails(t *testing.T) {
	backend.Register("broken", func(context.Context, backend.Spec) (backend.Cluster, error) {
		return nil, context.DeadlineExceeded
	})
	t.Setenv("ZK_HARNESS", "broken")
	r := inside(t, func(r *recorder) { harness.New(r) })
	require.Contains(t, r.said(), "harness: start of the backend broken: context deadline exceeded")
	host := harness.New(t, harness.Fake(), harness.TCP())
	r = inside(t, func(r *recorder) { harness.New(r, harness.External(host.ConnectString()+"/no//path")) })
	require.Contains(t, r.said(), "harness: start of the backend external: create the test's chroot /no//path/zookit-")
}
