package zk

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/zookit/zookit/internal/proto"
	"github.com/zookit/zookit/internal/wire"
)

// A credential is sent on every connection, for the life of the Conn or until
// another takes its place.
type credential struct {
	scheme string
	cred   []byte
	done   chan struct{} // closed when a server has accepted it, or what takes its place

	// guarded by client.mu
	settled bool                // a server has accepted it, or another has taken its place
	offered *link               // on which it was sent last
	asked   []*Future[struct{}] // to be told
}

// sameIdentity tells whether two credentials prove the same, so that the later
// one replaces the earlier: a digest is known by its user.
func (a *credential) sameIdentity(scheme string, cred []byte) bool {
	if a.scheme != scheme {
		return false
	}
	mine, theirs := a.cred, cred
	if scheme == "digest" {
		mine, _, _ = bytes.Cut(mine, []byte(":"))
		theirs, _, _ = bytes.Cut(theirs, []byte(":"))
	}
	return bytes.Equal(mine, theirs)
}

// addCredential returns the list with the credential, and the credential as it
// is in the list. One that is there stays as it is; one of the same identity is
// replaced. cred is kept.
func addCredential(list []*credential, scheme string, cred []byte) ([]*credential, *credential) {
	added := &credential{scheme: scheme, cred: cred, done: make(chan struct{})}
	for i, a := range list {
		switch {
		case !a.sameIdentity(scheme, cred):
			continue
		case bytes.Equal(a.cred, cred):
			return list, a
		}
		if !a.settled { // who waits for it waits for the other now
			added.done, added.asked = a.done, a.asked
			a.settled, a.asked = true, nil
		}
		list = slices.Delete(slices.Clone(list), i, i+1)
		break
	}
	return append(list, added), added
}

// checkCredential refuses what no server takes and what would end the Conn.
func checkCredential(scheme string) error {
	switch scheme {
	case "":
		return errors.New("the scheme of a credential is empty")
	case "sasl":
		return errors.New(`the scheme "sasl" takes no credential; see the option SASL`)
	}
	return nil
}

func (cfg *config) badAuth() error {
	for _, a := range cfg.auths {
		if err := checkCredential(a.scheme); err != nil {
			return err
		}
	}
	return nil
}

// AddAuth adds a credential, such as "user:password" of the scheme "digest",
// and returns when a server has accepted it. The Conn keeps it from the moment
// of the call, whether it is connected or ctx ends before, and sends it first
// on every connection. Another password of the same user takes the place of
// the one before; the connection there is has both identities until it is
// lost. If a server refuses one, the state is [AuthFailed] for good: servers do
// not know the scheme, since a wrong password is just another identity.
func (c *Conn) AddAuth(ctx context.Context, scheme string, cred []byte) error {
	a, _, l, err := c.addAuth(scheme, cred, nil)
	if err != nil {
		return &Error{Op: "add auth", Err: err, fate: unsent}
	}
	if l != nil {
		l.flush()
	}
	ctx, cancel := c.limited(ctx)
	defer cancel()
	if err := c.awaitAuth(ctx, a); err != nil {
		return &Error{Op: "add auth", Err: err, fate: unknown}
	}
	return nil
}

// addAuth keeps a credential, and appends it to the link, if any, which the
// caller flushes. When a server accepts it f is told, if it is not nil, unless
// one has already.
func (c *client) addAuth(scheme string, cred []byte, f *Future[struct{}]) (a *credential, known bool, l *link, err error) {
	if err := checkCredential(scheme); err != nil {
		return nil, false, nil, badArguments(err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.fatal != nil {
		return nil, false, nil, c.fatal
	}
	c.auths, a = addCredential(c.auths, scheme, bytes.Clone(cred))
	if l = c.link; l != nil {
		l.out.Unlock(l.appendAuths(l.out.Lock()))
	}
	if f != nil && !a.settled {
		a.asked = append(a.asked, f)
	}
	return a, a.settled, l, nil
}

// failAuths ends what waits for credentials to be accepted.
func (c *client) failAuths(cause error) {
	c.mu.Lock()
	var asked []*Future[struct{}]
	for _, a := range c.auths {
		asked = append(asked, a.asked...)
		a.asked = nil
	}
	c.mu.Unlock()
	for _, f := range asked {
		f.settle(struct{}{}, &Error{Op: "add auth", Err: cause, fate: unknown})
	}
}

func (c *client) awaitAuth(ctx context.Context, a *credential) error {
	select {
	case <-a.done:
		return nil
	case <-ctx.Done():
		return contextError(ctx)
	case <-c.ended:
		return c.end()
	}
}

// appendAuths appends the packets of all credentials that this link has not
// been sent, and expects the answers. The caller holds client.mu.
func (l *link) appendAuths(b []byte) []byte {
	for _, a := range l.client.auths {
		if a.offered == l {
			continue
		}
		a.offered = l
		l.auths = append(l.auths, a)
		start := 0
		b, start = wire.BeginFrame(b)
		b = proto.RequestHeader{Xid: proto.XidAuth, Op: proto.OpAuth}.AppendTo(b)
		b = proto.AuthPacket{Scheme: a.scheme, Auth: a.cred}.AppendTo(b)
		b = wire.EndFrame(b, start)
	}
	return b
}

// replayAuths sends the credentials and waits for the answers, so that who is
// told of a connection has one on which they count.
func (l *link) replayAuths(ctx context.Context) error {
	c := l.client
	c.mu.Lock()
	l.out.Unlock(l.appendAuths(l.out.Lock()))
	none := len(l.auths) == 0
	c.mu.Unlock()
	if none {
		return nil
	}
	l.flush()
	select {
	case <-l.replayed:
		return nil
	case <-l.down:
		return fmt.Errorf("credentials not accepted: %w", l.cause)
	case <-ctx.Done():
		return fmt.Errorf("no answer to the credentials: %w", contextError(ctx))
	}
}

// receiveAuth takes the answer to the oldest packet that has none.
func (l *link) receiveAuth(code proto.Code) error {
	scheme, asked, err := l.settleAuth(code)
	l.client.cfg.hooks.auth(scheme, err)
	for _, f := range asked {
		f.settle(struct{}{}, nil)
	}
	return err
}

func (l *link) settleAuth(code proto.Code) (scheme string, asked []*Future[struct{}], err error) {
	c := l.client
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(l.auths) == 0 {
		return "", nil, errUnexpected("auth reply")
	}
	a := l.auths[0]
	if code != proto.OK {
		return a.scheme, nil, &authError{"scheme " + a.scheme, Code(code)}
	}
	if !a.settled {
		a.settled = true
		close(a.done)
	}
	if l.auths = l.auths[1:]; len(l.auths) == 0 {
		select {
		case l.replayed <- struct{}{}:
		default: // nobody waits any more
		}
	}
	asked, a.asked = a.asked, nil
	return a.scheme, asked, nil
}

// An authError ends a Conn.
type authError struct {
	how   string
	cause error
}

func (e *authError) Error() string   { return e.cause.Error() + " (" + e.how + ")" }
func (e *authError) Unwrap() []error { return []error{ErrAuthFailed, e.cause} }

// An Identity is one of those that the server knows of a connection.
type Identity struct {
	Scheme string
	User   string
}

// WhoAmI is by which identities the server judges this client's requests, in
// no order. One of them is the "ip". It takes a server of 3.7.
func (c *Conn) WhoAmI(ctx context.Context) ([]Identity, error) {
	r := c.request(proto.OpWhoAmI)
	if err := c.do(ctx, r, "who am I", ""); err != nil {
		return nil, err
	}
	ids := r.list.ids
	c.recycle(r)
	return ids, nil
}
