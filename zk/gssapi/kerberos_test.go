package gssapi_test

import (
	"context"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/internal/javazk"
	"github.com/zookit/zookit/internal/kdc"
	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zk/gssapi"
)

// A world is a KDC and a server whose principal is zookeeper/zk1.
type world struct {
	t   *testing.T
	kdc *kdc.KDC
	zk  *javazk.Server

	mu    sync.Mutex // guards all below
	conns []net.Conn
}

// The principals of clients are short in ACLs.
var shortNames = []string{"-Dzookeeper.kerberos.removeHostFromPrincipal=true", "-Dzookeeper.kerberos.removeRealmFromPrincipal=true"}

func newWorld(t *testing.T, version string, flags ...string) *world {
	w := &world{t: t, kdc: kdc.Start(t)}
	jaas := filepath.Join(t.TempDir(), "jaas.conf")
	require.NoError(t, os.WriteFile(jaas, []byte(kdc.JAAS("zookeeper/zk1", w.kdc.AddKey("zookeeper/zk1"))), 0o600))
	w.zk = javazk.Start(t, javazk.Version(version),
		javazk.Config("authProvider.1=org.apache.zookeeper.server.auth.SASLAuthenticationProvider"),
		javazk.JVM(append(flags, "-Djava.security.auth.login.config="+jaas, "-Djava.security.krb5.conf="+w.kdc.Conf())...))
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

func (w *world) dial(host string, m *gssapi.Mechanism, opts ...zk.Option) (*zk.Conn, error) {
	ctx, cancel := context.WithTimeout(w.t.Context(), 10*time.Second)
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
	c, err := w.dial("zk1", m)
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
	if !isExists(err) {
		require.NoError(t, err)
	}
	_, _, err = c.Get(ctx, path)
	require.NoError(t, err, "the server takes it for %s", who)
}

func isExists(err error) bool { return err != nil && strings.Contains(err.Error(), "exists") }

func TestKerberosReal(t *testing.T) {
	for _, version := range []string{"3.9.5", "3.8.0"} {
		t.Run(version, func(t *testing.T) {
			w := newWorld(t, version, shortNames...)
			w.kdc.AddUser("bob", "bobsecret")
			keytab := w.kdc.AddKey("app/host1")
			conf := gssapi.Krb5Conf(w.kdc.Conf())

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
