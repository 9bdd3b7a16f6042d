package zk

import "context"

// spawn runs f on a goroutine that belongs to the client: its context ends at
// Close, which waits for it. It is false, and f is not run, when the client is
// at its end.
func (c *client) spawn(f func(ctx context.Context)) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.fatal != nil {
		return false // finish may wait already
	}
	c.tasks.Go(func() { f(c.ctx) })
	return true
}
