package harness

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"regexp"
	"strings"

	"github.com/zookit/zookit/internal/backend"
	"github.com/zookit/zookit/zk"
)

// external is an ensemble that somebody else runs, by its connect string.
type external struct{ hosts string }

// start connects to nothing yet.
func (x external) start(context.Context, backend.Spec) (backend.Cluster, error) {
	hosts, _, _ := strings.Cut(x.hosts, "/")
	var c externalCluster
	for i, host := range strings.Split(hosts, ",") {
		host = strings.TrimSpace(host)
		if _, _, err := net.SplitHostPort(host); err != nil {
			host = net.JoinHostPort(strings.Trim(host, "[]"), "2181")
		}
		c = append(c, &externalMember{id: i + 1, addr: host})
	}
	return c, nil
}

// needsOfExternal skips a test that needs an ensemble set up in its own way.
func (e *Ensemble) needsOfExternal() {
	if e.cfg.backend != externalBackend {
		return
	}
	e.t.Helper()
	spec := &e.cfg.spec
	have := len(strings.Split(e.cfg.hosts, ","))
	for what, asked := range map[string]bool{
		"Config": len(spec.Config) > 0, "JVMFlags": len(spec.JVMFlags) > 0, "Reconfig": spec.Reconfig,
		"ReadOnly": spec.ReadOnly, "SuperUser": e.cfg.superUser, "TLS": e.cfg.tls, "User": len(spec.Users) > 0,
		"AdminServer": spec.AdminServer, "Observers": spec.Observers > 0, "Version": spec.Version != "",
	} {
		if asked {
			e.unsupported(what, "somebody else has configured it")
		}
	}
	if spec.Servers > have {
		e.unsupported(fmt.Sprintf("%d servers", spec.Servers), fmt.Sprintf("it has %d", have))
	}
}

var notInNames = regexp.MustCompile(`[^A-Za-z0-9]+`)

// makeChroot makes the test a place of its own on an ensemble that it shares.
func (e *Ensemble) makeChroot(ctx context.Context) error {
	r := e.cluster
	_, base, _ := strings.Cut(e.cfg.hosts, "/")
	name := notInNames.ReplaceAllString(e.t.Name(), "-")
	chroot := fmt.Sprintf("/zookit-%.60s-%s", name, rand.Text()[:10])
	if base != "" {
		chroot = "/" + base + chroot
	}
	if err := r.admin.put(ctx, chroot, []byte{}); err != nil {
		return fmt.Errorf("create the test's chroot %s: %w", chroot, err)
	}
	r.chroot, r.admin.view = chroot, r.admin.root.Chroot(chroot)
	return nil
}

// chroot is the test's on an external ensemble, else "".
func (e *Ensemble) chroot() string {
	if e.cluster == nil {
		return ""
	}
	return e.cluster.chroot
}

// deleteChroot leaves the ensemble as it was.
func (e *Ensemble) deleteChroot() {
	r := e.cluster
	if r.chroot == "" {
		return
	}
	ctx, cancel := patient()
	defer cancel()
	if err := r.admin.deleteAll(ctx, r.chroot); err != nil {
		if errors.Is(err, zk.ErrNoAuth) {
			err = fmt.Errorf("%w; what the test has protected stays there", err)
		}
		e.t.Errorf("harness: delete the test's chroot %s: %v", r.chroot, err)
	}
}

// An externalCluster is an ensemble that is only connected to.
type externalCluster []backend.Member

func (c externalCluster) Version() string           { return "" }
func (c externalCluster) Members() []backend.Member { return c }
func (c externalCluster) Partition(...[]int) error  { return backend.ErrUnsupported }
func (c externalCluster) Heal() error               { return backend.ErrUnsupported }
func (c externalCluster) Partitioner() string       { return "none: somebody else runs the ensemble" }
func (c externalCluster) Close() error              { return nil }

type externalMember struct {
	id   int
	addr string
}

func (m *externalMember) ID() int { return m.id }

func (m *externalMember) Dial(ctx context.Context, port backend.Port) (net.Conn, error) {
	if port != backend.PortClient {
		return nil, backend.ErrUnsupported
	}
	var d net.Dialer
	return d.DialContext(ctx, "tcp", m.addr)
}

func (m *externalMember) Start(context.Context) error  { return backend.ErrUnsupported }
func (m *externalMember) Stop(context.Context) error   { return backend.ErrUnsupported }
func (m *externalMember) Kill(context.Context) error   { return backend.ErrUnsupported }
func (m *externalMember) Pause(context.Context) error  { return backend.ErrUnsupported }
func (m *externalMember) Resume(context.Context) error { return backend.ErrUnsupported }
func (m *externalMember) Running() bool                { return true }
func (m *externalMember) Logs() string                 { return "" }
