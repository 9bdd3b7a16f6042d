package zk

import "fmt"

// mostRefusals is how often servers may refuse to restore the watches before
// they are given up.
const mostRefusals = 5

// watchesRefused notes that a server does not restore the watches, with the
// error that ends the connection: another may. When all do so, the watches end
// with it, lest they stay silent for ever and no connection lasts. Connections
// that live for longLife begin the count anew.
func (c *client) watchesRefused(code Code) error {
	err := fmt.Errorf("the server does not restore the watches: %w", code)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.refusals++; c.refusals >= mostRefusals {
		c.refusals = 0
		c.log.Error("watches given up", "cause", err)
		c.watches.refuse(err)
	}
	return err
}
