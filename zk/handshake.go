package zk

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/zookit/zookit/internal/jute"
	"github.com/zookit/zookit/internal/proto"
	"github.com/zookit/zookit/internal/wire"
)

// A greeting is the answer to a handshake.
type greeting struct {
	timeout  time.Duration
	id       int64
	password []byte
	readOnly bool
}

// shortestGreeting lacks the read-only flag. A read-only server that cannot
// make sessions answers with an ordinary reply, which is shorter.
const shortestGreeting = 36

func readGreeting(frame []byte) (greeting, error) {
	if len(frame) < shortestGreeting {
		return greeting{}, fmt.Errorf("handshake answered by %d bytes, not at least %d", len(frame), shortestGreeting)
	}
	in := jute.NewReader(frame, "ConnectResponse")
	var m proto.ConnectResponse
	m.Decode(&in)
	return greeting{
		timeout:  time.Duration(m.Timeout) * time.Millisecond,
		id:       m.SessionID,
		password: bytes.Clone(m.Password),
		readOnly: m.ReadOnly,
	}, in.Err()
}

// errExpired says that the server refused the session to be resumed.
var errExpired = errors.New("session expired")

// attempt connects to a host within its budget, shakes hands, and proves who
// the client is. Before the ConnectRequest is answered nothing else is sent: a
// client that writes more while the server says "expired" and closes may lose
// that answer to a reset.
func (c *client) attempt(e endpoint) (*link, greeting, error) {
	ctx, cancel := context.WithTimeout(c.ctx, c.budget())
	defer cancel()
	c.log.Debug("connecting", "server", e)
	conn, err := c.dial(ctx, e)
	if err != nil {
		return nil, greeting{}, err
	}
	l := c.newLink(conn, e)
	l.greet()
	g, err := l.awaitGreeting(ctx)
	if err == nil {
		err = c.judge(g)
	}
	if err == nil {
		err = c.prove(ctx, l)
	}
	if err != nil {
		l.close()
		return nil, greeting{}, err
	}
	return l, g, nil
}

// prove logs in and sends the credentials, of which the connection is worth
// nothing without one. A session that was begun for it is given up, lest each
// attempt leaves one behind.
func (c *client) prove(ctx context.Context, l *link) error {
	err := l.login(ctx)
	if err == nil {
		err = l.replayAuths(ctx)
	}
	if err != nil && !c.resumes() {
		c.mu.Lock()
		l.transmit(&request{op: proto.OpCloseSession, done: make(chan struct{}, 1)})
		c.mu.Unlock()
		l.flush()
	}
	return err
}

// AttemptTimeout is how long one attempt to connect to a server may take, from
// dialing to the end of the handshakes of TLS and of the session, and how long
// the look-up of a name may. 0, which is the default, is a third of the session
// timeout, or its share by the number of servers if there are more than three,
// and 100 ms at least. While there is a session, an attempt takes no more than
// its share of what is left of it; see [Session.Deadline].
func AttemptTimeout(d time.Duration) Option { return func(c *config) { c.attempt = d } }

// leastAttempt is what one attempt has in any case: the timeout that is asked
// for may be shorter than any network, and servers grant more.
const leastAttempt = 100 * time.Millisecond

// budget is how long the attempt at the next host may take: so that a mute one
// costs little of the session, and leaves to the others of the round their
// share of what is left of it.
func (c *client) budget() time.Duration {
	d := c.share()
	if left, ok := c.remaining(); ok {
		d = min(d, max(left/time.Duration(1+c.hosts.untried()), leastAttempt), left)
	}
	return d
}

// share is how long one host may take while time does not press.
func (c *client) share() time.Duration {
	if c.cfg.attempt > 0 {
		return c.cfg.attempt
	}
	whole := c.cfg.timeout
	if c.resume != nil && c.resume.Timeout() > 0 {
		whole = c.resume.Timeout()
	}
	return max(whole/time.Duration(max(3, len(c.hosts.list)+len(c.hosts.ready))), leastAttempt)
}

func (l *link) greet() {
	c := l.client
	m := proto.ConnectRequest{
		LastZxidSeen: c.lastZxid.Load(),
		Timeout:      int32(c.cfg.timeout.Milliseconds()),
		Password:     make([]byte, proto.PasswordLen),
		ReadOnly:     c.cfg.readOnly,
	}
	if c.resumes() {
		// A read-only server would say that a session has expired of which it
		// has not heard, when it is only cut off.
		m.SessionID, m.Password, m.ReadOnly = c.resume.id, c.resume.password, false
	}
	b, start := wire.BeginFrame(l.out.Lock())
	l.out.Unlock(wire.EndFrame(m.AppendTo(b), start))
	l.flush()
}

func (l *link) awaitGreeting(ctx context.Context) (greeting, error) {
	select {
	case g := <-l.greeting:
		return g, nil
	case <-l.down:
		select {
		case g := <-l.greeting: // and the server closed behind it
			return g, nil
		default:
			return greeting{}, fmt.Errorf("no handshake: %w", l.cause)
		}
	case <-ctx.Done():
		return greeting{}, fmt.Errorf("no answer to the handshake: %w", contextError(ctx))
	}
}

func (c *client) judge(g greeting) error {
	switch {
	case g.timeout <= 0 && c.resumes():
		return errExpired
	case g.timeout <= 0 || g.id == 0:
		return errors.New("the server gives no session")
	case g.readOnly && (!c.cfg.readOnly || c.resumes()):
		return errors.New("the server is read-only")
	case c.resumes() && g.id != c.resume.id:
		return fmt.Errorf("the server answers for session %#x, not %#x", g.id, c.resume.id)
	}
	return nil
}
