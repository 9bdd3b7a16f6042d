package harness_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"runtime"
	"strings"
	"sync"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// A recorder is a test inside a test, whose failures are looked at.
type recorder struct {
	testing.TB
	ctx    context.Context
	cancel context.CancelFunc

	mu       sync.Mutex
	cleanups []func()
	errors   []string
	logs     []string
	skipped  string
	attrs    map[string]string
	out      bytes.Buffer
}

// inside runs f as a test of its own and returns what it complained of.
func inside(t *testing.T, f func(r *recorder)) *recorder {
	t.Helper()
	r := &recorder{TB: t, attrs: map[string]string{}}
	r.ctx, r.cancel = context.WithCancel(context.WithoutCancel(t.Context()))
	run := func(f func()) {
		done := make(chan struct{})
		go func() { defer close(done); f() }() // Fatal ends the goroutine
		<-done
	}
	run(func() { f(r) })
	r.cancel()
	run(func() {
		for i := len(r.cleanups) - 1; i >= 0; i-- {
			r.cleanups[i]()
		}
	})
	return r
}

func (r *recorder) Helper()                  {}
func (r *recorder) Attr(key, value string)   { r.attrs[key] = value }
func (r *recorder) Context() context.Context { return r.ctx }
func (r *recorder) Output() io.Writer        { return &r.out }
func (r *recorder) Failed() bool             { return len(r.errors) > 0 }
func (r *recorder) Cleanup(f func())         { r.cleanups = append(r.cleanups, f) }
func (r *recorder) Error(args ...any)        { r.Errorf("%s", fmt.Sprint(args...)) }

func (r *recorder) Errorf(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.errors = append(r.errors, fmt.Sprintf(format, args...))
}

func (r *recorder) Logf(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.logs = append(r.logs, fmt.Sprintf(format, args...))
}

func (r *recorder) Fatal(args ...any) { r.Fatalf("%s", fmt.Sprint(args...)) }

func (r *recorder) Fatalf(format string, args ...any) {
	r.Errorf(format, args...)
	runtime.Goexit()
}

func (r *recorder) Log(args ...any) { r.Logf("%s", fmt.Sprint(args...)) }

func (r *recorder) Skipf(format string, args ...any) {
	r.mu.Lock()
	r.skipped = fmt.Sprintf(format, args...)
	r.mu.Unlock()
	runtime.Goexit()
}

func (r *recorder) said() string { return strings.Join(r.errors, "\n") }
