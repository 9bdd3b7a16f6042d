package peers_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// newCertificates makes a folder with what TLS takes on both sides, all of it
// PEM: ca_cert.pem, server.pem (a key and its certificate), client_key.pem and
// client_cert.pem.
func newCertificates(t *testing.T) string {
	dir := t.TempDir()
	write := func(name string, content []byte) {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), content, 0o600))
	}
	ca, caKey := &x509.Certificate{IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}, newKey(t)
	write("ca_cert.pem", certify(t, "authority", ca, caKey, ca, caKey))
	for _, name := range []string{"server", "client"} {
		key, cert := newKey(t), &x509.Certificate{
			IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
			ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
		}
		der, err := x509.MarshalPKCS8PrivateKey(key)
		require.NoError(t, err)
		keyPEM, certPEM := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), certify(t, name, cert, key, ca, caKey)
		if name == "server" {
			write("server.pem", append(keyPEM, certPEM...))
			continue
		}
		write("client_key.pem", keyPEM)
		write("client_cert.pem", certPEM)
	}
	return dir
}

func newKey(t *testing.T) *ecdsa.PrivateKey {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	return key
}

// certify fills in the certificate, and signs it.
func certify(t *testing.T, name string, cert *x509.Certificate, key *ecdsa.PrivateKey, ca *x509.Certificate, caKey *ecdsa.PrivateKey) []byte {
	cert.Subject = pkix.Name{CommonName: name}
	cert.SerialNumber = big.NewInt(time.Now().UnixNano())
	cert.NotBefore, cert.NotAfter = time.Now().Add(-time.Hour), time.Now().Add(24*time.Hour)
	der, err := x509.CreateCertificate(rand.Reader, cert, ca, &key.PublicKey, caKey)
	require.NoError(t, err)
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}
