package zk_test

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/fakezk"
	"github.com/zookit/zookit/internal/backend"
	"github.com/zookit/zookit/internal/javazk"
	"github.com/zookit/zookit/zk"
)

var users = map[string]string{"bob": "bobsecret", "alice": `a"\ä€`}

// A loginServer is one that lets those users in.
type loginServer struct {
	addr    string
	version string
	opts    []zk.Option
	link    *cuttable
}

func TestDigestMD5Fake(t *testing.T) {
	for _, version := range []string{"3.9.5", "3.4.14"} {
		t.Run(version, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				e := fakezk.New(t, fakezk.SASL(users), fakezk.Version(version))
				link := &cuttable{base: e.DialContext}
				testDigestMD5(t, &loginServer{e.ConnectString(), version, []zk.Option{zk.Dialer(e.DialContext)}, link})
			})
		})
	}
}

func TestDigestMD5Real(t *testing.T) {
	for _, version := range []string{"3.9.5", "3.8.0", "3.5.10", "3.4.14"} {
		t.Run(version, func(t *testing.T) {
			s := javazk.Start(t, javazk.Version(version), func(s *backend.Spec) { s.Users = users })
			link := newCuttable()
			testDigestMD5(t, &loginServer{s.Addr(), version, []zk.Option{zk.SessionTimeout(4 * time.Second)}, link})
		})
	}
}

func testDigestMD5(t *testing.T, s *loginServer) {
	ctx := t.Context()
	with := func(opts ...zk.Option) []zk.Option { return append(s.opts[:len(s.opts):len(s.opts)], opts...) }
	bob := dial(t, s.addr, with(zk.SASL(zk.DigestMD5("bob", "bobsecret")), zk.Dialer(s.link.dial))...)
	alice := dial(t, s.addr, with(zk.SASL(zk.DigestMD5("alice", users["alice"])))...)
	nobody := dial(t, s.addr, with()...)
	mine := zk.ACL{Perms: zk.PermAll, Scheme: "sasl", ID: "bob"}
	hers := zk.ACL{Perms: zk.PermAll, Scheme: "sasl", ID: "alice"}
	_, err := alice.SetACL(ctx, "/", []zk.ACL{zk.AuthACL(zk.PermAll), mine}, zk.AnyVersion)
	require.NoError(t, err)
	acl, _, err := bob.ACL(ctx, "/")
	require.NoError(t, err)
	require.ElementsMatch(t, []zk.ACL{hers, mine}, acl, "the server knew who she is")
	_, _, err = bob.Get(ctx, "/")
	require.NoError(t, err, "and who he is")
	_, _, err = nobody.Get(ctx, "/")
	require.ErrorIs(t, err, zk.ErrNoAuth)
	if strings.HasPrefix(s.version, "3.9") {
		ids, err := bob.WhoAmI(ctx)
		require.NoError(t, err)
		require.Contains(t, ids, zk.Identity{Scheme: "sasl", User: "bob"})
	}

	states := bob.States(ctx)
	s.link.cut()
	s.link.heal()
	for st := range states {
		if st == zk.Suspended {
			break
		}
	}
	_, err = bob.WaitState(ctx, zk.Connected)
	require.NoError(t, err)
	_, _, err = bob.Get(ctx, "/")
	require.NoError(t, err, "he is known on the next connection as well")

	for name, m := range map[string]zk.Mechanism{
		"wrong password": zk.DigestMD5("bob", "x"),
		"unknown user":   zk.DigestMD5("zed", "x"), // up to 3.8 the password of who came before would do, to Java
	} {
		ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
		defer cancel()
		_, err := zk.Dial(ctx, s.addr, with(zk.SASL(m))...)
		if strings.HasPrefix(s.version, "3.4.") {
			require.ErrorIs(t, err, context.DeadlineExceeded, "%s: 3.4 hangs up without a word", name)
			require.ErrorContains(t, err, "SASL: ", name)
			continue
		}
		require.ErrorIs(t, err, zk.ErrAuthFailed, name)
		require.NoError(t, ctx.Err())
	}
}

// A server without SASL answers a token with success, and none of its own. To
// take that for a login is to go on as nobody.
func testNoSASL(t *testing.T, addr string, opts ...zk.Option) {
	_, err := zk.Dial(t.Context(), addr, append(opts, zk.SASL(zk.DigestMD5("bob", "bobsecret")))...)
	require.ErrorIs(t, err, zk.ErrAuthFailed)
	require.ErrorContains(t, err, "the server has no SASL")
}

// Who fails to log in may stay on some servers, as nobody: not as what the
// program believes that it is.
func testFailedLoginsStay(t *testing.T, addr string, opts ...zk.Option) {
	_, err := zk.Dial(t.Context(), addr, append(opts, zk.SASL(zk.DigestMD5("bob", "x")))...)
	require.ErrorIs(t, err, zk.ErrAuthFailed)
	require.ErrorContains(t, err, "does not prove")
}

// Where a login is enforced nothing works without one.
func testLoginsAreEnforced(t *testing.T, addr string, opts ...zk.Option) {
	ctx := t.Context()
	bob := dial(t, addr, append(opts, zk.SASL(zk.DigestMD5("bob", "bobsecret")))...)
	_, _, err := bob.Get(ctx, "/")
	require.NoError(t, err)
	nobody, err := zk.Dial(ctx, addr, opts...)
	require.NoError(t, err, "a session may begin")
	_, _, err = nobody.Get(ctx, "/")
	require.ErrorIs(t, err, zk.ErrSessionClosedRequireSASL)
	_, err = nobody.WaitState(ctx, zk.AuthFailed)
	require.NoError(t, err)
	require.NoError(t, nobody.Close())
	_, err = zk.Dial(ctx, addr, append(opts, zk.SASL(zk.DigestMD5("bob", "x")))...)
	require.ErrorIs(t, err, zk.ErrSessionClosedRequireSASL)
	require.ErrorIs(t, err, zk.ErrAuthFailed)
}

const (
	flagStay    = "-Dzookeeper.allowSaslFailedClients=true"
	flagEnforce = "-Dzookeeper.sessionRequireClientSASLAuth=true"
)

// kindsOfServers are servers that differ in what they think of logins.
var kindsOfServers = []struct {
	name     string
	users    map[string]string
	flags    []string
	versions []string
	test     func(t *testing.T, addr string, opts ...zk.Option)
}{
	{"no SASL", nil, nil, []string{"3.9.5", "3.8.0", "3.4.14"}, testNoSASL},
	{"failed logins stay", users, []string{flagStay}, []string{"3.9.5"}, testFailedLoginsStay},
	{"logins are enforced", users, []string{flagEnforce}, []string{"3.9.5", "3.8.0"}, testLoginsAreEnforced},
}

func TestKindsOfServersFake(t *testing.T) {
	for _, k := range kindsOfServers {
		t.Run(k.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				opts := []fakezk.Option{fakezk.JVMFlags(k.flags...)}
				if k.users != nil {
					opts = append(opts, fakezk.SASL(k.users))
				}
				e := fakezk.New(t, opts...)
				k.test(t, e.ConnectString(), zk.Dialer(e.DialContext))
			})
		})
	}
}

func TestKindsOfServersReal(t *testing.T) {
	for _, k := range kindsOfServers {
		for _, version := range k.versions {
			t.Run(k.name+" "+version, func(t *testing.T) {
				s := javazk.Start(t, javazk.Version(version), javazk.JVM(k.flags...), func(s *backend.Spec) { s.Users = k.users })
				k.test(t, s.Addr())
			})
		}
	}
}
