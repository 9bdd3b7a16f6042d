package zk

import (
	"bytes"
	"context"

	"github.com/zookit/zookit/internal/proto"
	"github.com/zookit/zookit/internal/wire"
)

// A credential is kept for the life of the Conn and sent on every connection.
type credential struct {
	scheme string
	cred   []byte
	known  bool                // a server has accepted it; guarded by client.mu
	done   chan struct{}       // closed when known is set
	asked  []*Future[struct{}] // to be told; guarded by client.mu
}

func newCredential(scheme string, cred []byte) *credential {
	return &credential{scheme: scheme, cred: cred, done: make(chan struct{})}
}

func findCredential(list []*credential, scheme string, cred []byte) *credential {
	for _, a := range list {
		if a.scheme == scheme && bytes.Equal(a.cred, cred) {
			return a
		}
	}
	return nil
}

// AddAuth adds a credential, such as "user:password" of the scheme "digest",
// and returns when a server has accepted it. The Conn keeps it from the moment
// of the call, whether it is connected or ctx ends before, and sends it first
// on every connection. If a server refuses one, the state is [AuthFailed] for
// good.
func (c *Conn) AddAuth(ctx context.Context, scheme string, cred []byte) error {
	a, _, l, err := c.addAuth(scheme, cred, nil)
	if err != nil {
		return &Error{Op: "add auth", Err: err, fate: unsent}
	}
	if l != nil {
		l.flush()
	}
	if err := c.awaitAuth(ctx, a); err != nil {
		return &Error{Op: "add auth", Err: err, fate: unknown}
	}
	return nil
}

// addAuth keeps a credential, and appends it to the link, if any, which the
// caller flushes. When a server accepts it f is told, if it is not nil, unless
// one has already.
func (c *client) addAuth(scheme string, cred []byte, f *Future[struct{}]) (a *credential, known bool, l *link, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.fatal != nil {
		return nil, false, nil, c.fatal
	}
	a = findCredential(c.auths, scheme, cred)
	if a == nil {
		a = newCredential(scheme, bytes.Clone(cred))
		c.auths = append(c.auths, a)
		if l = c.link; l != nil {
			l.out.Unlock(l.appendAuth(l.out.Lock(), a))
		}
	}
	if f != nil && !a.known {
		a.asked = append(a.asked, f)
	}
	return a, a.known, l, nil
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

// appendAuth appends the packet and expects the answer. The caller holds
// client.mu.
func (l *link) appendAuth(b []byte, a *credential) []byte {
	l.auths = append(l.auths, a)
	b, start := wire.BeginFrame(b)
	b = proto.RequestHeader{Xid: proto.XidAuth, Op: proto.OpAuth}.AppendTo(b)
	b = proto.AuthPacket{Scheme: a.scheme, Auth: a.cred}.AppendTo(b)
	return wire.EndFrame(b, start)
}

// receiveAuth takes the answer to the oldest packet that has none.
func (l *link) receiveAuth(code proto.Code) error {
	asked, err := l.settleAuth(code)
	for _, f := range asked {
		f.settle(struct{}{}, nil)
	}
	return err
}

func (l *link) settleAuth(code proto.Code) (asked []*Future[struct{}], err error) {
	c := l.client
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(l.auths) == 0 {
		return nil, errUnexpected("auth reply")
	}
	a := l.auths[0]
	l.auths = l.auths[1:]
	if code != proto.OK {
		return nil, &authError{scheme: a.scheme, code: Code(code)}
	}
	if !a.known {
		a.known = true
		close(a.done)
	}
	asked, a.asked = a.asked, nil
	return asked, nil
}

// An authError ends a Conn.
type authError struct {
	scheme string
	code   Code
}

func (e *authError) Error() string { return e.code.Error() + " (scheme " + e.scheme + ")" }
func (e *authError) Unwrap() []error {
	return []error{ErrAuthFailed, e.code}
}

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
