package javazk

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/zookit/zookit/internal/backend"
)

var errPortTaken = errors.New("a stranger has one of the ports")

// member is one server of a cluster.
type member struct {
	c    *cluster
	i    int // its place, from 0
	site site
	dir  string

	mu      sync.Mutex // guards what follows, and that one control acts at a time
	process *process   // the latest; nil before the first start
	paused  bool
}

func (m *member) ID() int        { return m.i + 1 }
func (m *member) observer() bool { return m.i >= m.c.spec.Servers }

// Dial connects in the member's own network.
func (m *member) Dial(ctx context.Context, port backend.Port) (net.Conn, error) {
	addr, err := m.addr(port)
	if err != nil {
		return nil, err
	}
	return dialIn(ctx, m.c.net, m.i, addr)
}

func (m *member) addr(port backend.Port) (string, error) {
	switch {
	case port == backend.PortClient:
		return hostPort(m.site.clientHost, m.site.client), nil
	case port == backend.PortTLS && m.c.spec.TLS != nil:
		return hostPort(m.site.otherHost, m.site.tls), nil
	case port == backend.PortAdmin && m.c.spec.AdminServer:
		return hostPort(m.site.otherHost, m.site.admin), nil
	}
	return "", fmt.Errorf("member %d has no port of kind %d: it was not asked for", m.ID(), port)
}

func (m *member) Start(ctx context.Context) error {
	ctx, cancel := m.c.bound(ctx)
	defer cancel()
	p, err := m.launch()
	if err == nil {
		_, err = m.awaitServing(ctx, p, m.c.hasQuorum)
	}
	if err != nil {
		return fmt.Errorf("start member %d: %w", m.ID(), err)
	}
	return nil
}

// launch starts the process, which does not serve yet.
func (m *member) launch() (*process, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.c.life.Err() != nil {
		return nil, errClosed
	}
	if m.process != nil && m.process.running() {
		return nil, errors.New("it is running")
	}
	log, err := os.Create(m.logFile())
	if err != nil {
		return nil, err
	}
	defer log.Close() // The process has its own descriptor.
	cmd := m.command()
	cmd.Stdout, cmd.Stderr = log, log
	detach(cmd)
	p, err := startProcess(cmd, func(start func() error) error { return m.c.net.enter(m.i, start) })
	if err != nil {
		return nil, err
	}
	m.c.reaper.tell("run", p.pid())
	m.process, m.paused = p, false
	return p, nil
}

// awaitServing asks until the answer names a mode, which it returns, and all
// ports are open. That the
// port is open, or that ruok says imok, means nothing yet; but that is all to
// wait for where there is no quorum.
func (m *member) awaitServing(ctx context.Context, p *process, hasQuorum func(*member) bool) (mode string, err error) {
	for {
		answer, err := backend.Ask(ctx, m, "srvr")
		if _, mode, found := strings.Cut(answer, "Mode: "); found && m.allOpen(ctx) {
			mode, _, _ = strings.Cut(mode, "\n")
			return mode, nil
		}
		if strings.Contains(answer, "not in the whitelist") {
			return "", errors.New("srvr has to be in 4lw.commands.whitelist: it tells when a server serves")
		}
		if answer != "" && !hasQuorum(m) {
			return "", nil
		}
		select {
		case <-p.ended:
			return "", m.whyEnded(p)
		case <-ctx.Done():
			return "", fmt.Errorf("not serving: %w; last answer to srvr: %q, %v\n%s", context.Cause(ctx), answer, err, m.logTail())
		case <-time.After(untilNext(answer)):
		}
	}
}

// untilNext is the time between two questions. One that nobody hears costs
// next to nothing; one that a server answers takes time from its boot.
func untilNext(answer string) time.Duration {
	if answer == "" {
		return 5 * time.Millisecond
	}
	return 20 * time.Millisecond
}

// allOpen tells whether the ports beside that for clients are open, which may
// be later.
func (m *member) allOpen(ctx context.Context) bool {
	for _, port := range []backend.Port{backend.PortTLS, backend.PortAdmin} {
		if _, err := m.addr(port); err != nil {
			continue // not asked for
		}
		conn, err := m.Dial(ctx, port)
		if err != nil {
			return false
		}
		conn.Close()
	}
	return true
}

func (m *member) whyEnded(p *process) error {
	if strings.Contains(m.Logs(), "Address already in use") {
		return errPortTaken
	}
	return fmt.Errorf("java ended: %v\n%s", p.err, m.logTail())
}

// Stop lets the server end by itself; a paused one is resumed for that.
func (m *member) Stop(ctx context.Context) error {
	ctx, cancel := m.c.bound(ctx)
	defer cancel()
	return m.end(func(p *process) error {
		if m.paused {
			if err := p.resume(); err != nil {
				return err
			}
			m.paused = false
		}
		return p.terminate(ctx)
	})
}

func (m *member) Kill(context.Context) error {
	return m.end(func(p *process) error {
		p.kill()
		return nil
	})
}

func (m *member) end(how func(*process) error) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	p := m.process
	if p == nil || !p.running() {
		return nil
	}
	if err := how(p); err != nil {
		return fmt.Errorf("stop member %d: %w", m.ID(), err)
	}
	m.paused = false
	m.c.reaper.tell("end", p.pid())
	return nil
}

func (m *member) Pause(context.Context) error  { return m.setPaused(true, (*process).pause) }
func (m *member) Resume(context.Context) error { return m.setPaused(false, (*process).resume) }

func (m *member) setPaused(paused bool, how func(*process) error) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.process == nil || !m.process.running() {
		return fmt.Errorf("member %d is not running", m.ID())
	}
	if err := how(m.process); err != nil {
		return fmt.Errorf("pause or resume member %d: %w", m.ID(), err)
	}
	m.paused = paused
	return nil
}

func (m *member) Running() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.process != nil && m.process.running()
}

// awake tells whether the member can take part in an election.
func (m *member) awake() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.process != nil && m.process.running() && !m.paused
}

func (m *member) Logs() string {
	log, err := os.ReadFile(m.logFile())
	if err != nil {
		return "no log: " + err.Error()
	}
	return string(log)
}

// logTail is the end of the log.
func (m *member) logTail() string {
	const most = 4 << 10
	log := m.Logs()
	return fmt.Sprintf("the end of the log of member %d, ZooKeeper %s:\n%s", m.ID(), m.c.version, log[max(0, len(log)-most):])
}
