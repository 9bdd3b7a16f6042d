package docker

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/zookit/zookit/internal/backend"
)

// apiTime is what one request to the daemon may take. Requests that make
// something are not given up halfway, or nobody would know what to remove.
const apiTime = time.Minute

// Start starts an ensemble of containers. The error is a *backend.MissingError
// when there is no daemon, or no image and no way to pull it.
func Start(ctx context.Context, spec backend.Spec) (backend.Cluster, error) {
	plan, err := planOf(spec)
	if err != nil {
		return nil, fmt.Errorf("docker: %w", err)
	}
	daemon, err := connect(ctx)
	if err != nil {
		return nil, err
	}
	c := &cluster{daemon: daemon, plan: plan, id: rand.Text()}
	if err := c.start(ctx); err != nil {
		if _, missing := errors.AsType[*backend.MissingError](err); !missing {
			err = fmt.Errorf("docker: start %s: %w%s", plan.image, err, c.logTails())
		}
		return nil, errors.Join(err, c.Close())
	}
	return c, nil
}

func (c *cluster) start(ctx context.Context) error {
	if err := c.daemon.haveImages(ctx, c.plan.image); err != nil {
		return err
	}
	if err := c.daemon.sweep(ctx); err != nil && ctx.Err() == nil {
		// Another process may be at it, and the next start tries again.
		fmt.Fprintf(c.plan.output, "docker: what a killed process has left is not all removed: %v\n", err)
	}
	if len(c.plan.members) > 1 {
		network, err := newNetwork(ctx, c.daemon, c.labels())
		if err != nil {
			return err
		}
		c.network = network
	}
	for _, m := range c.plan.members {
		c.members = append(c.members, &member{cluster: c, plan: m})
	}
	if err := c.each(func(m *member) error { return m.create(ctx) }); err != nil {
		return err
	}
	if err := c.each(func(m *member) error { return m.run(ctx) }); err != nil {
		return err
	}
	return c.each(func(m *member) error { return m.awaitServing(ctx, false) })
}

// each does something with all members side by side.
func (c *cluster) each(do func(*member) error) error {
	errs := make([]error, len(c.members))
	var wg sync.WaitGroup
	for i, m := range c.members {
		wg.Go(func() {
			if err := do(m); err != nil {
				errs[i] = fmt.Errorf("member %d: %w", m.ID(), err)
			}
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}
