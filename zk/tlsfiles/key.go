package tlsfiles

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/youmark/pkcs8"
)

func (f *files) certificate() (*tls.Certificate, error) {
	chain, err := os.ReadFile(f.cert)
	if err != nil {
		return nil, fmt.Errorf("tlsfiles: certificate: %w", err)
	}
	if _, err := certificates(chain); err != nil {
		return nil, fmt.Errorf("tlsfiles: certificate: %s: %w", f.cert, err)
	}
	key, err := f.readKey()
	if err != nil {
		return nil, err
	}
	pair, err := tls.X509KeyPair(chain, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key}))
	if err != nil {
		return nil, fmt.Errorf("tlsfiles: certificate %s and key %s: %w", f.cert, f.key, err)
	}
	return &pair, nil
}

// certificates are those of a PEM file, in DER.
func certificates(text []byte) (chain [][]byte, err error) {
	for len(text) > 0 {
		var block *pem.Block
		if block, text = pem.Decode(text); block == nil {
			break
		}
		if block.Type == "CERTIFICATE" {
			chain = append(chain, block.Bytes)
		}
	}
	if len(chain) == 0 {
		return nil, errors.New("there is no certificate in PEM")
	}
	return chain, nil
}

// readKey is the key in PKCS #8.
func (f *files) readKey() ([]byte, error) {
	text, err := os.ReadFile(f.key)
	if err != nil {
		return nil, fmt.Errorf("tlsfiles: key: %w", err)
	}
	block := keyBlock(text)
	if block == nil {
		return nil, fmt.Errorf("tlsfiles: key: %s: there is no private key in PEM", f.key)
	}
	key, err := f.decrypt(block)
	if err != nil {
		return nil, fmt.Errorf("tlsfiles: key: %s: %w", f.key, err)
	}
	return key, nil
}

func keyBlock(text []byte) *pem.Block {
	for {
		block, rest := pem.Decode(text)
		if block == nil || strings.HasSuffix(block.Type, "PRIVATE KEY") {
			return block
		}
		text = rest
	}
}

// What no library tells from each other.
var (
	errNoPassword  = errors.New("it is encrypted, and there is no password")
	errBadPassword = errors.New("the password is wrong, or the key is damaged")
)

func (f *files) decrypt(block *pem.Block) ([]byte, error) {
	der := block.Bytes
	legacy := strings.Contains(block.Headers["Proc-Type"], "ENCRYPTED")
	if legacy || block.Type == "ENCRYPTED PRIVATE KEY" {
		if f.password == nil {
			return nil, errNoPassword
		}
		password, err := f.password()
		if err != nil {
			return nil, err
		}
		if !legacy {
			key, err := pkcs8.ParsePKCS8PrivateKey(der, []byte(password))
			if err != nil {
				return nil, fmt.Errorf("%w: %w", errBadPassword, err)
			}
			return x509.MarshalPKCS8PrivateKey(key)
		}
		//lint:ignore SA1019 it is weak, and there are such keys
		if der, err = x509.DecryptPEMBlock(block, []byte(password)); err != nil {
			return nil, fmt.Errorf("%w: %w", errBadPassword, err)
		}
	}
	key, err := parseKey(block.Type, der)
	if err != nil && legacy {
		return nil, fmt.Errorf("%w: %w", errBadPassword, err)
	}
	if err != nil {
		return nil, err
	}
	return x509.MarshalPKCS8PrivateKey(key)
}

func parseKey(kind string, der []byte) (any, error) {
	switch kind {
	case "PRIVATE KEY":
		return x509.ParsePKCS8PrivateKey(der)
	case "RSA PRIVATE KEY":
		return x509.ParsePKCS1PrivateKey(der)
	case "EC PRIVATE KEY":
		return x509.ParseECPrivateKey(der)
	}
	return nil, fmt.Errorf("its type %q is unknown", kind)
}

func readPassword(file string) (string, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return "", fmt.Errorf("password: %w", err)
	}
	line, _, _ := bytes.Cut(text, []byte("\n"))
	return string(bytes.TrimSuffix(line, []byte("\r"))), nil
}
