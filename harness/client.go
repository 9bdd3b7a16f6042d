package harness

import (
	"context"
	"time"

	"github.com/zookit/zookit/chaos"
	"github.com/zookit/zookit/zk"
)

// patience is how long the harness waits for what must come.
const patience = 30 * time.Second

// A Client is a zk.Conn on a link of its own, which the test can break.
type Client struct {
	*zk.Conn
	ensemble *Ensemble
	link     *chaos.Link
}

// Link is what the client's connections run through.
func (c *Client) Link() *chaos.Link { return c.link }

// Cut breaks the client's link until Heal, and returns when the client is
// Suspended. Its session lives on until its timeout has passed.
func (c *Client) Cut() {
	c.ensemble.t.Helper()
	c.await(zk.Suspended, c.link.Cut)
}

// Heal mends the link and returns when the client is connected again, with the
// session that it had, or with another if that one was lost.
func (c *Client) Heal() {
	c.ensemble.t.Helper()
	c.await(zk.Connected, c.link.Heal)
}

// Expire ends the client's session at once and returns when the client has
// seen it Lost. The client then begins another by itself.
func (c *Client) Expire() {
	c.ensemble.t.Helper()
	c.await(zk.Lost, func() { c.ensemble.Expire(c.Session().ID()) })
}

// await does something and returns when the client comes to a state after it.
func (c *Client) await(want zk.State, do func()) {
	t := c.ensemble.t
	t.Helper()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), patience)
	defer cancel()
	states := c.States(ctx)
	do()
	seen := c.State()
	for seen = range states {
		if seen == want {
			return
		}
	}
	t.Fatalf("harness: the client is not %v within %v; it is %v", want, patience, seen)
}
