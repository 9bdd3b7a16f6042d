package harness

import (
	"log/slog"
	"time"

	"github.com/zookit/zookit/fakezk"
	"github.com/zookit/zookit/internal/backend"
)

// An Option configures New.
type Option func(*config)

type config struct {
	backend   string // its name
	hosts     string // of an external ensemble, with a chroot
	spec      backend.Spec
	super     string // the super user's password, of which superUser says that the test knows it
	superUser bool
	tls       bool
	tcp       bool
	fake      []fakezk.Option
	leaks     LeakMode
	level     slog.Level
}

// Servers is how many voting members the ensemble has, 1 by default. On the
// fake, which has one member so far, a test that asks for more is skipped; an
// external ensemble must have as many.
func Servers(n int) Option { return func(c *config) { c.spec.Servers = n } }

// Observers is how many members without a vote it has beside, 0 by default. On
// the fake and on an external ensemble a test that asks for one is skipped.
func Observers(n int) Option { return func(c *config) { c.spec.Observers = n } }

// Version asks for a release by its beginning, such as "3.9" or "3.8.6". By
// default it is what the backend has: for java what is installed, or 3.9. A
// test is skipped that asks for one which there is not.
func Version(version string) Option { return func(c *config) { c.spec.Version = version } }

// TickTime is the grain of session expiry, in whole milliseconds. Sessions last
// 2 to 20 ticks: in real time, a short tick makes short sessions. The default
// is 3 s on the fake and the backend's own on others, such as 200 ms on java;
// an external ensemble keeps its own.
func TickTime(d time.Duration) Option { return func(c *config) { c.spec.TickTime = d } }

// Config adds lines to zoo.cfg, such as "maxSessionTimeout=60000". They come
// last, and so win. The fake knows most of them, and logs those that it does
// not; see fakezk.Config.
func Config(lines ...string) Option {
	return func(c *config) { c.spec.Config = append(c.spec.Config, lines...) }
}

// JVMFlags are for the java of each server, such as "-Dzookeeper.skipACL=yes".
// The fake takes what zookeeper's properties say; see fakezk.JVMFlags.
func JVMFlags(flags ...string) Option {
	return func(c *config) { c.spec.JVMFlags = append(c.spec.JVMFlags, flags...) }
}

// Reconfig lets clients change the ensemble's members.
func Reconfig() Option { return func(c *config) { c.spec.Reconfig = true } }

// ReadOnly lets members that have lost their quorum serve reads, to clients
// that ask for it.
func ReadOnly() Option { return func(c *config) { c.spec.ReadOnly = true } }

// SuperUser makes the digest identity "super:" with this password the super
// user, whom no ACL holds:
//
//	c := e.Connect(zk.Auth("digest", []byte("super:secret")))
func SuperUser(password string) Option {
	return func(c *config) { c.super, c.superUser = password, true }
}

// TLS makes clients talk TLS, with certificates that live as long as the test:
// Connect and DialContext do it by themselves, and others need Ensemble.TLS.
// Members want to see a client's certificate.
func TLS() Option { return func(c *config) { c.tls = true } }

// User adds a name and password of SASL DIGEST-MD5. It may be given several
// times.
//
//	c := e.Connect(zk.SASL(zk.DigestMD5("alice", "secret")))
func User(name, password string) Option {
	return func(c *config) {
		if c.spec.Users == nil {
			c.spec.Users = map[string]string{}
		}
		c.spec.Users[name] = password
	}
}

// AdminServer makes each member serve HTTP commands; see Server.AdminAddr.
func AdminServer() Option { return func(c *config) { c.spec.AdminServer = true } }

// TCP makes the fake listen on a loopback port, for code under test that
// cannot be given a dialer. The default is a network in memory. Others always
// listen on one.
func TCP() Option { return func(c *config) { c.tcp = true } }

// Leaks says what becomes of what the code under test leaves behind; the
// default is FailOnLeaks.
func Leaks(mode LeakMode) Option { return func(c *config) { c.leaks = mode } }

// LogLevel is from which level on clients and the fake log to the test's
// output; the default is slog.LevelWarn.
func LogLevel(level slog.Level) Option { return func(c *config) { c.level = level } }
