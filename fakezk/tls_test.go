package fakezk_test

import (
	"crypto/tls"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/fakezk"
	"github.com/zookit/zookit/internal/proto"
)

func (a *authority) server() *tls.Config {
	return &tls.Config{
		Certificates: []tls.Certificate{a.issue(subject(attr(oidCN, "server")))},
		ClientCAs:    a.pool(), ClientAuth: tls.RequireAndVerifyClientCert,
	}
}

// TestTLSInMemory has the secure port in a bubble, where time is virtual, and
// certificates are of its year.
func TestTLSInMemory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ca := newAuthority(t)
		e := fakezk.New(t, fakezk.TLS(ca.server()), fakezk.X509SuperUser("CN=client,O=zk"))
		addr := e.Servers()[0].SecureAddr()
		require.NotEqual(t, e.ConnectString(), addr)
		open := func(config *tls.Config) *speaker {
			nc, err := e.DialContext(t.Context(), "tcp", addr)
			require.NoError(t, err)
			t.Cleanup(func() { nc.Close() })
			s := &speaker{t: t, nc: tls.Client(nc, config)}
			s.connect(0, make([]byte, proto.PasswordLen))
			return s
		}
		s := open(ca.client(subjects()["plain"]))
		s.whoAmI()
		require.Equal(t, "whoAmI: 0\n\t\"ip:127.0.0.1\" \"super:\" \"x509:CN=client,O=zk\"\n", s.String())
		require.Equal(t, "no session: CLOSED\n", open(ca.client(nil)).String())

		silent, err := e.DialContext(t.Context(), "tcp", addr)
		require.NoError(t, err)
		begin := time.Now()
		_, err = silent.Read(make([]byte, 1))
		require.Error(t, err)
		require.Greater(t, time.Since(begin), 10*time.Second)

		require.NoError(t, e.Servers()[0].Restart())
		require.Equal(t, addr, e.Servers()[0].SecureAddr())
		resumed := open(ca.client(subjects()["plain"]))
		require.NotZero(t, resumed.SessionID)
	})
}

func TestNoTLS(t *testing.T) {
	e := fakezk.New(t, fakezk.SecureAddr("127.0.0.1:2182"))
	require.Empty(t, e.Servers()[0].SecureAddr())
}

// TestUnifiedPort has clients with and without TLS on one port.
func TestUnifiedPort(t *testing.T) {
	ca := newAuthority(t)
	e := fakeLikeJava(t, fakezk.TLS(ca.server()), fakezk.PortUnification())
	for range 20 {
		plain, secure := speak(t, e.ConnectString()), speakOver(t, e.ConnectString(), ca.client(subjects()["plain"]))
		plain.whoAmI()
		secure.whoAmI()
		require.Contains(t, plain.String(), `"ip:127.0.0.1"`)
		require.Contains(t, secure.String(), `"x509:CN=client,O=zk"`)
	}
	require.Equal(t, "imok", ask(t, e.ConnectString(), "ruok"))

	impatient := fakeLikeJava(t, fakezk.TLS(ca.server()), fakezk.PortUnification(), fakezk.IdleTimeout(100*time.Millisecond))
	requireEnded(t, dialOver(t, impatient.ConnectString(), nil))
}

// TestSlowPeerOverTLS has a client that reads nothing: it must not keep others
// from being served, nor the server from closing.
func TestSlowPeerOverTLS(t *testing.T) {
	ca := newAuthority(t)
	e := fakeLikeJava(t, fakezk.TLS(ca.server()))
	s := speakOver(t, e.Servers()[0].SecureAddr(), ca.client(subjects()["plain"]))
	body := proto.CreateRequest{Path: "/big", Data: make([]byte, 1<<20-100), ACL: []proto.ACL{{Perms: 31, Scheme: "world", ID: "anyone"}}}
	s.do("create", proto.OpCreate, body.AppendTo(nil))
	require.Equal(t, "create: 0\n", s.String())
	for xid := range int32(50) {
		frame := proto.PathWatch{Path: "/big"}.AppendTo(proto.RequestHeader{Xid: xid, Op: proto.OpGetData}.AppendTo(nil))
		_, err := s.nc.Write(append([]byte{0, 0, 0, byte(len(frame))}, frame...))
		require.NoError(t, err)
	}
	other := speak(t, e.ConnectString())
	other.get("/big")
	require.Equal(t, "get /big: 0\n", other.String())
	begin := time.Now()
	require.NoError(t, e.Close())
	require.Less(t, time.Since(begin), 4*time.Second)
}
