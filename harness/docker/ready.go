package docker

import (
	"context"
	"errors"
	"fmt"
	"os"
	"regexp"
	"strings"
	"time"

	"github.com/zookit/zookit/internal/backend"
)

const (
	askEvery   = 20 * time.Millisecond
	lookEvery  = 500 * time.Millisecond // whether the container still runs
	aloneAfter = 15 * time.Second       // who has no leader by then has no quorum
)

var versionLine = regexp.MustCompile(`(?m)^Zookeeper version: ([0-9][0-9A-Za-z.]*)`)

// awaitServing asks until the answer names a mode, on a fresh connection each
// time. Docker's proxy accepts before the server listens, so that a connection
// says nothing. A member that may be alone is also done when it says that it
// does not serve, and there is no quorum that it could join.
func (m *member) awaitServing(ctx context.Context, mayBeAlone bool) error {
	began, looked := time.Now(), time.Now()
	for {
		answer, err := backend.Ask(ctx, m, "srvr")
		if strings.Contains(answer, "Mode: ") {
			m.learnVersion(answer)
			if m.portsOpen(ctx) {
				return nil
			}
		}
		if mayBeAlone && strings.Contains(answer, "not currently serving") &&
			(!m.hasQuorum() || time.Since(began) > aloneAfter) {
			return nil
		}
		if time.Since(looked) > lookEvery {
			looked = time.Now()
			if state, err := m.state(ctx); err == nil && !state.Running {
				return fmt.Errorf("its container ended with status %d", state.ExitCode)
			}
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("it does not serve after %v; its last answer to srvr: %q, %v: %w",
				time.Since(began).Round(time.Millisecond), answer, err, context.Cause(ctx))
		case <-time.After(askEvery):
		}
	}
}

// portsOpen tells whether the server listens at all its ports. Docker's proxy
// accepts for it, but closes at once what the server does not take.
func (m *member) portsOpen(ctx context.Context) bool {
	const quiet = 30 * time.Millisecond
	for port := range m.plan.ports {
		conn, err := m.Dial(ctx, port)
		if err != nil {
			return false
		}
		conn.SetReadDeadline(time.Now().Add(quiet))
		_, err = conn.Read(make([]byte, 1))
		conn.Close()
		if !errors.Is(err, os.ErrDeadlineExceeded) {
			return false
		}
	}
	return true
}

// hasQuorum tells whether enough voting members run in the member's part of the
// network, by the ensemble as it was started.
func (m *member) hasQuorum() bool {
	c := m.cluster
	c.mu.Lock()
	defer c.mu.Unlock()
	voters := 0
	for _, other := range c.members {
		hears := other == m || !m.cut && !other.cut
		if other.ID() <= c.plan.voters && other.up && !other.paused && hears {
			voters++
		}
	}
	return voters > c.plan.voters/2
}

func (m *member) learnVersion(srvr string) {
	if found := versionLine.FindStringSubmatch(srvr); found != nil {
		m.say(func() { m.cluster.version = found[1] })
	}
}
