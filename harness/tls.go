package harness

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"time"

	"github.com/zookit/zookit/internal/backend"
)

// certificates are those of one ensemble, from an authority of its own.
type certificates struct {
	server   *backend.TLS
	ofServer *tls.Config // the same
	client   *tls.Config
}

// certTime is how long they are good, to both sides of now.
const certTime = 24 * time.Hour

func newCertificates() (*certificates, error) {
	ca, err := newCertificate("zookit CA", nil)
	if err != nil {
		return nil, err
	}
	server, err := newCertificate("localhost", ca)
	if err != nil {
		return nil, err
	}
	client, err := newCertificate("zookit client", ca)
	if err != nil {
		return nil, err
	}
	roots := x509.NewCertPool()
	roots.AddCert(ca.cert)
	return &certificates{
		server: &backend.TLS{Cert: server.certPEM(), Key: server.keyPEM, CA: ca.certPEM()},
		ofServer: &tls.Config{
			ClientCAs: roots, ClientAuth: tls.RequireAndVerifyClientCert, MinVersion: tls.VersionTLS12,
			Certificates: server.pair(),
		},
		client: &tls.Config{
			RootCAs: roots, ServerName: "localhost", MinVersion: tls.VersionTLS12, Certificates: client.pair(),
		},
	}, nil
}

// A certificate with its key.
type certificate struct {
	cert   *x509.Certificate
	key    *ecdsa.PrivateKey
	keyPEM []byte
}

func (c *certificate) certPEM() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.cert.Raw})
}

func (c *certificate) pair() []tls.Certificate {
	return []tls.Certificate{{Certificate: [][]byte{c.cert.Raw}, PrivateKey: c.key}}
}

// newCertificate is signed by an issuer, or by itself, which makes it an
// authority.
func newCertificate(name string, issuer *certificate) (*certificate, error) {
	c := &certificate{}
	var err error
	if c.key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
		return nil, fmt.Errorf("make the key of %s: %w", name, err)
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: name},
		NotBefore: time.Now().Add(-certTime), NotAfter: time.Now().Add(certTime),
		KeyUsage:    x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
		DNSNames:    []string{"localhost"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback},
	}
	if issuer == nil {
		issuer = c
		template.IsCA, template.BasicConstraintsValid, template.KeyUsage = true, true, x509.KeyUsageCertSign
		template.DNSNames, template.IPAddresses, template.ExtKeyUsage = nil, nil, nil
		c.cert = template
	}
	raw, err := x509.CreateCertificate(rand.Reader, template, issuer.cert, c.key.Public(), issuer.key)
	if err != nil {
		return nil, fmt.Errorf("sign the certificate of %s: %w", name, err)
	}
	if c.cert, err = x509.ParseCertificate(raw); err != nil {
		return nil, err
	}
	key, err := x509.MarshalPKCS8PrivateKey(c.key)
	c.keyPEM = pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key})
	return c, err
}

// TLS is what a client that talks TLS is configured with: the option TLS asks
// for it. Each call returns a copy.
func (e *Ensemble) TLS() *tls.Config {
	if e.certs == nil {
		e.t.Helper()
		e.t.Fatal("harness: there is no TLS: give New the option TLS")
	}
	return e.certs.client.Clone()
}
