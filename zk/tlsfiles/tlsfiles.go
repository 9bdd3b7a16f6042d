// Package tlsfiles makes settings of TLS from files, for [zk.TLS]:
//
//	settings, err := tlsfiles.New(
//		tlsfiles.CA("/etc/zk/ca.pem"),
//		tlsfiles.Certificate("/etc/zk/client.pem", "/etc/zk/client.key"),
//	)
//	...
//	c, err := zk.Dial(ctx, "zk1:2281,zk2:2281", zk.TLS(settings))
//
// All files are PEM. New reads them, so that what is wrong with one is known at
// once. Each connection reads the client's certificate and key again, so that
// they may be replaced while the program runs: one that finds them broken
// fails, and the client tries again. Authorities are read once.
//
// By default the server's certificate must be signed by an authority, of the
// system if there is no CA, and be good for the name of the host.
package tlsfiles

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
)

// An Option changes one setting of [New].
type Option func(*files)

// files are what settings are made of.
type files struct {
	ca             []string
	cert, key      string
	password       func() (string, error) // nil: none
	anyCertificate bool
	anyHost        bool
}

// CA is the authorities of servers instead of those of the system. It may be
// given several times, and a file may have several.
func CA(file string) Option { return func(f *files) { f.ca = append(f.ca, file) } }

// Certificate is who the client is: a file with its certificate, followed by
// those between it and the authority, if any, and a file with the key of it,
// which may be the same. The key is in PKCS #8, or PKCS #1, or SEC 1; each may be
// encrypted, see [Password].
func Certificate(cert, key string) Option { return func(f *files) { f.cert, f.key = cert, key } }

// Password is that of the key: PKCS #8 encrypted by PBES2, which is what
// OpenSSL writes since 1.0, or the older encryption of PEM that has a header
// DEK-Info.
func Password(password string) Option {
	return func(f *files) { f.password = func() (string, error) { return password, nil } }
}

// PasswordFile has the password on its first line; see [Password].
func PasswordFile(file string) Option {
	return func(f *files) { f.password = func() (string, error) { return readPassword(file) } }
}

// AnyHost lets servers have a certificate that is good for another name, as
// long as an authority has signed it. It makes every holder of such a
// certificate able to pass for a server.
func AnyHost() Option { return func(f *files) { f.anyHost = true } }

// AnyCertificate lets servers have any certificate at all. Whoever is between
// client and server can pass for the server.
func AnyCertificate() Option { return func(f *files) { f.anyCertificate = true } }

// New reads the files and makes settings of them. The caller may change what
// they leave open, such as MinVersion.
func New(opts ...Option) (*tls.Config, error) {
	f := &files{}
	for _, opt := range opts {
		opt(f)
	}
	settings := &tls.Config{}
	switch {
	case (f.cert == "") != (f.key == ""):
		return nil, errors.New("tlsfiles: a certificate and its key go together")
	case f.password != nil && f.key == "":
		return nil, errors.New("tlsfiles: there is a password, and no key")
	case f.anyCertificate && len(f.ca) > 0:
		return nil, errors.New("tlsfiles: CA and AnyCertificate exclude each other")
	}
	if f.cert != "" {
		if _, err := f.certificate(); err != nil {
			return nil, err
		}
		settings.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return f.certificate() }
	}
	roots, err := f.authorities()
	if err != nil {
		return nil, err
	}
	settings.RootCAs = roots
	settings.InsecureSkipVerify = f.anyHost || f.anyCertificate
	if f.anyHost && !f.anyCertificate {
		settings.VerifyConnection = func(s tls.ConnectionState) error { return verify(s, roots) }
	}
	return settings, nil
}

// verify is what package tls does, but for the name.
func verify(s tls.ConnectionState, roots *x509.CertPool) error {
	opts := x509.VerifyOptions{Roots: roots, Intermediates: x509.NewCertPool()}
	for _, cert := range s.PeerCertificates[1:] {
		opts.Intermediates.AddCert(cert)
	}
	if _, err := s.PeerCertificates[0].Verify(opts); err != nil {
		return &tls.CertificateVerificationError{UnverifiedCertificates: s.PeerCertificates, Err: err}
	}
	return nil
}

// authorities is nil for those of the system.
func (f *files) authorities() (*x509.CertPool, error) {
	if len(f.ca) == 0 {
		return nil, nil
	}
	pool := x509.NewCertPool()
	for _, file := range f.ca {
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, fmt.Errorf("tlsfiles: authorities: %w", err)
		}
		chain, err := certificates(text)
		if err != nil {
			return nil, fmt.Errorf("tlsfiles: authorities: %s: %w", file, err)
		}
		for _, der := range chain {
			cert, err := x509.ParseCertificate(der)
			if err != nil {
				return nil, fmt.Errorf("tlsfiles: authorities: %s: %w", file, err)
			}
			pool.AddCert(cert)
		}
	}
	return pool, nil
}
