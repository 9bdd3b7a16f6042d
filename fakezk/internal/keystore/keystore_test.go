package keystore

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/x509"
	"encoding/pem"
	"os"
	"testing"

	"github.com/stretchr/testify/require"
)

// The files of testdata are keytool's: key.jks is of
//
//	keytool -genkeypair -alias server -keyalg EC -groupname secp256r1 -dname CN=server,O=zk -validity 36500
//	    -storetype JKS -keystore key.jks -storepass apassword -keypass apassword
//
// trust.jks has its certificate, and key.p12 is the like in PKCS12.
const password = "apassword"

func read(t testing.TB, name string) []byte {
	data, err := os.ReadFile("testdata/" + name)
	require.NoError(t, err)
	return data
}

func TestJKS(t *testing.T) {
	s, err := Read("JKS", read(t, "key.jks"), password)
	require.NoError(t, err)
	require.Len(t, s.Keys, 1)
	require.Empty(t, s.Trusted)
	require.Len(t, s.Keys[0].Certificate, 1)
	cert, err := x509.ParseCertificate(s.Keys[0].Certificate[0])
	require.NoError(t, err)
	require.Equal(t, "server", cert.Subject.CommonName)
	key, ok := s.Keys[0].PrivateKey.(crypto.Signer)
	require.True(t, ok)
	require.True(t, cert.PublicKey.(*ecdsa.PublicKey).Equal(key.Public()), "the key is the certificate's")

	trust, err := Read("jks", read(t, "trust.jks"), password)
	require.NoError(t, err)
	require.Empty(t, trust.Keys)
	require.Len(t, trust.Trusted, 1)
	require.True(t, trust.Trusted[0].Equal(cert))
}

func TestJKSWithoutPassword(t *testing.T) {
	s, err := Read("jks", read(t, "trust.jks"), "")
	require.NoError(t, err)
	require.Len(t, s.Trusted, 1)
	s, err = Read("jks", read(t, "key.jks"), "")
	require.NoError(t, err)
	require.Empty(t, s.Keys)
}

func TestPEM(t *testing.T) {
	jks, err := Read("jks", read(t, "key.jks"), password)
	require.NoError(t, err)
	key, err := x509.MarshalPKCS8PrivateKey(jks.Keys[0].PrivateKey)
	require.NoError(t, err)
	cert := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: jks.Keys[0].Certificate[0]})
	both := append(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key}), cert...)
	s, err := Read("PEM", both, "")
	require.NoError(t, err)
	require.Len(t, s.Keys, 1)
	s, err = Read("pem", append(cert, cert...), "")
	require.NoError(t, err)
	require.Empty(t, s.Keys)
	require.Len(t, s.Trusted, 2)
}

func TestBadStores(t *testing.T) {
	jks := read(t, "key.jks")
	changed := bytes.Clone(jks)
	changed[40]++
	for name, test := range map[string]struct {
		kind     string
		data     []byte
		password string
		want     string
	}{
		"kind":           {"p12", jks, password, `want a file of type PEM or JKS, told by its name's end or by its type property; keytool -importkeystore -deststoretype JKS makes one of another, not "p12"`},
		"PKCS12":         {"jks", read(t, "key.p12"), password, "one of PKCS12 becomes one by keytool"},
		"wrong password": {"jks", jks, "other", "the password is wrong, or the file is damaged"},
		"damaged":        {"jks", changed, password, "the password is wrong, or the file is damaged"},
		"empty":          {"jks", nil, password, "no JKS file"},
		"short":          {"jks", append(bytes.Clone(jks[:300]), make([]byte, 20)...), "", "the JKS file ends too early"},
		"no PEM":         {"pem", []byte("x"), "", "no key and no certificate"},
		"half a PEM":     {"pem", []byte("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"), "", "x509"},
		"key alone":      {"pem", []byte("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"), "", "tls"},
		"encrypted":      {"pem", []byte("-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n"), "", "the key is encrypted"},
	} {
		_, err := Read(test.kind, test.data, test.password)
		require.ErrorContains(t, err, test.want, name)
	}
}

// FuzzJKS wants no panic and no large allocation, whatever the bytes.
func FuzzJKS(f *testing.F) {
	f.Add(read(f, "key.jks"), password)
	f.Add(read(f, "trust.jks"), "")
	f.Fuzz(func(t *testing.T, data []byte, password string) {
		if s, err := Read("jks", data, password); (s == nil) == (err == nil) {
			t.Fatalf("store %v, error %v", s, err)
		}
	})
}
