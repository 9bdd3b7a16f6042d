package harness

import (
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/zookit/zookit/fakezk"
)

// An Option configures New.
type Option func(*config)

type config struct {
	tcp   bool
	fake  []fakezk.Option
	leaks LeakMode
	level slog.Level
}

func newConfig(opts []Option) (*config, error) {
	c := &config{level: slog.LevelWarn}
	for _, o := range opts {
		o(c)
	}
	if backend := os.Getenv("ZK_HARNESS"); backend != "" && backend != "fake" {
		return nil, fmt.Errorf(`harness: ZK_HARNESS=%s: the only backend so far is "fake"`, backend)
	}
	return c, nil
}

// TCP makes the server listen on a loopback port, for code under test that
// cannot be given a dialer. The default is a network in memory.
func TCP() Option { return func(c *config) { c.tcp = true } }

// Fake passes options on to the fake server. By default it is a ZooKeeper 3.9
// with TTL znodes and all four-letter words enabled, and no limit of
// connections.
func Fake(opts ...fakezk.Option) Option {
	return func(c *config) { c.fake = append(c.fake, opts...) }
}

// TickTime is the grain of session expiry, 3 s by default. Sessions last 2 to
// 20 ticks: in real time, a short tick makes short sessions.
func TickTime(d time.Duration) Option { return Fake(fakezk.TickTime(d)) }

// Leaks says what becomes of what the code under test leaves behind; the
// default is FailOnLeaks.
func Leaks(mode LeakMode) Option { return func(c *config) { c.leaks = mode } }

// LogLevel is from which level on clients and server log to the test's
// output; the default is slog.LevelWarn.
func LogLevel(level slog.Level) Option { return func(c *config) { c.level = level } }
