package zk

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"time"
)

// ErrGaveUp is the error of everything that ends because the policy of
// [ConnectRetry] gives up.
var ErrGaveUp = errors.New("gave up connecting")

// ConnectRetry is the policy by which the Conn goes on when a round over all
// servers has failed: how long it pauses before the next round, at least 10 ms,
// and whether there is to be one. A try is a round, and its error is joined of
// the cause of each server. Tries are counted from Dial, or from the loss of a
// connection that has lived for 5 s: one that was lost sooner is a failure like
// others, since a server may accept a session and close.
//
// If the policy gives up the Conn ends with [ErrGaveUp]: with [RetryNever] after
// the first round, be it Dial's or one that follows a loss. The session, if
// there is one, is left to the servers.
//
// The default is [DecorrelatedJitter], which goes on for ever. A pause is cut
// short where the session would end meanwhile. How calls are tried again is
// another matter, see [CommandRetry].
func ConnectRetry(policy RetryPolicy) Option { return func(c *config) { c.connectRetry = policy } }

// DecorrelatedJitter is a [RetryPolicy] without end. Each pause is drawn from
// between Base and three times the one before, so that many clients that lost
// a server together do not return together.
type DecorrelatedJitter struct {
	Base time.Duration // the shortest pause; 0 or less is 10 ms
	Max  time.Duration // the longest; 0 or less is 1 s
}

// Retry draws the pause.
func (j DecorrelatedJitter) Retry(t Try) (time.Duration, bool) {
	if j.Base <= 0 {
		j.Base = leastPause
	}
	if j.Max <= 0 {
		j.Max = mostPause
	}
	most := max(3*t.Pause, 5*j.Base)
	return min(j.Base+time.Duration(t.Rand.Int64N(int64(most-j.Base))), j.Max), true
}

const (
	leastPause = 10 * time.Millisecond
	mostPause  = time.Second
	longLife   = 5 * time.Second // a connection that lived so long was no failure
)

// A pace counts the rounds that failed, for the policy. Only a connection that
// has lived for longLife ends the count.
type pace struct {
	try   Try
	began time.Duration // as client.now
	eager bool          // the next loss is answered at once, however soon it comes
}

func newPace(draw *rand.Rand) pace { return pace{try: Try{Rand: draw}, eager: true} }

// pause is how long to wait before the next round. It is false when there is
// to be none.
func (c *client) pause() (time.Duration, bool) {
	p := &c.pace
	p.try.N++
	p.try.Elapsed = c.now() - p.began
	p.try.Err = c.allCauses()
	d, again := c.cfg.connectRetry.Retry(p.try)
	if !again {
		c.finally(fmt.Errorf("%w: %w", ErrGaveUp, p.try.Err))
		return 0, false
	}
	p.try.Pause = max(d, leastPause)
	return p.try.Pause, true
}

// lived notes the end of a connection.
func (c *client) lived(d time.Duration) {
	p := &c.pace
	if d >= longLife {
		*p = newPace(p.try.Rand)
		p.began = c.now()
		c.hosts.again()
		c.mu.Lock()
		c.refusals = 0
		c.mu.Unlock()
	} else if p.eager {
		p.eager = false
		c.hosts.again()
	}
}

// allCauses is why each server is not the one.
func (c *client) allCauses() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	var all []error
	for _, entry := range c.hosts.list {
		if cause := c.causes[entry]; cause != nil {
			all = append(all, cause)
		}
	}
	return errors.Join(all...)
}
