// Package testenv holds what the packages for tests need of a test: the part
// of testing.TB that *rapid.T has too, and a slog handler on a test's output.
package testenv

import (
	"context"
	"io"
	"log/slog"
	"os"
)

// TB is what *testing.T, *testing.B and *rapid.T share, so that a property
// test can use everything that takes a test.
type TB interface {
	Helper()
	Name() string
	Context() context.Context
	Cleanup(func())
	Output() io.Writer

	Log(args ...any)
	Logf(format string, args ...any)
	Error(args ...any)
	Errorf(format string, args ...any)
	Fatal(args ...any)
	Fatalf(format string, args ...any)
	Skip(args ...any)
	Skipf(format string, args ...any)
	FailNow()
	Failed() bool
}

// Logger writes to the output of t, so that lines stand under the test that
// caused them. In a synctest bubble its times are virtual.
func Logger(t TB, level slog.Leveler) *slog.Logger {
	return slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: level}))
}

// Missing reports that a tool which a test needs is not on this machine: a
// skip that says what to install, or a failure when CI=true or
// ZK_HARNESS_REQUIRE=1, where nothing may be missing.
func Missing(t TB, what, install string) {
	t.Helper()
	for _, strict := range []struct{ name, value string }{{"CI", "true"}, {"ZK_HARNESS_REQUIRE", "1"}} {
		if os.Getenv(strict.name) == strict.value {
			t.Fatalf("%s is missing, and %s=%s lets nothing be skipped; install it with: %s",
				what, strict.name, strict.value, install)
		}
	}
	t.Skipf("%s is missing; install it with: %s", what, install)
}
