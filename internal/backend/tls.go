package backend

import (
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"slices"
)

// Check refuses what a server could not be told. A nil TLS is right.
func (t *TLS) Check() error {
	if t == nil {
		return nil
	}
	if !slices.Contains([]string{"", "need", "want", "none"}, t.ClientAuth) {
		return fmt.Errorf("TLS client authentication %q is not need, want or none", t.ClientAuth)
	}
	_, err := t.KeyStore()
	return err
}

// KeyStore is the PEM file with key and certificate, in the only form of it
// that ZooKeeper reads: PKCS #8.
func (t *TLS) KeyStore() ([]byte, error) {
	key, err := pkcs8(t.Key)
	if err != nil {
		return nil, fmt.Errorf("the TLS key: %w", err)
	}
	return slices.Concat(key, []byte("\n"), t.Cert), nil
}

func pkcs8(key []byte) ([]byte, error) {
	block, _ := pem.Decode(key)
	if block == nil {
		return nil, errors.New("it is not PEM")
	}
	var parsed any
	var err error
	switch block.Type {
	case "PRIVATE KEY":
		return key, nil
	case "EC PRIVATE KEY":
		parsed, err = x509.ParseECPrivateKey(block.Bytes)
	case "RSA PRIVATE KEY":
		parsed, err = x509.ParsePKCS1PrivateKey(block.Bytes)
	default:
		return nil, fmt.Errorf("its type %q is unknown", block.Type)
	}
	if err != nil {
		return nil, err
	}
	der, err := x509.MarshalPKCS8PrivateKey(parsed)
	if err != nil {
		return nil, err
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), nil
}
