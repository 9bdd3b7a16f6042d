package zk

import (
	"context"
	"errors"
	"fmt"
	"net"

	"github.com/zookit/zookit/internal/proto"
)

// A Mechanism of SASL logs a client in: [DigestMD5], or Kerberos by package
// zk/gssapi. It may serve several Conns at the same time.
type Mechanism interface {
	// Authenticate goes through one exchange, on a connection that has just
	// been made. send gives the server a token and waits for its answer; an
	// empty answer is not nil. It fails when the server refuses, when the
	// connection is lost, and when ctx ends.
	//
	// Authenticate returns soon when ctx ends. An error that wraps
	// ErrAuthFailed, as that of send does when the server refuses, ends the
	// Conn; any other one is a failed attempt to connect, after which the Conn
	// tries another server.
	Authenticate(ctx context.Context, server SASLServer, send func(token []byte) (answer []byte, err error)) error
}

// A SASLServer is the server of an exchange.
type SASLServer struct {
	Host string   // as the connect string has it, without the port
	Addr net.Addr // that the connection is to
}

// SASL logs the client in on every connection, before credentials of [Auth],
// watches and calls are sent. A server that refuses, or that has no SASL, ends
// the Conn with [ErrAuthFailed]; one that closes the connection without a word
// is tried again after others.
func SASL(m Mechanism) Option {
	return func(c *config) { c.sasl, c.saslGiven = m, true }
}

// login lets the mechanism speak on a link that carries nothing else yet.
func (l *link) login(ctx context.Context) error {
	mechanism := l.client.cfg.sasl
	if mechanism == nil {
		return nil
	}
	host, _, _ := net.SplitHostPort(l.at.name)
	x := &exchange{ctx: ctx, link: l}
	err := mechanism.Authenticate(ctx, SASLServer{Host: host, Addr: l.conn.RemoteAddr()}, x.send)
	if err == nil {
		err = x.refused // not to be overlooked
	}
	if errors.Is(err, ErrAuthFailed) {
		return &authError{"SASL", err}
	}
	if err != nil {
		return fmt.Errorf("SASL: %w", err)
	}
	return nil
}

// An exchange is the tokens of one login.
type exchange struct {
	ctx     context.Context
	link    *link
	tokens  int
	refused error
}

// errNoSASL is what an answer without a token means. To take it for success
// would be to go on as nobody.
var errNoSASL = fmt.Errorf("%w: the server has no SASL", ErrAuthFailed)

func (x *exchange) send(token []byte) ([]byte, error) {
	if x.refused != nil {
		return nil, x.refused
	}
	x.tokens++
	r, err := x.link.sendToken(x.ctx, token)
	switch {
	case err != nil:
		return nil, err
	case r.code != proto.OK:
		x.refused = fmt.Errorf("%w: %w", ErrAuthFailed, Code(r.code))
		if Code(r.code) == ErrAuthFailed {
			x.refused = ErrAuthFailed
		}
	case x.tokens == 1 && r.body == nil:
		x.refused = errNoSASL
	}
	return r.body, x.refused
}

// sendToken returns the answered request.
func (l *link) sendToken(ctx context.Context, token []byte) (*request, error) {
	if token == nil {
		token = []byte{} // a server hangs up on null
	}
	// It is not of the pool, since it may stay in the ring of a dead link.
	r := &request{op: proto.OpSASL, data: token, done: make(chan struct{}, 1)}
	l.client.mu.Lock()
	err := l.transmit(r)
	l.client.mu.Unlock()
	if err != nil {
		return nil, err
	}
	l.flush()
	select {
	case <-r.done:
		return r, r.err
	case <-ctx.Done():
		return nil, fmt.Errorf("no answer: %w", contextError(ctx))
	case <-l.down:
	}
	select {
	case <-r.done: // and the server closed behind it
		return r, r.err
	default:
		return nil, fmt.Errorf("no answer: %w", l.cause)
	}
}
