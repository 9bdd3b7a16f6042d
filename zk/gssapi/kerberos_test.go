package gssapi_test

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/internal/backend"
	"github.com/zookit/zookit/internal/javazk"
	"github.com/zookit/zookit/internal/kdc"
	"github.com/zookit/zookit/internal/testca"
	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zk/gssapi"
)

// A world is a KDC and a server whose principal is zookeeper/zk1.
type world struct {
	t      *testing.T
	kdc    *kdc.KDC
	conf   gssapi.Option
	zk     *javazk.Server
	keytab string // of the server

	mu    sync.Mutex // guards all below
	conns []net.Conn
}

// The principals of clients are short in ACLs.
var shortNames = []string{"-Dzookeeper.kerberos.removeHostFromPrincipal=true", "-Dzookeeper.kerberos.removeRealmFromPrincipal=true"}

func newWorld(t *testing.T, version string, flags []string, opts ...javazk.Option) *world {
	w := &world{t: t, kdc: kdc.Start(t)}
	w.keytab = w.kdc.AddKey("zookeeper/zk1", "-requires_preauth")
	jaas := filepath.Join(t.TempDir(), "jaas.conf")
	require.NoError(t, os.WriteFile(jaas, []byte(kdc.JAAS("zookeeper/zk1", w.keytab)), 0o600))
	flags = append(flags, "-Djava.security.auth.login.config="+jaas, "-Djava.security.krb5.conf="+w.kdc.Conf())
	w.zk = javazk.Start(t, append(opts, javazk.Version(version), javazk.JVM(flags...),
		javazk.Config("authProvider.1=org.apache.zookeeper.server.auth.SASLAuthenticationProvider"))...)
	w.conf = gssapi.Krb5Conf(w.kdc.Conf())
	return w
}

// dialer reaches the server by any name.
func (w *world) dialer(ctx context.Context, network, _ string) (net.Conn, error) {
	conn, err := new(net.Dialer).DialContext(ctx, network, w.zk.Addr())
	if err == nil {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.conns = append(w.conns, conn)
	}
	return conn, err
}

// cut ends all connections.
func (w *world) cut() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, conn := range w.conns {
		conn.Close()
	}
	w.conns = nil
}

// Of what succeeds or is refused for good, patience bounds how slow a machine
// may be; what is tried again and again is looked at for a while.
const (
	patience = 30 * time.Second
	aWhile   = 3 * time.Second
)

func (w *world) dial(d time.Duration, host string, m *gssapi.Mechanism, opts ...zk.Option) (*zk.Conn, error) {
	ctx, cancel := context.WithTimeout(w.t.Context(), d)
	defer cancel()
	c, err := zk.Dial(ctx, host, append([]zk.Option{zk.Dialer(w.dialer), zk.SASL(m), zk.SessionTimeout(4 * time.Second)}, opts...)...)
	if err == nil {
		w.t.Cleanup(func() { c.Close() })
	}
	return c, err
}

// must is a client that has logged in.
func (w *world) must(m *gssapi.Mechanism, err error) *zk.Conn {
	w.t.Helper()
	require.NoError(w.t, err)
	c, err := w.dial(patience, "zk1", m)
	require.NoError(w.t, err)
	return c
}

// again cuts the connection and waits for the next.
func (w *world) again(c *zk.Conn) {
	w.t.Helper()
	states := c.States(w.t.Context())
	w.cut()
	for st := range states {
		if st == zk.Suspended {
			break
		}
	}
	_, err := c.WaitState(w.t.Context(), zk.Connected)
	require.NoError(w.t, err)
}

// can requires that a client is whom an ACL names.
func can(t *testing.T, c *zk.Conn, who string) {
	t.Helper()
	ctx, path := t.Context(), "/of-"+strings.ReplaceAll(who, "/", "-")
	_, _, err := c.Create(ctx, path, nil, zk.Persistent, zk.ACL{Perms: zk.PermAll, Scheme: "sasl", ID: who})
	if !errors.Is(err, zk.ErrNodeExists) {
		require.NoError(t, err)
	}
	_, _, err = c.Get(ctx, path)
	require.NoError(t, err, "the server takes it for %s", who)
}

func TestKerberosReal(t *testing.T) {
	for _, version := range []string{"3.9.5", "3.8.0"} {
		t.Run(version, func(t *testing.T) {
			w := newWorld(t, version, shortNames)
			w.kdc.AddUser("bob", "bobsecret")
			keytab := w.kdc.AddKey("app/host1")
			conf := w.conf
			bob := w.must(gssapi.FromPassword("bob", "bobsecret", conf))
			can(t, bob, "bob")
			app := w.must(gssapi.FromKeytab("app/host1@"+kdc.Realm, keytab, conf))
			can(t, app, "app")
			_, _, err := app.Get(t.Context(), "/of-bob")
			require.ErrorIs(t, err, zk.ErrNoAuth)
			cached := w.must(gssapi.FromCache(w.kdc.Kinit("bob", "bobsecret", time.Hour), conf))
			can(t, cached, "bob")
			nobody, err := zk.Dial(t.Context(), "zk1", zk.Dialer(w.dialer))
			require.NoError(t, err)
			defer nobody.Close()
			_, _, err = nobody.Get(t.Context(), "/of-bob")
			require.ErrorIs(t, err, zk.ErrNoAuth)

			w.again(bob)
			can(t, bob, "bob")
			w.kdc.Stop()
			w.again(bob)
			can(t, bob, "bob")
			w.zk.Kill()
			w.zk.Start()
			_, err = bob.WaitState(t.Context(), zk.Connected)
			require.NoError(t, err)
			require.Eventually(t, func() bool { return bob.Sync(t.Context(), "/") == nil }, 20*time.Second, 50*time.Millisecond)
			can(t, bob, "bob")
		})
	}
}

// Without these settings servers know clients by the whole of their names. And
// Kerberos goes together with TLS.
func TestLongNamesReal(t *testing.T) {
	ca := testca.New(t)
	cert := ca.Issue("server", "zk1")
	w := newWorld(t, "3.9.5", nil, func(s *backend.Spec) {
		s.TLS = &backend.TLS{Cert: testca.CertPEM(cert), Key: testca.KeyPEM(t, cert), CA: ca.PEM()}
	})
	m, err := gssapi.FromKeytab("app/host1", w.kdc.AddKey("app/host1"), w.conf)
	require.NoError(t, err)
	require.Equal(t, "app/host1@"+kdc.Realm, m.Principal())
	c, err := w.dial(patience, "zk1", m)
	require.NoError(t, err)
	can(t, c, m.Principal())

	secure := func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, w.zk.TLSAddr())
	}
	c, err = w.dial(patience, "zk1", m, zk.Dialer(secure), zk.TLS(&tls.Config{
		RootCAs: ca.Pool(), Certificates: []tls.Certificate{ca.Issue("client")},
	}))
	require.NoError(t, err)
	can(t, c, m.Principal())
	ids, err := c.WhoAmI(t.Context())
	require.NoError(t, err)
	require.Subset(t, ids, []zk.Identity{{Scheme: "sasl", User: m.Principal()}, {Scheme: "x509", User: "CN=client"}})
}

// Who is refused for good, and who may come again.
func TestRefusalsReal(t *testing.T) {
	w := newWorld(t, "3.9.5", shortNames)
	w.kdc.AddUser("bob", "bobsecret")
	w.kdc.AddUser("locked", "secret", "-allow_tix")
	w.kdc.AddUser("lax", "secret", "-requires_preauth")
	w.kdc.AddKey("zookeeper/zk2")
	stale := w.kdc.AddKey("app")
	require.NoError(t, os.Rename(stale, stale+".old"))
	w.kdc.Admin("ktadd -k " + stale + " app") // makes another key
	for _, tc := range []struct {
		name, host string
		m          func() (*gssapi.Mechanism, error)
		final      bool
		want       string
	}{
		{"right", "zk1", func() (*gssapi.Mechanism, error) { return gssapi.FromPassword("bob", "bobsecret", w.conf) }, false, ""},
		{"right, no preauthentication", "zk1", func() (*gssapi.Mechanism, error) { return gssapi.FromPassword("lax", "secret", w.conf) }, false, ""},
		{"host in capitals", "ZK1", func() (*gssapi.Mechanism, error) { return gssapi.FromPassword("bob", "bobsecret", w.conf) }, false, ""},
		{"wrong password", "zk1", func() (*gssapi.Mechanism, error) { return gssapi.FromPassword("bob", "x", w.conf) }, true, "login of bob@ZOOKIT.TEST: KRB Error: (24) KDC_ERR_PREAUTH_FAILED"},
		{"wrong password, no preauthentication", "zk1", func() (*gssapi.Mechanism, error) { return gssapi.FromPassword("lax", "x", w.conf) }, true, "the password or key is wrong"},
		{"old key", "zk1", func() (*gssapi.Mechanism, error) { return gssapi.FromKeytab("app", stale+".old", w.conf) }, true, "KDC_ERR_PREAUTH_FAILED"},
		{"unknown client", "zk1", func() (*gssapi.Mechanism, error) { return gssapi.FromPassword("zed", "x", w.conf) }, true, "KDC_ERR_C_PRINCIPAL_UNKNOWN"},
		{"locked client", "zk1", func() (*gssapi.Mechanism, error) { return gssapi.FromPassword("locked", "secret", w.conf) }, true, "KDC_ERR_CLIENT_REVOKED"},
		{"key of another", "zk1", func() (*gssapi.Mechanism, error) { return gssapi.FromKeytab("bob", stale+".old", w.conf) }, false, "the keytab has no key for it"},
		{"principal of another server", "zk2", func() (*gssapi.Mechanism, error) { return gssapi.FromPassword("bob", "bobsecret", w.conf) }, true, "ticket for zookeeper/zk2: authentication failed"},
		{"unknown server", "zk3", func() (*gssapi.Mechanism, error) { return gssapi.FromPassword("bob", "bobsecret", w.conf) }, false, "ticket of bob@ZOOKIT.TEST for zookeeper/zk3@ZOOKIT.TEST: KRB Error: (7) KDC_ERR_S_PRINCIPAL_UNKNOWN"},
		{"one principal for all", "zk3", func() (*gssapi.Mechanism, error) {
			return gssapi.FromPassword("bob", "bobsecret", w.conf, gssapi.ServerPrincipal("zookeeper/zk1"))
		}, false, ""},
		{"of another service", "zk1", func() (*gssapi.Mechanism, error) {
			return gssapi.FromPassword("bob", "bobsecret", w.conf, gssapi.Service("kafka"))
		}, false, "for kafka/zk1@ZOOKIT.TEST"},
		{"unknown realm", "zk1", func() (*gssapi.Mechanism, error) {
			return gssapi.FromPassword("bob@NOWHERE.INVALID", "x", w.conf)
		}, false, "realm NOWHERE.INVALID has no KDC in krb5.conf, nor in DNS"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			m, err := tc.m()
			require.NoError(t, err)
			limit := aWhile
			if tc.want == "" || tc.final {
				limit = patience
			}
			c, err := w.dial(limit, tc.host, m)
			if tc.want == "" {
				require.NoError(t, err)
				_, _, err = c.Get(t.Context(), "/")
				require.NoError(t, err)
				return
			}
			require.ErrorContains(t, err, tc.want)
			if tc.final {
				require.ErrorIs(t, err, zk.ErrAuthFailed)
				require.NotErrorIs(t, err, context.DeadlineExceeded, "at once")
			} else {
				require.ErrorIs(t, err, context.DeadlineExceeded)
				require.NotErrorIs(t, err, zk.ErrAuthFailed)
			}
		})
	}
}

// A ticket that has ended is replaced, when the next connection needs one.
func TestTicketsEndReal(t *testing.T) {
	w := newWorld(t, "3.9.5", shortNames)
	const life = 4 * time.Second
	w.kdc.AddUser("bob", "bobsecret", "-maxlife", "4seconds")
	bob := w.must(gssapi.FromPassword("bob", "bobsecret", w.conf))
	cache := w.kdc.Kinit("bob", "bobsecret", life)
	cached := w.must(gssapi.FromCache(cache, w.conf))
	time.Sleep(life)
	can(t, bob, "bob") // a connection outlives the ticket

	w.kdc.Stop()
	w.cut()
	require.Eventually(t, func() bool { return cached.State() == zk.Suspended && bob.State() == zk.Suspended }, time.Second, time.Millisecond)
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	_, err := bob.WaitState(ctx, zk.Connected)
	require.Error(t, err, "without a KDC there is no other")
	ctx, cancel = context.WithTimeout(t.Context(), time.Second/2)
	defer cancel()
	_, _, err = cached.Get(ctx, "/")
	require.ErrorContains(t, err, "credential cache "+cache+": the ticket of bob@"+kdc.Realm+" has ended")
	w.kdc.Start()
	_, err = bob.WaitState(t.Context(), zk.Connected)
	require.NoError(t, err)
	w.kdc.Kinit("bob", "bobsecret", life)
	_, err = cached.WaitState(t.Context(), zk.Connected)
	require.NoError(t, err)
	can(t, cached, "bob")
}

// A server that has changed its key does not know tickets of before. That says
// nothing about the client.
func TestServerChangesItsKeyReal(t *testing.T) {
	w := newWorld(t, "3.9.5", shortNames)
	w.kdc.AddUser("bob", "bobsecret")
	bob := w.must(gssapi.FromPassword("bob", "bobsecret", w.conf))
	require.NoError(t, os.Remove(w.keytab))
	w.kdc.Admin("ktadd -k " + w.keytab + " zookeeper/zk1")
	w.zk.Kill()
	_, err := bob.WaitState(t.Context(), zk.Suspended)
	require.NoError(t, err)
	w.zk.Start()
	_, err = bob.WaitState(t.Context(), zk.Connected)
	require.NoError(t, err)
	can(t, bob, "bob")
}
