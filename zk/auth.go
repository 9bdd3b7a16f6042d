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
	known  bool          // a server has accepted it; guarded by client.mu
	done   chan struct{} // closed when known is set
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
	c.mu.Lock()
	a := findCredential(c.auths, scheme, cred)
	var l *link
	if err := c.fatal; err != nil {
		c.mu.Unlock()
		return &Error{Op: "add auth", Err: err, fate: unsent}
	}
	if a == nil {
		a = newCredential(scheme, bytes.Clone(cred))
		c.auths = append(c.auths, a)
		if l = c.link; l != nil {
			l.out.Unlock(l.appendAuth(l.out.Lock(), a))
		}
	}
	c.mu.Unlock()
	if l != nil {
		l.flush()
	}
	if err := c.awaitAuth(ctx, a); err != nil {
		return &Error{Op: "add auth", Err: err, fate: unknown}
	}
	return nil
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
	c := l.client
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(l.auths) == 0 {
		return errUnexpected("auth reply")
	}
	a := l.auths[0]
	l.auths = l.auths[1:]
	if code != proto.OK {
		return &authError{scheme: a.scheme, code: Code(code)}
	}
	if !a.known {
		a.known = true
		close(a.done)
	}
	return nil
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
