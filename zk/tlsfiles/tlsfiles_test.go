package tlsfiles_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/youmark/pkcs8"

	"github.com/zookit/zookit/fakezk"
	"github.com/zookit/zookit/internal/testca"
	"github.com/zookit/zookit/internal/testenv"
	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zk/tlsfiles"
)

// A dir holds the files of a test.
type dir struct {
	t    *testing.T
	path string
	ca   *testca.CA
}

func newDir(t *testing.T) *dir { return &dir{t, t.TempDir(), testca.New(t)} }

func (d *dir) write(name string, text []byte) string {
	d.t.Helper()
	path := filepath.Join(d.path, name)
	require.NoError(d.t, os.WriteFile(path, text, 0o600))
	return path
}

func (d *dir) file(name string) string { return filepath.Join(d.path, name) }

// client writes the files of a client of that name.
func (d *dir) client(name string) tls.Certificate {
	cert := d.ca.Issue(name)
	d.write("client.pem", testca.CertPEM(cert))
	d.write("client.key", testca.KeyPEM(d.t, cert))
	return cert
}

// serve is a fake that wants certificates, and how to reach it by any name.
func (d *dir) serve(hosts ...string) zk.Option {
	e := fakezk.New(d.t, fakezk.TLS(&tls.Config{
		Certificates: []tls.Certificate{d.ca.Issue("server", hosts...)},
		ClientAuth:   tls.VerifyClientCertIfGiven, ClientCAs: d.ca.Pool(),
	}))
	return zk.Dialer(func(ctx context.Context, network, _ string) (net.Conn, error) {
		return e.DialContext(ctx, network, e.Servers()[0].SecureAddr())
	})
}

// once has an error tell of the first attempt, at once.
var once = zk.ConnectRetry(zk.RetryNever())

func (d *dir) dial(host string, server zk.Option, opts ...tlsfiles.Option) (*zk.Conn, error) {
	settings, err := tlsfiles.New(opts...)
	if err != nil {
		return nil, err
	}
	c, err := zk.Dial(d.t.Context(), host, server, zk.TLS(settings), once)
	if err == nil {
		d.t.Cleanup(func() { c.Close() })
	}
	return c, err
}

// check_hostname is off by default in kazoo, so that any certificate of the
// authority was good for any server.
func TestServersMustBeWhoTheyAre(t *testing.T) {
	d := newDir(t)
	ca := tlsfiles.CA(d.write("ca.pem", append([]byte("# comment\n"), d.ca.PEM()...)))
	other := tlsfiles.CA(d.write("other.pem", testca.New(t).PEM()))
	server := d.serve("zk1", "10.0.0.1")
	for _, tc := range []struct {
		name, host string
		opts       []tlsfiles.Option
		want       string
	}{
		{"right", "zk1:2281", []tlsfiles.Option{ca}, ""},
		{"right address", "10.0.0.1:2281", []tlsfiles.Option{ca}, ""},
		{"of two authorities", "zk1:2281", []tlsfiles.Option{other, ca}, ""},
		{"wrong name", "zk2:2281", []tlsfiles.Option{ca}, "certificate is valid for zk1, not zk2"},
		{"wrong address", "10.0.0.2:2281", []tlsfiles.Option{ca}, "certificate is valid for 10.0.0.1, not 10.0.0.2"},
		{"wrong authority", "zk1:2281", []tlsfiles.Option{other}, "unknown authority"},
		{"the system's authorities", "zk1:2281", nil, "unknown authority"},
		{"any host", "zk2:2281", []tlsfiles.Option{ca, tlsfiles.AnyHost()}, ""},
		{"any host of another authority", "zk1:2281", []tlsfiles.Option{other, tlsfiles.AnyHost()}, "unknown authority"},
		{"any host of the system's", "zk1:2281", []tlsfiles.Option{tlsfiles.AnyHost()}, "unknown authority"},
		{"any certificate", "zk2:2281", []tlsfiles.Option{tlsfiles.AnyCertificate()}, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, err := d.dial(tc.host, server, tc.opts...)
			if tc.want == "" {
				require.NoError(t, err)
			} else {
				require.ErrorContains(t, err, tc.want)
			}
		})
	}
}

// Keys come in many forms, with the same client in all of them.
func TestKeys(t *testing.T) {
	d := newDir(t)
	ca := tlsfiles.CA(d.write("ca.pem", d.ca.PEM()))
	server := d.serve("zk1")
	cert := d.client("client")
	chain := testca.CertPEM(cert)
	ec := cert.PrivateKey.(*ecdsa.PrivateKey)
	sec1, err := x509.MarshalECPrivateKey(ec)
	require.NoError(t, err)
	encode := func(kind string, der []byte) []byte {
		return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
	}
	encrypted := func(opts *pkcs8.Opts) []byte {
		der, err := pkcs8.MarshalPrivateKey(ec, []byte("secret"), opts)
		require.NoError(t, err)
		return encode("ENCRYPTED PRIVATE KEY", der)
	}
	//lint:ignore SA1019 there are such keys
	legacy, err := x509.EncryptPEMBlock(rand.Reader, "EC PRIVATE KEY", sec1, []byte("secret"), x509.PEMCipherAES256)
	require.NoError(t, err)
	params := []byte("-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n")
	password := tlsfiles.Password("secret")
	file := tlsfiles.PasswordFile(d.write("password", []byte("secret\r\nand more")))
	for name, tc := range map[string]struct {
		key  []byte
		opts []tlsfiles.Option
	}{
		"PKCS #8":                 {testca.KeyPEM(t, cert), nil},
		"SEC 1":                   {append(params, encode("EC PRIVATE KEY", sec1)...), nil},
		"encrypted":               {encrypted(nil), []tlsfiles.Option{password}},
		"encrypted, file":         {encrypted(nil), []tlsfiles.Option{file}},
		"encrypted by scrypt":     {encrypted(&pkcs8.Opts{Cipher: pkcs8.AES128CBC, KDFOpts: pkcs8.ScryptOpts{SaltSize: 8, CostParameter: 2, BlockSize: 8, ParallelizationParameter: 1}}), []tlsfiles.Option{password}},
		"encrypted as PEM":        {pem.EncodeToMemory(legacy), []tlsfiles.Option{password}},
		"not encrypted, password": {testca.KeyPEM(t, cert), []tlsfiles.Option{password}},
		"all in one":              {append(testca.KeyPEM(t, cert), chain...), nil},
	} {
		t.Run(name, func(t *testing.T) {
			opts := append([]tlsfiles.Option{ca, tlsfiles.Certificate(d.write("client.pem", chain), d.write("client.key", tc.key))}, tc.opts...)
			c, err := d.dial("zk1:2281", server, opts...)
			require.NoError(t, err)
			ids, err := c.WhoAmI(t.Context())
			require.NoError(t, err)
			require.Contains(t, ids, zk.Identity{Scheme: "x509", User: "CN=client"})
		})
	}
}

// What OpenSSL writes by default is read.
func TestKeysOfOpenSSL(t *testing.T) {
	if _, err := exec.LookPath("openssl"); err != nil {
		testenv.Missing(t, "openssl", "apt-get install openssl")
	}
	d := newDir(t)
	openssl := func(args ...string) {
		t.Helper()
		cmd := exec.Command("openssl", args...)
		cmd.Dir = d.path
		out, err := cmd.CombinedOutput()
		require.NoError(t, err, "%s", out)
	}
	openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "plain.key", "-out", "client.pem", "-days", "1", "-subj", "/CN=client")
	openssl("pkcs8", "-topk8", "-in", "plain.key", "-out", "pbes2.key", "-passout", "pass:secret")
	openssl("pkcs8", "-topk8", "-in", "plain.key", "-out", "3des.key", "-v2", "des3", "-passout", "pass:secret")
	openssl("rsa", "-traditional", "-in", "plain.key", "-out", "pkcs1.key")
	openssl("rsa", "-traditional", "-aes128", "-in", "plain.key", "-out", "legacy.key", "-passout", "pass:secret")
	for _, key := range []string{"plain.key", "pbes2.key", "3des.key", "pkcs1.key", "legacy.key"} {
		settings, err := tlsfiles.New(tlsfiles.Certificate(d.file("client.pem"), d.file(key)), tlsfiles.Password("secret"))
		require.NoError(t, err, key)
		pair, err := settings.GetClientCertificate(nil)
		require.NoError(t, err, key)
		require.IsType(t, &rsa.PrivateKey{}, pair.PrivateKey)
		if key != "plain.key" && key != "pkcs1.key" {
			_, err = tlsfiles.New(tlsfiles.Certificate(d.file("client.pem"), d.file(key)), tlsfiles.Password("wrong"))
			require.ErrorContains(t, err, d.file(key)+": the password is wrong, or the key is damaged")
		}
	}
}

// Errors name the file.
func TestErrors(t *testing.T) {
	d := newDir(t)
	cert := d.client("client")
	d.write("junk", []byte("junk"))
	d.write("damaged.pem", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: []byte("x")}))
	d.write("damaged.key", pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: []byte("x")}))
	d.write("ssh.key", pem.EncodeToMemory(&pem.Block{Type: "OPENSSH PRIVATE KEY", Bytes: []byte("x")}))
	d.write("other.key", testca.KeyPEM(t, d.ca.Issue("other")))
	der, err := pkcs8.MarshalPrivateKey(cert.PrivateKey, []byte("secret"), nil)
	require.NoError(t, err)
	d.write("encrypted.key", pem.EncodeToMemory(&pem.Block{Type: "ENCRYPTED PRIVATE KEY", Bytes: der}))
	pair := func(cert, key string) tlsfiles.Option { return tlsfiles.Certificate(d.file(cert), d.file(key)) }
	for want, opts := range map[string][]tlsfiles.Option{
		"authorities: open " + d.file("none"):                                                                                      {tlsfiles.CA(d.file("none"))},
		"authorities: " + d.file("junk") + ": there is no certificate in PEM":                                                      {tlsfiles.CA(d.file("junk"))},
		"authorities: " + d.file("damaged.pem") + ": x509: ":                                                                       {tlsfiles.CA(d.file("damaged.pem"))},
		"certificate: open " + d.file("none"):                                                                                      {pair("none", "client.key")},
		"certificate: " + d.file("client.key") + ": there is no certificate":                                                       {pair("client.key", "client.key")},
		"key: open " + d.file("none"):                                                                                              {pair("client.pem", "none")},
		"key: " + d.file("client.pem") + ": there is no private key in PEM":                                                        {pair("client.pem", "client.pem")},
		"key: " + d.file("damaged.key") + ": ":                                                                                     {pair("client.pem", "damaged.key")},
		"key: " + d.file("ssh.key") + `: its type "OPENSSH PRIVATE KEY" is unknown`:                                                {pair("client.pem", "ssh.key")},
		"key: " + d.file("encrypted.key") + ": it is encrypted, and there is no password":                                          {pair("client.pem", "encrypted.key")},
		"key: " + d.file("encrypted.key") + ": the password is wrong, or the key is damaged":                                       {pair("client.pem", "encrypted.key"), tlsfiles.Password("x")},
		"key: " + d.file("encrypted.key") + ": password: open " + d.file("none"):                                                   {pair("client.pem", "encrypted.key"), tlsfiles.PasswordFile(d.file("none"))},
		"certificate " + d.file("client.pem") + " and key " + d.file("other.key") + ": tls: private key does not match public key": {pair("client.pem", "other.key")},
		"a certificate and its key go together":                                                                                    {tlsfiles.Certificate(d.file("client.pem"), "")},
		"there is a password, and no key":                                                                                          {tlsfiles.Password("x")},
		"CA and AnyCertificate exclude each other":                                                                                 {tlsfiles.CA(d.write("ca.pem", d.ca.PEM())), tlsfiles.AnyCertificate()},
	} {
		_, err := tlsfiles.New(opts...)
		require.ErrorContains(t, err, "tlsfiles: "+want)
	}
}

// Certificates are short-lived where machines renew them: a program must take
// the new one without being started again.
func TestFilesAreReadOnEachConnection(t *testing.T) {
	d := newDir(t)
	d.client("first")
	settings, err := tlsfiles.New(tlsfiles.CA(d.write("ca.pem", d.ca.PEM())), tlsfiles.Certificate(d.file("client.pem"), d.file("client.key")))
	require.NoError(t, err)
	server := d.serve("zk1")
	who := func(want string) {
		t.Helper()
		c, err := zk.Dial(t.Context(), "zk1:2281", server, zk.TLS(settings))
		require.NoError(t, err)
		defer c.Close()
		ids, err := c.WhoAmI(t.Context())
		require.NoError(t, err)
		require.Contains(t, ids, zk.Identity{Scheme: "x509", User: "CN=" + want})
	}
	who("first")
	d.client("second")
	who("second")
	d.write("client.key", nil)
	_, err = zk.Dial(t.Context(), "zk1:2281", server, zk.TLS(settings), once)
	require.ErrorContains(t, err, "zk1:2281: TLS: tlsfiles: key: "+d.file("client.key"))
	d.client("third")
	who("third")
}
