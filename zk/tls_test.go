package zk_test

import (
	"context"
	"crypto/tls"
	"io"
	"net"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/fakezk"
	"github.com/zookit/zookit/internal/backend"
	"github.com/zookit/zookit/internal/javazk"
	"github.com/zookit/zookit/internal/memnet"
	"github.com/zookit/zookit/internal/testca"
	"github.com/zookit/zookit/zk"
)

// A secureServer is a fake with TLS, at whatever name it is called by.
type secureServer struct {
	*fakezk.Ensemble
	ca *testca.CA

	mu    sync.Mutex // guards all below
	names []string   // by which clients have asked for it
}

func newSecureServer(t *testing.T, auth tls.ClientAuthType, hosts ...string) *secureServer {
	s := &secureServer{ca: testca.New(t)}
	settings := &tls.Config{
		Certificates: []tls.Certificate{s.ca.Issue("server", hosts...)}, ClientAuth: auth, ClientCAs: s.ca.Pool(),
	}
	settings.GetConfigForClient = func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.names = append(s.names, hello.ServerName)
		return nil, nil
	}
	s.Ensemble = fakezk.New(t, fakezk.TLS(settings))
	return s
}

func (s *secureServer) dial(ctx context.Context, network, _ string) (net.Conn, error) {
	return s.DialContext(ctx, network, s.Servers()[0].SecureAddr())
}

// The dialer of go-zookeeper is given an address instead of the name, so that
// the server's certificate is not good for it.
func TestTLSNames(t *testing.T) {
	for _, tc := range []struct{ connect, name, sni string }{
		{"zk1.example", "zk1.example", "zk1.example"},
		{"ZK1.example:2281", "zk1.example", "ZK1.example"},
		{"10.0.0.7:2281", "10.0.0.7", ""},
		{"[fd00::7]:2281/app", "fd00::7", ""},
	} {
		t.Run(tc.connect, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newSecureServer(t, tls.NoClientCert, tc.name)
				c := dial(t, tc.connect, zk.Dialer(s.dial), zk.TLS(&tls.Config{RootCAs: s.ca.Pool()}))
				_, _, err := c.Get(t.Context(), "/")
				if tc.connect[len(tc.connect)-4:] != "/app" {
					require.NoError(t, err)
				}
				require.Equal(t, []string{tc.sni}, s.names)
				_, err = zk.Dial(short(t), "other:2281", zk.Dialer(s.dial), zk.TLS(&tls.Config{RootCAs: s.ca.Pool()}))
				require.ErrorContains(t, err, "other:2281: TLS: tls: failed to verify certificate: x509: certificate is")
			})
		})
	}
}

// short is enough for an attempt.
func short(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	t.Cleanup(cancel)
	return ctx
}

// Errors say which host, and what is wrong with it.
func TestTLSErrors(t *testing.T) {
	const host = "zk1:2281"
	mute := func(t *testing.T, answer func(net.Conn)) zk.Option {
		network := &memnet.Network{}
		l, err := network.Listen(host)
		require.NoError(t, err)
		go func() {
			for {
				conn, err := l.Accept()
				if err != nil {
					return
				}
				t.Cleanup(func() { conn.Close() })
				answer(conn)
			}
		}()
		t.Cleanup(func() { l.Close() })
		return zk.Dialer(network.DialContext)
	}
	for _, tc := range []struct {
		name, text string
		opts       func(t *testing.T) []zk.Option
	}{
		{"unknown authority", "TLS: tls: failed to verify certificate: x509: certificate signed by unknown authority", func(t *testing.T) []zk.Option {
			s := newSecureServer(t, tls.NoClientCert, "zk1")
			return []zk.Option{zk.Dialer(s.dial), zk.TLS(nil)}
		}},
		{"wrong name", "TLS: tls: failed to verify certificate: x509: certificate is valid for zk2, not zk1", func(t *testing.T) []zk.Option {
			s := newSecureServer(t, tls.NoClientCert, "zk2")
			return []zk.Option{zk.Dialer(s.dial), zk.TLS(&tls.Config{RootCAs: s.ca.Pool()})}
		}},
		{"certificate wanted, 1.3", "no handshake: TLS: the server wants a certificate of the client, which has none: remote error: tls: certificate required", func(t *testing.T) []zk.Option {
			s := newSecureServer(t, tls.RequireAndVerifyClientCert, "zk1")
			return []zk.Option{zk.Dialer(s.dial), zk.TLS(&tls.Config{RootCAs: s.ca.Pool()})}
		}},
		{"certificate wanted, 1.2", "TLS: the server wants a certificate of the client, which has none: remote error: tls: ", func(t *testing.T) []zk.Option {
			s := newSecureServer(t, tls.RequireAndVerifyClientCert, "zk1")
			return []zk.Option{zk.Dialer(s.dial), zk.TLS(&tls.Config{RootCAs: s.ca.Pool(), MaxVersion: tls.VersionTLS12})}
		}},
		{"certificate of another authority", "no handshake: TLS: remote error: tls: unknown certificate authority", func(t *testing.T) []zk.Option {
			s := newSecureServer(t, tls.RequireAndVerifyClientCert, "zk1")
			other := testca.New(t).Issue("client")
			give := func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &other, nil }
			return []zk.Option{zk.Dialer(s.dial), zk.TLS(&tls.Config{RootCAs: s.ca.Pool(), GetClientCertificate: give})}
		}},
		{"plain text", "TLS: the server closed the connection in the handshake, as one does that does not speak TLS: EOF", func(t *testing.T) []zk.Option {
			e := fakezk.New(t)
			dial := func(ctx context.Context, network, _ string) (net.Conn, error) {
				return e.DialContext(ctx, network, e.ConnectString())
			}
			return []zk.Option{zk.Dialer(dial), zk.TLS(nil)}
		}},
		{"something else", "TLS: the server does not speak it: tls: first record does not look like a TLS handshake", func(t *testing.T) []zk.Option {
			return []zk.Option{zk.TLS(nil), mute(t, func(c net.Conn) { io.WriteString(c, "HTTP/1.1 400 Bad Request\r\n") })}
		}},
		{"no answer", "TLS: no answer to the handshake: context deadline exceeded", func(t *testing.T) []zk.Option {
			return []zk.Option{zk.TLS(nil), mute(t, func(net.Conn) {})}
		}},
		{"plain text to a port of TLS", "no handshake: EOF", func(t *testing.T) []zk.Option {
			s := newSecureServer(t, tls.NoClientCert, "zk1")
			return []zk.Option{zk.Dialer(s.dial)}
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				_, err := zk.Dial(short(t), host, append(tc.opts(t), zk.SessionTimeout(9*time.Second))...)
				require.ErrorIs(t, err, context.DeadlineExceeded)
				require.ErrorContains(t, err, host+": "+tc.text)
			})
		})
	}
}

// A port that takes connections and never answers holds nobody up for longer
// than an attempt may take.
func TestTLSHandshakeIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSecureServer(t, tls.NoClientCert, "zk1", "zk2")
		var network memnet.Network
		l, err := network.Listen("zk1:2281")
		require.NoError(t, err)
		t.Cleanup(func() { l.Close() })
		dialer := func(ctx context.Context, net, addr string) (net.Conn, error) {
			if addr == "zk1:2281" {
				return network.DialContext(ctx, net, addr)
			}
			return s.dial(ctx, net, addr)
		}
		waits := map[time.Duration]bool{}
		for seed := range uint64(10) {
			began := time.Now()
			dial(t, "zk1:2281,zk2:2281", zk.Dialer(dialer), zk.TLS(&tls.Config{RootCAs: s.ca.Pool()}),
				zk.SessionTimeout(9*time.Second), zk.Seed(seed))
			waits[time.Since(began)] = true
		}
		require.Equal(t, map[time.Duration]bool{0: true, 3 * time.Second: true}, waits, "as the order of the hosts has it")
	})
}

// x509 is who the server takes a client for by its certificate.
func TestTLSIdentityFake(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSecureServer(t, tls.RequireAndVerifyClientCert, "zk1")
		link := &cuttable{base: s.dial}
		testTLSIdentity(t, s.ca, "zk1", link)
	})
}

func TestTLSIdentityReal(t *testing.T) {
	for _, version := range []string{"3.9.5", "3.8.0"} {
		t.Run(version, func(t *testing.T) {
			ca := testca.New(t)
			cert := ca.Issue("server", "localhost")
			s := javazk.Start(t, javazk.Version(version), func(s *backend.Spec) {
				s.TLS = &backend.TLS{Cert: testca.CertPEM(cert), Key: testca.KeyPEM(t, cert), CA: ca.PEM()}
			})
			link := &cuttable{base: func(ctx context.Context, network, _ string) (net.Conn, error) {
				return new(net.Dialer).DialContext(ctx, network, s.TLSAddr())
			}}
			testTLSIdentity(t, ca, "localhost", link)

			_, err := zk.Dial(short(t), "localhost", zk.Dialer(link.dial), zk.TLS(&tls.Config{RootCAs: ca.Pool()}))
			require.ErrorContains(t, err, "TLS: the server wants a certificate of the client, which has none")
			plain := func(ctx context.Context, network, _ string) (net.Conn, error) {
				return new(net.Dialer).DialContext(ctx, network, s.Addr())
			}
			_, err = zk.Dial(short(t), "localhost", zk.Dialer(plain), zk.TLS(&tls.Config{RootCAs: ca.Pool()}))
			require.ErrorContains(t, err, "localhost:2181: TLS: the server closed the connection in the handshake")
		})
	}
}

func testTLSIdentity(t *testing.T, ca *testca.CA, host string, link *cuttable) {
	ctx := t.Context()
	c := dial(t, host, zk.Dialer(link.dial), zk.SessionTimeout(4*time.Second),
		zk.TLS(&tls.Config{RootCAs: ca.Pool(), Certificates: []tls.Certificate{ca.Issue("client")}}))
	for range 2 {
		ids, err := c.WhoAmI(ctx)
		require.NoError(t, err)
		require.Contains(t, ids, zk.Identity{Scheme: "x509", User: "CN=client"})
		require.NoError(t, c.AddAuth(ctx, "x509", nil))

		states := c.States(ctx)
		link.cut()
		link.heal()
		for st := range states {
			if st == zk.Suspended {
				break
			}
		}
		_, err = c.WaitState(ctx, zk.Connected)
		require.NoError(t, err)
	}
	_, _, err := c.Create(ctx, "/large", make([]byte, 200_000), zk.Persistent)
	require.NoError(t, err)
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 3 {
				data, _, err := c.Get(ctx, "/large")
				if err != nil || len(data) != 200_000 {
					t.Errorf("%d bytes, %v", len(data), err)
				}
			}
		})
	}
	all.Wait()
}
