package peers_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/fakezk"
	"github.com/zookit/zookit/internal/testenv"
)

// TestKazooWithTLSAndSASL has kazoo log in by certificate, by SASL, and by both.
func TestKazooWithTLSAndSASL(t *testing.T) {
	t.Parallel()
	python := "/usr/bin/python3" // Debian's packages are for it
	if exec.CommandContext(t.Context(), python, "-c", "import kazoo, puresasl").Run() != nil {
		testenv.Missing(t, "Python's kazoo and puresasl", "apt-get install python3-kazoo python3-pure-sasl")
	}
	ca, caKey := certificate(t, pkix.Name{CommonName: "authority"}, nil, nil)
	server, serverKey := certificate(t, pkix.Name{CommonName: "server"}, ca, caKey)
	client, clientKey := certificate(t, pkix.Name{CommonName: "client", Organization: []string{"zk"}}, ca, caKey)
	pool := x509.NewCertPool()
	pool.AddCert(ca)
	e, err := fakezk.Listen(fakezk.SASL(map[string]string{"bob": "bobsecret"}), fakezk.TLS(&tls.Config{
		Certificates: []tls.Certificate{{Certificate: [][]byte{server.Raw}, PrivateKey: serverKey}},
		ClientCAs:    pool, ClientAuth: tls.RequireAndVerifyClientCert,
	}))
	require.NoError(t, err)
	defer e.Close()

	dir := t.TempDir()
	write := func(name, kind string, der []byte) string {
		path := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600))
		return path
	}
	key, err := x509.MarshalPKCS8PrivateKey(clientKey)
	require.NoError(t, err)
	cmd := exec.CommandContext(t.Context(), python, "testdata/kazoo_secure.py", e.ConnectString(), e.Servers()[0].SecureAddr(),
		write("ca.pem", "CERTIFICATE", ca.Raw), write("key.pem", "PRIVATE KEY", key), write("cert.pem", "CERTIFICATE", client.Raw))
	var log bytes.Buffer
	cmd.Stderr = &log
	out, err := cmd.Output()
	require.NoError(t, err, "%s", &log)
	require.Equal(t, "bob reads his\nothers do not\nx509 reads ours\nboth read his ours\na wrong password is not taken\n", string(out))
}

// certificate makes one that an authority signs, or an authority.
func certificate(t *testing.T, subject pkix.Name, ca *x509.Certificate, caKey *ecdsa.PrivateKey) (*x509.Certificate, *ecdsa.PrivateKey) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: subject, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: ca == nil, BasicConstraintsValid: true,
	}
	if ca == nil {
		ca, caKey = template, key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, ca, &key.PublicKey, caKey)
	require.NoError(t, err)
	cert, err := x509.ParseCertificate(der)
	require.NoError(t, err)
	return cert, key
}
