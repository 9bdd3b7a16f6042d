package harness

import (
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/zookit/zookit/fakezk"
	"github.com/zookit/zookit/internal/backend"
	"github.com/zookit/zookit/internal/javazk"
	"github.com/zookit/zookit/internal/testenv"
)

// The names of the backends, as ZK_HARNESS has them.
const (
	fakeBackend     = "fake"
	javaBackend     = "java"
	dockerBackend   = "docker"
	externalBackend = "external"
)

// Fake chooses the fake, whatever ZK_HARNESS says, and passes options on to
// it. By default it is a ZooKeeper 3.9 with TTL znodes and all four-letter
// words enabled, and no limit of connections.
func Fake(opts ...fakezk.Option) Option {
	return func(c *config) { c.backend, c.fake = fakeBackend, append(c.fake, opts...) }
}

// Java chooses real servers, each a process on this machine, whatever
// ZK_HARNESS says.
func Java() Option { return func(c *config) { c.backend = javaBackend } }

// Docker chooses real servers in containers, whatever ZK_HARNESS says. The
// test links the backend in:
//
//	import _ "github.com/zookit/zookit/harness/docker"
func Docker() Option { return func(c *config) { c.backend = dockerBackend } }

// External chooses an ensemble that somebody else runs, such as
// "zk1:2181,zk2:2181/base", whatever ZK_HARNESS and ZK_HOSTS say. The test has
// a chroot of its own there; see Ensemble.ConnectString.
func External(hosts string) Option {
	return func(c *config) { c.backend, c.hosts = externalBackend, hosts }
}

func newConfig(opts []Option) (*config, error) {
	c := &config{level: slog.LevelWarn, super: rand.Text()}
	for _, o := range opts {
		o(c)
	}
	if c.backend == "" {
		c.backend = os.Getenv("ZK_HARNESS")
	}
	if c.backend == "" {
		c.backend = fakeBackend
	}
	if c.backend == externalBackend && c.hosts == "" {
		if c.hosts = os.Getenv("ZK_HOSTS"); c.hosts == "" {
			return nil, errors.New("harness: an external ensemble is asked for, but ZK_HOSTS is empty; it has the form host:port,host:port")
		}
	}
	return c, c.validate()
}

func (c *config) validate() error {
	switch {
	case c.spec.Servers < 0 || c.spec.Observers < 0:
		return fmt.Errorf("harness: %d servers and %d observers: neither can be below 0", c.spec.Servers, c.spec.Observers)
	case c.spec.TickTime < 0 || c.spec.TickTime%time.Millisecond != 0:
		return fmt.Errorf("harness: tick time %v: whole milliseconds, and at least 1", c.spec.TickTime)
	}
	return nil
}

// starter is what starts the real backend.
func (c *config) starter() (backend.Starter, error) {
	switch c.backend {
	case javaBackend:
		return javazk.StartCluster, nil
	case externalBackend:
		return external{c.hosts}.start, nil
	}
	if start := backend.Registered(c.backend); start != nil {
		return start, nil
	}
	if c.backend == dockerBackend {
		return nil, errors.New(`harness: the backend docker is not linked in; add to a _test.go file of this package: import _ "github.com/zookit/zookit/harness/docker"`)
	}
	return nil, fmt.Errorf("harness: ZK_HARNESS=%s: there are fake, java, docker and external", c.backend)
}

// unsupported skips the test because its backend does not have what it needs.
func (e *Ensemble) unsupported(what, why string) {
	e.t.Helper()
	e.t.Skipf("harness: %s: the backend %s does not have it: %s", what, e.cfg.backend, why)
}

// missing skips the test because its backend cannot run on this machine, or
// fails it where nothing may be skipped.
func missing(t TB, m *backend.MissingError) {
	t.Helper()
	testenv.Missing(t, m.What, m.Install)
}

// inBubble tells whether time is virtual: that of a synctest bubble begins
// with the year 2000.
func inBubble() bool { return time.Now().Year() < 2010 }
