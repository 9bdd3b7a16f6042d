package conformance

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"os"
)

// dialPort connects to a port of a member; to that for TLS as "client", whom
// the server can trust, as "stranger", or without a certificate.
func (r *run) dialPort(member string, port Port, as string) (net.Conn, error) {
	i, err := r.member(member)
	if err != nil {
		return nil, err
	}
	nc, err := r.server.Dial(r.ctx, i, port)
	if err != nil || port != TLSPort || as == "plain" {
		return nc, err
	}
	config, err := testCertificates().tlsConfig(as)
	if err != nil {
		return nil, err
	}
	secured := tls.Client(nc, config)
	ctx, cancel := context.WithTimeout(r.ctx, r.patience)
	defer cancel()
	_ = secured.HandshakeContext(ctx) // that it fails shows in what is read
	return secured, nil
}

func isTimeout(err error) bool { return errors.Is(err, os.ErrDeadlineExceeded) }
