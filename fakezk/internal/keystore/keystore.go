// Package keystore reads files of keys and certificates in Java's formats.
package keystore

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"strings"
)

// ErrKind is a format that is not known.
var ErrKind = errors.New("want a file of type PEM or JKS, told by its name's end or by its type property; " +
	"keytool -importkeystore -deststoretype JKS makes one of another")

// A Store is what a file holds.
type Store struct {
	Keys    []tls.Certificate   // private keys with their certificates
	Trusted []*x509.Certificate // to trust in
}

// Read reads a store of a kind, "pem" or "jks" in any case. The password is of
// no use to PEM. Without one JKS is not checked for integrity, and has no keys.
func Read(kind string, data []byte, password string) (*Store, error) {
	switch strings.ToLower(kind) {
	case "pem":
		return readPEM(data)
	case "jks":
		return readJKS(data, password)
	}
	return nil, fmt.Errorf("%w, not %q", ErrKind, kind)
}

// readPEM takes a file with a key for one with its certificates, and each
// certificate for one to be trusted.
func readPEM(data []byte) (*Store, error) {
	s := &Store{}
	hasKey := false
	for block, rest := pem.Decode(data); block != nil; block, rest = pem.Decode(rest) {
		switch {
		case block.Type == "CERTIFICATE":
			cert, err := x509.ParseCertificate(block.Bytes)
			if err != nil {
				return nil, err
			}
			s.Trusted = append(s.Trusted, cert)
		case block.Type == "ENCRYPTED PRIVATE KEY":
			return nil, errors.New("the key is encrypted; openssl pkey -in FILE writes it in the open")
		case strings.HasSuffix(block.Type, "PRIVATE KEY"):
			hasKey = true
		}
	}
	if hasKey {
		key, err := tls.X509KeyPair(data, data)
		if err != nil {
			return nil, err
		}
		s.Keys = append(s.Keys, key)
	}
	if !hasKey && len(s.Trusted) == 0 {
		return nil, errors.New("no key and no certificate in it")
	}
	return s, nil
}
