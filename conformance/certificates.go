package conformance

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"sync"
	"time"
)

// certificates are an authority with what it signed, and a stranger.
type certificates struct{ ca, server, client, stranger signed }

// A signed is PEM.
type signed struct{ cert, key []byte }

// testCertificates makes them once. They are valid also in the year in which
// virtual time begins.
var testCertificates = sync.OnceValue(func() certificates {
	ca, caKey := template("ca", 1), newKey()
	ca.IsCA, ca.KeyUsage, ca.BasicConstraintsValid = true, x509.KeyUsageCertSign, true
	sign := func(name string, serial int64, by *x509.Certificate, byKey *ecdsa.PrivateKey) signed {
		key, t := newKey(), template(name, serial)
		t.DNSNames, t.IPAddresses = []string{"localhost"}, []net.IP{net.IPv4(127, 0, 0, 1)}
		if by == nil {
			by, byKey = t, key
		}
		return encodeSigned(t, by, key, byKey)
	}
	return certificates{
		ca:     encodeSigned(ca, ca, caKey, caKey),
		server: sign("server", 2, ca, caKey), client: sign("client", 3, ca, caKey), stranger: sign("stranger", 4, nil, nil),
	}
})

func template(name string, serial int64) *x509.Certificate {
	return &x509.Certificate{
		SerialNumber: big.NewInt(serial), Subject: pkix.Name{CommonName: name, Organization: []string{"zk"}},
		NotBefore: time.Date(1999, 1, 1, 0, 0, 0, 0, time.UTC), NotAfter: time.Date(2049, 1, 1, 0, 0, 0, 0, time.UTC),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
}

func newKey() *ecdsa.PrivateKey {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err) // there is no randomness
	}
	return key
}

func encodeSigned(t, by *x509.Certificate, key, byKey *ecdsa.PrivateKey) signed {
	cert, err := x509.CreateCertificate(rand.Reader, t, by, &key.PublicKey, byKey)
	if err != nil {
		panic(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		panic(err)
	}
	return signed{
		cert: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert}),
		key:  pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}),
	}
}

// tlsConfig is that of a client; who is client, stranger or nobody.
func (c certificates) tlsConfig(who string) (*tls.Config, error) {
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(c.ca.cert)
	config := &tls.Config{RootCAs: roots, ServerName: "localhost"}
	proof, ok := map[string]signed{"client": c.client, "stranger": c.stranger}[who]
	if !ok {
		return config, nil
	}
	pair, err := tls.X509KeyPair(proof.cert, proof.key)
	// Even when the server says that it wants certificates of others.
	config.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &pair, nil }
	return config, err
}

// serverTLS is that of a server with ssl.clientAuth.
func (c certificates) serverTLS(clientAuth string) *tls.Config {
	pair, err := tls.X509KeyPair(c.server.cert, c.server.key)
	if err != nil {
		panic(err)
	}
	clients := x509.NewCertPool()
	clients.AppendCertsFromPEM(c.ca.cert)
	return &tls.Config{
		Certificates: []tls.Certificate{pair}, ClientCAs: clients,
		ClientAuth: map[string]tls.ClientAuthType{
			"need": tls.RequireAndVerifyClientCert, "want": tls.VerifyClientCertIfGiven, "none": tls.NoClientCert,
		}[clientAuth],
	}
}
