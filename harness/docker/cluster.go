package docker

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/testcontainers/testcontainers-go"

	"github.com/zookit/zookit/internal/backend"
)

// A cluster is an ensemble of containers.
type cluster struct {
	daemon  daemon
	plan    *plan
	id      string       // on all that belongs to it
	network *peerNetwork // nil when there is one member
	members []*member

	cutting sync.Mutex // one Partition or Heal at a time

	mu      sync.Mutex // guards all below, and what its members say
	version string
}

func (c *cluster) Version() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.version
}

func (c *cluster) Members() []backend.Member {
	members := make([]backend.Member, len(c.members))
	for i, m := range c.members {
		members[i] = m
	}
	return members
}

// Close removes containers with their volumes, and the network, by what was
// returned when they were made, which also tells testcontainers' reaper; and
// by label what a failed start did not return.
func (c *cluster) Close() error {
	ctx, cancel := context.WithTimeout(context.Background(), apiTime)
	defer cancel()
	errs := []error{c.each(func(m *member) error { return m.remove(ctx) })}
	if c.network != nil {
		errs = append(errs, unlessGone(c.network.Remove(ctx)))
	}
	errs = append(errs, c.daemon.removeLabelled(ctx, ensembleLabel, func(id string) bool { return id == c.id }))
	errs = append(errs, c.daemon.Close())
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("docker: close: %w", err)
	}
	return nil
}

func (m *member) remove(ctx context.Context) error {
	if m.container == nil {
		return nil
	}
	m.say(func() { m.up, m.paused, m.addrs = false, false, nil })
	return unlessGone(m.container.Terminate(ctx, testcontainers.StopTimeout(0)))
}

// logTails are the ends of the logs of all members.
func (c *cluster) logTails() (tails string) {
	const most = 4 << 10
	for _, m := range c.members {
		if log := m.Logs(); log != "" {
			tails += fmt.Sprintf("\nthe end of the log of member %d:\n%s", m.ID(), log[max(0, len(log)-most):])
		}
	}
	return tails
}
