package docker_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/md5"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"regexp"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/internal/backend"
	"github.com/zookit/zookit/internal/jute"
	"github.com/zookit/zookit/internal/proto"
	"github.com/zookit/zookit/internal/wire"
)

func TestDockerTLS(t *testing.T) {
	ca, caKey := certificate(t, "ca", nil, nil)
	server, serverKey := certificate(t, "member", ca, caKey)
	user, userKey := certificate(t, "user", ca, caKey)
	c := start(t, backend.Spec{Servers: 1, TLS: &backend.TLS{
		Cert: pemOf("CERTIFICATE", server.Raw), Key: pemKey(t, serverKey), CA: pemOf("CERTIFICATE", ca.Raw),
	}})
	m := c.Members()[0]

	roots := x509.NewCertPool()
	roots.AddCert(ca)
	config := &tls.Config{RootCAs: roots, ServerName: "member"}
	handshake := func(ctx context.Context) (net.Conn, error) {
		conn, err := m.Dial(ctx, backend.PortTLS)
		if err != nil {
			return nil, err
		}
		secure := tls.Client(conn, config)
		if err := secure.HandshakeContext(ctx); err != nil {
			conn.Close()
			return nil, err
		}
		return secure, nil
	}
	conn, err := handshake(t.Context())
	if err == nil { // with TLS 1.3 the refusal comes behind the handshake
		_, err = conn.Read(make([]byte, 1))
		conn.Close()
	}
	require.Error(t, err, "a client has to have a certificate")

	config.Certificates = []tls.Certificate{{Certificate: [][]byte{user.Raw}, PrivateKey: userKey}}
	identities, err := dialPort(t, handshake).WhoAmI(t.Context())
	require.NoError(t, err)
	require.Contains(t, fmt.Sprint(identities), "CN=user")

	_, _, err = dial(t, m).Exists(t.Context(), "/")
	require.NoError(t, err, "the other port is there, too")
}

// certificate is signed by the parent, or by itself.
func certificate(t *testing.T, name string, parent *x509.Certificate, parentKey *ecdsa.PrivateKey) (*x509.Certificate, *ecdsa.PrivateKey) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name}, DNSNames: []string{name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: parent == nil, BasicConstraintsValid: true,
	}
	if parent == nil {
		parent, parentKey = template, key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, parentKey)
	require.NoError(t, err)
	cert, err := x509.ParseCertificate(der)
	require.NoError(t, err)
	return cert, key
}

func pemOf(kind string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
}

func pemKey(t *testing.T, key *ecdsa.PrivateKey) []byte {
	der, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(t, err)
	return pemOf("PRIVATE KEY", der)
}

func TestDockerSASL(t *testing.T) {
	c := start(t, backend.Spec{Servers: 1, Users: map[string]string{"bob": `a "\ secret`, "eve": "other"}})
	m := c.Members()[0]
	require.Equal(t, proto.OK, authenticate(t, m, "bob", `a "\ secret`))
	require.Equal(t, proto.OK, authenticate(t, m, "eve", "other"))
	require.Equal(t, proto.AuthFailed, authenticate(t, m, "bob", "other"))
}

// authenticate is DIGEST-MD5 (RFC 2831) on a connection of its own; it returns
// what the server says to the client's answer.
func authenticate(t *testing.T, m backend.Member, user, password string) proto.Code {
	conn, err := m.Dial(t.Context(), backend.PortClient)
	require.NoError(t, err)
	defer conn.Close()
	require.NoError(t, conn.SetDeadline(time.Now().Add(bootTime)))
	frames := wire.NewFrameReader(conn, 1<<20)
	exchange := func(encode func([]byte) []byte) *jute.Reader {
		b, start := wire.BeginFrame(nil)
		_, err := conn.Write(wire.EndFrame(encode(b), start))
		require.NoError(t, err)
		frame, err := frames.Next()
		require.NoError(t, err)
		r := jute.NewReader(frame, "reply")
		return &r
	}
	sasl := func(xid int32, token []byte) (header proto.ReplyHeader, reply proto.SASLToken) {
		r := exchange(func(b []byte) []byte {
			return proto.SASLToken{Token: token}.AppendTo(proto.RequestHeader{Xid: xid, Op: proto.OpSASL}.AppendTo(b))
		})
		header.Decode(r)
		if header.Err == proto.OK {
			reply.Decode(r)
			require.NoError(t, r.Err())
		}
		return header, reply
	}
	exchange(proto.ConnectRequest{Timeout: 30_000, Password: make([]byte, 16)}.AppendTo)
	_, challenge := sasl(1, []byte{})
	header, _ := sasl(2, digest(t, string(challenge.Token), user, password))
	return header.Err
}

func digest(t *testing.T, challenge, user, password string) []byte {
	part := func(name string) string {
		found := regexp.MustCompile(name + `="([^"]*)"`).FindStringSubmatch(challenge)
		require.NotNil(t, found, "%s in %s", name, challenge)
		return found[1]
	}
	const cnonce, count, uri = "zookit", "00000001", "zookeeper/zk-sasl-md5"
	realm, nonce := part("realm"), part("nonce")
	sum := func(s string) string { return fmt.Sprintf("%x", md5.Sum([]byte(s))) }
	secret := md5.Sum([]byte(user + ":" + realm + ":" + password))
	a1 := sum(string(secret[:]) + ":" + nonce + ":" + cnonce)
	response := sum(a1 + ":" + nonce + ":" + count + ":" + cnonce + ":auth:" + sum("AUTHENTICATE:"+uri))
	return fmt.Appendf(nil, `charset=utf-8,username="%s",realm="%s",nonce="%s",nc=%s,cnonce="%s",digest-uri="%s",maxbuf=65536,response=%s,qop=auth`,
		user, realm, nonce, count, cnonce, uri, response)
}
