package harness

import (
	"context"
	"net"
	"os"

	"github.com/zookit/zookit/internal/backend"
	"github.com/zookit/zookit/internal/javazk"
)

// startOneJava is a backend of one member, until javazk has a cluster.
func (e *Ensemble) startOneJava(_ context.Context, s backend.Spec) (backend.Cluster, error) {
	if s.Servers > 1 || s.Observers > 0 || s.TLS != nil || s.AdminServer || len(s.Users) > 0 || s.Reconfig || s.ReadOnly {
		return nil, backend.ErrUnsupported
	}
	opts := []javazk.Option{javazk.Config(s.Config...), javazk.JVM(s.JVMFlags...)}
	if s.TickTime > 0 {
		opts = append(opts, javazk.TickTime(int(s.TickTime.Milliseconds())))
	}
	if s.Version != "" {
		opts = append(opts, javazk.Version(s.Version))
	}
	return oneJava{javazk.Start(e.t, opts...)}, nil
}

type oneJava struct{ *javazk.Server }

func (j oneJava) Members() []backend.Member { return []backend.Member{oneJavaMember{j.Server}} }
func (j oneJava) Partition(...[]int) error  { return backend.ErrUnsupported }
func (j oneJava) Heal() error               { return backend.ErrUnsupported }
func (j oneJava) Partitioner() string       { return "none: one member" }
func (j oneJava) Close() error              { j.Kill(); return nil }

type oneJavaMember struct{ s *javazk.Server }

func (m oneJavaMember) ID() int { return 1 }
func (m oneJavaMember) Dial(ctx context.Context, port backend.Port) (net.Conn, error) {
	var d net.Dialer
	return d.DialContext(ctx, "tcp", m.s.Addr())
}
func (m oneJavaMember) Start(context.Context) error  { m.s.Start(); return nil }
func (m oneJavaMember) Stop(context.Context) error   { m.s.Kill(); return nil }
func (m oneJavaMember) Kill(context.Context) error   { m.s.Kill(); return nil }
func (m oneJavaMember) Pause(context.Context) error  { return backend.ErrUnsupported }
func (m oneJavaMember) Resume(context.Context) error { return backend.ErrUnsupported }
func (m oneJavaMember) Running() bool                { return true }
func (m oneJavaMember) Logs() string {
	b, _ := os.ReadFile(m.s.Dir() + "/server.log")
	return string(b)
}
