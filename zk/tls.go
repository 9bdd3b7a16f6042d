package zk

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"sync/atomic"
)

// TLS makes every connection speak TLS, over whatever [Dialer] makes. The
// server's certificate must be good for the host as the connect string has it,
// a name or an address, unless settings has a ServerName. A nil settings is an
// empty one: the authorities are those of the system, and the client has no
// certificate, of which most ensembles want one. settings is copied; its
// functions are called on each connection. See package zk/tlsfiles for
// settings that are made of files.
//
// The handshake counts as part of the attempt to connect to a server, which
// has a third of the session's timeout at most.
func TLS(settings *tls.Config) Option {
	if settings == nil {
		settings = new(tls.Config)
	}
	settings = settings.Clone()
	return func(c *config) { c.tls = settings }
}

// secure speaks TLS over conn with the host of the connect string, or closes
// conn.
func (c *client) secure(ctx context.Context, conn net.Conn, host string) (net.Conn, error) {
	settings := c.cfg.tls.Clone()
	if settings.ServerName == "" {
		settings.ServerName, _, _ = net.SplitHostPort(host)
	}
	s := &secured{}
	if settings.Certificates == nil && settings.GetClientCertificate == nil {
		settings.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
			s.lacking = true
			return new(tls.Certificate), nil
		}
	}
	s.Conn = tls.Client(conn, settings)
	if err := s.HandshakeContext(ctx); err != nil {
		conn.Close()
		return nil, s.explain(err)
	}
	return s, nil
}

// A secured connection says what its errors mean. As tls.Conn it can only
// block, so that the outbox writes it from a goroutine of its own.
type secured struct {
	*tls.Conn
	lacking bool        // the server wants a certificate, and there is none; set in the handshake
	heard   atomic.Bool // something has been read
}

// Read is tls.Conn's. With TLS 1.3 a server's opinion of the client's
// certificate is the first thing to be read.
func (s *secured) Read(b []byte) (int, error) {
	n, err := s.Conn.Read(b)
	if n > 0 && !s.heard.Load() {
		s.heard.Store(true)
	}
	if err != nil && !s.heard.Load() {
		err = s.explain(err)
	}
	return n, err
}

// Write is tls.Conn's. It fails where the server has said its opinion and
// closed, which is then still to be read, and is the better reason.
func (s *secured) Write(b []byte) (int, error) {
	n, err := s.Conn.Write(b)
	if err != nil && !s.heard.Load() {
		return len(b), nil
	}
	return n, err
}

func (s *secured) explain(err error) error {
	var plain tls.RecordHeaderError
	switch {
	case errors.As(err, &plain):
		return fmt.Errorf("TLS: the server does not speak it: %w", err)
	case errors.Is(err, context.DeadlineExceeded):
		return fmt.Errorf("TLS: no answer to the handshake: %w", err)
	case s.lacking:
		return fmt.Errorf("TLS: the server wants a certificate of the client, which has none: %w", err)
	case errors.Is(err, io.EOF) && !s.ConnectionState().HandshakeComplete:
		return fmt.Errorf("TLS: the server closed the connection in the handshake, as one does that does not speak TLS: %w", err)
	}
	return fmt.Errorf("TLS: %w", err)
}
