package docker

import (
	"context"
	"fmt"
	"net"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/containerd/errdefs"
	"github.com/moby/moby/api/pkg/stdcopy"
	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/api/types/network"
	"github.com/moby/moby/client"
	"github.com/testcontainers/testcontainers-go"

	"github.com/zookit/zookit/internal/backend"
)

var errDown = fmt.Errorf("the member is not running: %w", syscall.ECONNREFUSED)

// A member is a container. It is stopped and started, and never made again.
type member struct {
	cluster   *cluster
	plan      memberPlan
	container testcontainers.Container

	acting sync.Mutex // one control at a time, but for the wait until it serves

	// Guarded by the cluster's lock, as far as the harness knows:
	up, paused, cut bool
	addrs           map[backend.Port]string // anew at each start
	earlier         int                     // bytes of log before the latest start
}

func (m *member) ID() int { return m.plan.id }

// say reads or writes what the cluster's lock guards.
func (m *member) say(what func()) {
	m.cluster.mu.Lock()
	defer m.cluster.mu.Unlock()
	what()
}

// create makes the container, in the network of its peers, with its files.
func (m *member) create(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), apiTime)
	defer cancel()
	req := testcontainers.ContainerRequest{
		Image:  m.cluster.plan.image,
		Env:    m.plan.env,
		Labels: m.cluster.labels(),
	}
	bindings := network.PortMap{}
	for _, port := range m.plan.ports {
		p := network.MustParsePort(strconv.Itoa(int(port)) + "/tcp")
		req.ExposedPorts = append(req.ExposedPorts, p.String())
		bindings[p] = []network.PortBinding{{HostIP: m.cluster.daemon.publishOn(), HostPort: "0"}}
	}
	for path, content := range m.plan.files {
		req.Files = append(req.Files, testcontainers.ContainerFile{
			Reader: strings.NewReader(content), ContainerFilePath: path, FileMode: 0o644, // for the image's user
		})
	}
	req.HostConfigModifier = func(host *container.HostConfig) {
		host.PortBindings = bindings
		if n := m.cluster.network; n != nil {
			host.ExtraHosts = n.hosts(m.cluster.plan.members)
		}
	}
	var err error
	m.container, err = testcontainers.GenericContainer(ctx, testcontainers.GenericContainerRequest{
		ContainerRequest: req, Logger: quiet{},
	})
	if err != nil || m.cluster.network == nil {
		return err
	}
	return m.cluster.network.connect(ctx, m.cluster.daemon, m)
}

// quiet drops what testcontainers says of each step.
type quiet struct{}

func (quiet) Printf(string, ...any) {}

// run starts the container and learns where its ports are.
func (m *member) run(ctx context.Context) error {
	if err := m.container.Start(ctx); err != nil {
		return err
	}
	addrs := map[backend.Port]string{}
	for port, inside := range m.plan.ports {
		mapped, err := m.container.MappedPort(ctx, strconv.Itoa(int(inside))+"/tcp")
		if err != nil {
			return fmt.Errorf("port %d of the container is not published: %w", inside, err)
		}
		addrs[port] = net.JoinHostPort(m.cluster.daemon.host, mapped.Port())
	}
	m.say(func() { m.up, m.paused, m.addrs = true, false, addrs })
	return nil
}

func (m *member) Start(ctx context.Context) error {
	err := m.runAgain(ctx)
	if err == nil {
		err = m.awaitServing(ctx, true)
	}
	return m.failed("start", err)
}

func (m *member) runAgain(ctx context.Context) error {
	m.acting.Lock()
	defer m.acting.Unlock()
	if m.Running() {
		return nil
	}
	log, err := m.log(ctx)
	if err != nil {
		return err
	}
	m.say(func() { m.earlier = len(log) })
	return m.run(ctx)
}

// Stop is SIGTERM, and SIGKILL after 10 s.
func (m *member) Stop(ctx context.Context) error {
	const patience = 10 * time.Second
	d := patience
	return m.end("stop", func() error { return m.container.Stop(ctx, &d) })
}

func (m *member) Kill(ctx context.Context) error {
	return m.end("kill", func() error {
		_, err := m.cluster.daemon.ContainerKill(ctx, m.container.GetContainerID(), client.ContainerKillOptions{Signal: "SIGKILL"})
		if errdefs.IsConflict(err) && !m.Running() {
			return nil // it had ended before
		}
		return err
	})
}

func (m *member) end(what string, do func() error) error {
	m.acting.Lock()
	defer m.acting.Unlock()
	m.say(func() { m.up, m.paused, m.addrs = false, false, nil })
	return m.failed(what, do())
}

func (m *member) Pause(ctx context.Context) error {
	m.acting.Lock()
	defer m.acting.Unlock()
	_, err := m.cluster.daemon.ContainerPause(ctx, m.container.GetContainerID(), client.ContainerPauseOptions{})
	if err == nil {
		m.say(func() { m.paused = true })
	}
	return m.failed("pause", err)
}

func (m *member) Resume(ctx context.Context) error {
	m.acting.Lock()
	defer m.acting.Unlock()
	_, err := m.cluster.daemon.ContainerUnpause(ctx, m.container.GetContainerID(), client.ContainerUnpauseOptions{})
	if err == nil {
		m.say(func() { m.paused = false })
	}
	return m.failed("resume", err)
}

func (m *member) failed(what string, err error) error {
	if err != nil {
		return fmt.Errorf("docker: %s member %d: %w", what, m.ID(), err)
	}
	return nil
}

// Running asks the daemon, since a server can end by itself.
func (m *member) Running() bool {
	state, err := m.state(context.Background())
	return err == nil && state.Running
}

func (m *member) state(ctx context.Context) (*container.State, error) {
	ctx, cancel := context.WithTimeout(ctx, apiTime)
	defer cancel()
	return m.container.State(ctx)
}

// Dial connects to the port that is published for it now.
func (m *member) Dial(ctx context.Context, port backend.Port) (net.Conn, error) {
	var addr string
	var up bool
	m.say(func() { up, addr = m.up, m.addrs[port] })
	switch {
	case !up:
		return nil, fmt.Errorf("docker: dial member %d: %w", m.ID(), errDown)
	case addr == "":
		return nil, fmt.Errorf("docker: dial member %d: port %d: %w", m.ID(), port, backend.ErrUnsupported)
	}
	var d net.Dialer
	return d.DialContext(ctx, "tcp", addr)
}

// Logs are what the container has said since it was started last.
func (m *member) Logs() string {
	ctx, cancel := context.WithTimeout(context.Background(), apiTime)
	defer cancel()
	var earlier int
	m.say(func() { earlier = m.earlier })
	log, err := m.log(ctx)
	if err != nil {
		log += "\nthe log breaks off: " + err.Error()
	}
	return log[min(earlier, len(log)):]
}

// log is all that the container has ever said.
func (m *member) log(ctx context.Context) (string, error) {
	if m.container == nil {
		return "", nil
	}
	log, err := m.cluster.daemon.ContainerLogs(ctx, m.container.GetContainerID(),
		client.ContainerLogsOptions{ShowStdout: true, ShowStderr: true})
	if err != nil {
		return "", err
	}
	defer log.Close()
	var text strings.Builder
	_, err = stdcopy.StdCopy(&text, &text, log)
	return text.String(), err
}
