package fakezk_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// An authority signs certificates.
type authority struct {
	t    *testing.T
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newAuthority(t *testing.T) *authority {
	a := &authority{t: t}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	a.key = key
	template := &x509.Certificate{Subject: pkix.Name{CommonName: "authority"}, IsCA: true, BasicConstraintsValid: true}
	a.cert = a.sign(template, template, &key.PublicKey)
	return a
}

func (a *authority) sign(template, parent *x509.Certificate, key *ecdsa.PublicKey) *x509.Certificate {
	a.t.Helper()
	template.SerialNumber = big.NewInt(time.Now().UnixNano())
	template.NotBefore, template.NotAfter = time.Now().Add(-time.Hour), time.Now().Add(24*time.Hour)
	der, err := x509.CreateCertificate(rand.Reader, template, parent, key, a.key)
	require.NoError(a.t, err)
	cert, err := x509.ParseCertificate(der)
	require.NoError(a.t, err)
	return cert
}

// issue makes a key and a certificate for it. The subject is in DER.
func (a *authority) issue(subject []byte) tls.Certificate {
	a.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(a.t, err)
	cert := a.sign(&x509.Certificate{
		RawSubject: subject, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}, a.cert, &key.PublicKey)
	return tls.Certificate{Certificate: [][]byte{cert.Raw}, PrivateKey: key}
}

// client is the configuration of a client that has a certificate; without a
// subject it has none.
func (a *authority) client(subject []byte) *tls.Config {
	config := &tls.Config{RootCAs: a.pool(), ServerName: "127.0.0.1"}
	if subject != nil {
		config.Certificates = []tls.Certificate{a.issue(subject)}
	}
	return config
}

func (a *authority) pool() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(a.cert)
	return pool
}

// files writes the server's key store and trust store, and returns the lines
// that name them.
func (a *authority) files() []string {
	a.t.Helper()
	server := a.issue(subject(attr(oidCN, "server")))
	key, err := x509.MarshalPKCS8PrivateKey(server.PrivateKey)
	require.NoError(a.t, err)
	var keys bytes.Buffer
	for _, block := range []pem.Block{{Type: "PRIVATE KEY", Bytes: key}, {Type: "CERTIFICATE", Bytes: server.Certificate[0]}} {
		require.NoError(a.t, pem.Encode(&keys, &block))
	}
	dir := a.t.TempDir()
	write := func(name string, text []byte) string {
		path := filepath.Join(dir, name)
		require.NoError(a.t, os.WriteFile(path, text, 0o600))
		return path
	}
	return []string{
		"serverCnxnFactory=org.apache.zookeeper.server.NettyServerCnxnFactory",
		"ssl.keyStore.location=" + write("keys.pem", keys.Bytes()),
		"ssl.trustStore.location=" + write("trust.pem", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.cert.Raw})),
	}
}

var (
	oidCN    = asn1.ObjectIdentifier{2, 5, 4, 3}
	oidC     = asn1.ObjectIdentifier{2, 5, 4, 6}
	oidL     = asn1.ObjectIdentifier{2, 5, 4, 7}
	oidST    = asn1.ObjectIdentifier{2, 5, 4, 8}
	oidO     = asn1.ObjectIdentifier{2, 5, 4, 10}
	oidOU    = asn1.ObjectIdentifier{2, 5, 4, 11}
	oidDC    = asn1.ObjectIdentifier{0, 9, 2342, 19200300, 100, 1, 25}
	oidUID   = asn1.ObjectIdentifier{0, 9, 2342, 19200300, 100, 1, 1}
	oidEmail = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 1}
	oidGiven = asn1.ObjectIdentifier{2, 5, 4, 42}
)

// An attribute is one of a subject.
type attribute struct {
	Type  asn1.ObjectIdentifier
	Value asn1.RawValue
}

func attr(oid asn1.ObjectIdentifier, value string) attribute {
	return tagged(oid, asn1.TagUTF8String, value)
}

func tagged(oid asn1.ObjectIdentifier, tag int, value string) attribute {
	return attribute{oid, asn1.RawValue{Tag: tag, Bytes: []byte(value)}}
}

type attributeSET []attribute

// subject is a name in DER, with each attribute in a set of its own.
func subject(attributes ...attribute) []byte {
	var sets []attributeSET
	for _, a := range attributes {
		sets = append(sets, attributeSET{a})
	}
	return name(sets...)
}

func name(sets ...attributeSET) []byte {
	der, err := asn1.Marshal(sets)
	if err != nil {
		panic(err)
	}
	return der
}

// subjects are of clients.
func subjects() map[string][]byte {
	return map[string][]byte{
		"plain":   subject(attr(oidO, "zk"), attr(oidCN, "client")),
		"printed": subject(tagged(oidC, asn1.TagPrintableString, "DE"), tagged(oidCN, asn1.TagPrintableString, "client")),
		"signs":   subject(attr(oidO, `a,b\c;d"e+f=g<h>i#j`), attr(oidCN, "#hash")),
		"spaces":  subject(attr(oidO, "  two before"), attr(oidCN, "in  the middle"), attr(oidOU, "two behind  "), attr(oidL, " "), attr(oidST, "   ")),
		"unicode": subject(attr(oidO, "Жäß€"), attr(oidCN, "\U0001F600"), attr(oidOU, "e\u0301"), attr(oidL, "a\nb\x01\tc")),
		"numbers": subject(attr(oidGiven, "Ada"), tagged(oidEmail, asn1.TagIA5String, "a@b.c"), attr(oidCN, "client")),
		"names":   subject(tagged(oidDC, asn1.TagIA5String, "org"), attr(oidUID, "u1"), attr(oidST, "S"), attr(oidL, "L")),
		"sets":    name(attributeSET{attr(oidL, "L"), attr(oidST, "S")}, attributeSET{attr(oidOU, "b"), attr(oidOU, "c"), attr(oidCN, "a")}),
		"tags":    subject(tagged(oidCN, asn1.TagBMPString, "\x00a\x04\x16"), tagged(oidO, asn1.TagT61String, "t\xe4"), tagged(oidOU, asn1.TagNumericString, "12")),
		"empty":   subject(attr(oidO, ""), attr(oidCN, "x")),
	}
}
