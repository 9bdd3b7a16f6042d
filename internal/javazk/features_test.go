package javazk

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/binary"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/internal/backend"
	"github.com/zookit/zookit/internal/testenv"
	"github.com/zookit/zookit/zk"
)

// A client that joins the last member and lets the first one leave sees the
// new configuration, in which members have their front addresses.
func TestReconfig(t *testing.T) {
	for _, version := range []string{"3.9", "3.5"} {
		t.Run(version, func(t *testing.T) {
			fronts := []string{"127.0.0.1:4001", "127.0.0.1:4002", "127.0.0.1:4003"}
			c := start(t, backend.Spec{
				Servers: 3, Version: version, Reconfig: true, Fronts: fronts, Config: []string{super},
			}, chooseNetwork)
			leader := c.leader(t)
			leaving := (leader + 1) % 3
			admin := client(t, c.members[leader], zk.Auth("digest", []byte("super:pw")))
			data, _, err := admin.Config(soon(t))
			require.NoError(t, err)
			for _, m := range c.members {
				require.Contains(t, string(data), ";"+hostPort(m.site.clientHost, m.site.client))
			}
			if c.Partitioner() == "network namespaces" {
				require.Contains(t, string(data), ";"+fronts[0])
			}
			data, _, err = admin.Reconfig(soon(t), zk.Reconfiguration{Leaving: []string{fmt.Sprint(leaving + 1)}, From: zk.AnyConfig})
			require.NoError(t, err)
			require.NotContains(t, string(data), fmt.Sprintf("server.%d=", leaving+1))

			follower := c.members[3-leader-leaving]
			require.NoError(t, follower.Kill(t.Context()))
			require.NoError(t, follower.Start(t.Context()), "it boots from the files that it has rewritten")
			data, _, err = client(t, follower).Config(soon(t))
			require.NoError(t, err)
			require.NotContains(t, string(data), fmt.Sprintf("server.%d=", leaving+1))
		})
	}
}

// super makes super:pw the super user.
const super = "DigestAuthenticationProvider.superDigest=super:0bX78nEegDzJM3ju0iLBEJdWzjg="

func TestReconfigOfOneServer(t *testing.T) {
	c := start(t, backend.Spec{Servers: 1, Reconfig: true}, chooseNetwork)
	require.Zero(t, c.leader(t))
}

// A member without quorum serves reads.
func TestReadOnly(t *testing.T) {
	c := start(t, backend.Spec{Servers: 3, ReadOnly: true}, chooseNetwork)
	_, _, err := client(t, c.members[0]).Create(soon(t), "/a", []byte("v"), zk.Persistent)
	require.NoError(t, err)
	require.NoError(t, c.members[1].Kill(t.Context()))
	require.NoError(t, c.members[2].Kill(t.Context()))
	eventually(t, "read-only mode", func() bool { return c.modes(t.Context())[0] == "read-only" })
	reader := client(t, c.members[0], zk.CanBeReadOnly())
	data, _, err := reader.Get(soon(t), "/a")
	require.NoError(t, err)
	require.Equal(t, "v", string(data))
	_, err = reader.Set(soon(t), "/a", nil, zk.AnyVersion)
	require.ErrorIs(t, err, zk.ErrNotReadOnly)
}

func TestTTLAndContainers(t *testing.T) {
	c := start(t, backend.Spec{
		Servers: 1, Config: []string{"extendedTypesEnabled=true"}, JVMFlags: []string{"-Dznode.container.checkIntervalMs=100"},
	}, chooseNetwork)
	conn := client(t, c.members[0])
	_, _, err := conn.CreateTTL(soon(t), "/ttl", nil, zk.Persistent, 50*time.Millisecond)
	require.NoError(t, err)
	_, _, err = conn.Create(soon(t), "/container", nil, zk.Container)
	require.NoError(t, err)
	_, _, err = conn.Create(soon(t), "/container/child", nil, zk.Persistent)
	require.NoError(t, err)
	require.NoError(t, conn.Delete(soon(t), "/container/child", zk.AnyVersion))
	eventually(t, "both are reaped", func() bool {
		names, err := conn.ChildNames(soon(t), "/")
		require.NoError(t, err)
		return slices.Equal(names, []string{"zookeeper"})
	})
}

func TestAdminServer(t *testing.T) {
	for _, servers := range []int{1, 3} {
		c := start(t, backend.Spec{Servers: servers, Version: "3.9", AdminServer: true}, chooseNetwork)
		for _, m := range c.members {
			transport := &http.Transport{
				DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) { return m.Dial(ctx, backend.PortAdmin) },
			}
			reply, err := (&http.Client{Transport: transport}).Get("http://member/commands/ruok")
			require.NoError(t, err)
			body, err := io.ReadAll(reply.Body)
			require.NoError(t, err)
			require.NoError(t, reply.Body.Close())
			transport.CloseIdleConnections()
			require.Contains(t, string(body), `"command" : "ruok"`)
		}
	}
}

func TestPortsThatWereNotAskedFor(t *testing.T) {
	c := start(t, backend.Spec{Servers: 1}, chooseNetwork)
	for _, port := range []backend.Port{backend.PortTLS, backend.PortAdmin} {
		_, err := c.members[0].Dial(t.Context(), port)
		require.ErrorContains(t, err, "was not asked for")
	}
}

// An authority signs one certificate, that is the server's and the client's.
func authority(t *testing.T) (*backend.TLS, tls.Certificate, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "both"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, DNSNames: []string{"member"},
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	require.NoError(t, err)
	keyDER, err := x509.MarshalECPrivateKey(key)
	require.NoError(t, err)
	cert := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	keyPEM := pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: keyDER})
	pair, err := tls.X509KeyPair(cert, keyPEM)
	require.NoError(t, err)
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(cert)
	return &backend.TLS{Cert: cert, Key: keyPEM, CA: cert}, pair, pool
}

func TestTLS(t *testing.T) {
	for _, tc := range []struct {
		version, auth string
		servers       int
	}{{"3.9", "", 3}, {"3.8", "none", 1}, {"3.5", "want", 1}} {
		t.Run(tc.version, func(t *testing.T) {
			stores, pair, pool := authority(t)
			stores.ClientAuth = tc.auth
			c := start(t, backend.Spec{Servers: tc.servers, Version: tc.version, TLS: stores}, chooseNetwork)
			config := &tls.Config{RootCAs: pool, ServerName: "member", Certificates: []tls.Certificate{pair}}
			require.Equal(t, "imok", ruokByTLS(t, c.members[0], config))
			_, err := client(t, c.members[0]).ChildNames(soon(t), "/")
			require.NoError(t, err, "the other port stays")

			stranger := &tls.Config{RootCAs: pool, ServerName: "member"}
			if tc.auth == "" {
				require.Empty(t, ruokByTLS(t, c.members[0], stranger), "a client without a certificate is let in")
			} else {
				require.Equal(t, "imok", ruokByTLS(t, c.members[0], stranger))
			}
		})
	}
}

// Debian's package serves where Maven is not to be had, with all ports.
func TestDebian(t *testing.T) {
	packaged := debian()
	if packaged.absent != nil {
		testenv.Missing(t, packaged.absent.Error(), "apt-get install libzookeeper-java")
	}
	java, err := exec.LookPath("java")
	if err != nil {
		testenv.Missing(t, "java", "apt-get install default-jre-headless")
	}
	bin := t.TempDir() // has all that is needed but Maven
	for _, tool := range []string{java, "/bin/sh", "/bin/rm", "/bin/sleep"} {
		require.NoError(t, os.Symlink(tool, filepath.Join(bin, filepath.Base(tool))))
	}
	t.Setenv("PATH", bin)
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	stores, pair, pool := authority(t)
	c := start(t, backend.Spec{Servers: 1, Version: packaged.version, TLS: stores, AdminServer: true}, chooseNetwork)
	require.Contains(t, c.classpath, "/usr/share/java/zookeeper.jar")
	require.Equal(t, "imok", ruokByTLS(t, c.members[0], &tls.Config{
		RootCAs: pool, ServerName: "member", Certificates: []tls.Certificate{pair},
	}))
}

// ruokByTLS returns the answer to ruok, "" if there is none.
func ruokByTLS(t *testing.T, m *member, config *tls.Config) string {
	t.Helper()
	conn, err := m.Dial(t.Context(), backend.PortTLS)
	require.NoError(t, err)
	defer conn.Close()
	require.NoError(t, conn.SetDeadline(time.Now().Add(time.Minute)))
	secure := tls.Client(conn, config)
	secure.Write([]byte("ruok"))
	answer, _ := io.ReadAll(secure)
	return string(answer)
}

// The first answer to a client that wants DIGEST-MD5 is a challenge.
func TestSASL(t *testing.T) {
	for _, version := range []string{"3.9", "3.8"} {
		c := start(t, backend.Spec{Servers: 1, Version: version, Users: map[string]string{"bob": `se"cr\et`}}, chooseNetwork)
		conn, err := c.members[0].Dial(t.Context(), backend.PortClient)
		require.NoError(t, err)
		defer conn.Close()
		require.NoError(t, conn.SetDeadline(time.Now().Add(time.Minute)))
		connect := make([]byte, 45) // protocol, zxid, timeout, session, password, read-only
		binary.BigEndian.PutUint32(connect[12:], 4000)
		binary.BigEndian.PutUint32(connect[24:], 16)
		sasl := []byte{0, 0, 0, 1, 0, 0, 0, 102, 0, 0, 0, 0} // xid, opcode, token of no bytes
		for _, frame := range [][]byte{connect, sasl} {
			_, err = conn.Write(binary.BigEndian.AppendUint32(nil, uint32(len(frame))))
			require.NoError(t, err)
			_, err = conn.Write(frame)
			require.NoError(t, err)
		}
		var read bytes.Buffer
		for !strings.Contains(read.String(), "md5-sess") {
			_, err := io.CopyN(&read, conn, 1)
			require.NoError(t, err, "after %q", read.String())
		}
		require.Contains(t, read.String(), `realm="zk-sasl-md5"`)
		require.NotContains(t, c.members[0].Logs(), "SASL configuration failed")
	}
}
