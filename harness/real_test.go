package harness_test

import (
	"context"
	"crypto/tls"
	"io"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/harness"
	"github.com/zookit/zookit/zk"
)

func java(t harness.TB, opts ...harness.Option) *harness.Ensemble {
	t.Helper()
	return harness.New(t, append(opts, harness.Java())...)
}

// others are the servers but one.
func others(e *harness.Ensemble, but *harness.Server) []*harness.Server {
	return slices.DeleteFunc(slices.Clone(e.Servers()), func(s *harness.Server) bool { return s == but })
}

// serverOf is the member that a client is connected to.
func serverOf(t *testing.T, e *harness.Ensemble, c *harness.Client) *harness.Server {
	t.Helper()
	i := slices.IndexFunc(e.Servers(), func(s *harness.Server) bool { return s.Addr() == c.Server() })
	require.GreaterOrEqual(t, i, 0, "%q is one of %v", c.Server(), e.Servers())
	return e.Servers()[i]
}

// awaitNewLeader waits until another leads: the old one may take a moment to
// see that it does not.
func awaitNewLeader(t *testing.T, e *harness.Ensemble, old *harness.Server) *harness.Server {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		for _, s := range others(e, old) {
			if s.Role(t.Context()) == "leader" {
				return s
			}
		}
		require.True(t, time.Now().Before(deadline), "nobody but %v leads", old)
	}
}

func awaitRole(t *testing.T, s *harness.Server, role string) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); s.Role(t.Context()) != role; time.Sleep(10 * time.Millisecond) {
		require.True(t, time.Now().Before(deadline), "%v is no %s, but %q", s, role, s.Role(t.Context()))
	}
}

// write writes by a client until one attempt succeeds: connections come and go.
func write(t *testing.T, c *zk.Conn, path, data string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	for {
		_, err := c.Set(ctx, path, []byte(data), zk.AnyVersion)
		if err == nil {
			return
		}
		require.NoError(t, ctx.Err(), "last: %v", err)
	}
}

func TestJavaMembers(t *testing.T) {
	e := java(t, harness.Servers(3))
	require.Len(t, e.Servers(), 3)
	e.Put("/a", "0")
	c := e.Connect()

	t.Run("leader is killed", func(t *testing.T) {
		old := e.Leader(t.Context())
		old.Kill()
		awaitNewLeader(t, e, old)
		write(t, c.Conn, "/a", "1")
		e.WantNode("/a", "1")
		old.Start()
		awaitRole(t, old, "follower")
	})
	t.Run("member stops and starts", func(t *testing.T) {
		s := serverOf(t, e, c)
		addr := s.Addr()
		s.Stop()
		write(t, c.Conn, "/a", "2")
		e.WantNode("/a", "2")
		s.Start()
		require.Equal(t, addr, s.Addr())
	})
	t.Run("member is paused", func(t *testing.T) {
		s := serverOf(t, e, c)
		s.Pause()
		require.Empty(t, s.Role(t.Context()), "it does not answer")
		e.Put("/a", "3") // by a leader that is not paused
		e.WantNode("/a", "3")
		write(t, c.Conn, "/a", "4") // once the client has gone elsewhere
		s.Resume()
		e.WantNode("/a", "4")
	})
	t.Run("leader is cut off", func(t *testing.T) {
		t.Log("partitions by", e.Partitioner())
		old := e.Leader(t.Context())
		e.Partition(others(e, old))
		awaitNewLeader(t, e, old)
		write(t, c.Conn, "/a", "5")
		e.WantNode("/a", "5")
		e.Heal()
		awaitRole(t, old, "follower")
	})
	t.Run("cut and expire at any member", func(t *testing.T) {
		for _, s := range e.Servers() {
			awaitServing(t, s)
			c, err := zk.Dial(t.Context(), s.Addr())
			require.NoError(t, err)
			defer c.Close()
			_, _, err = c.Create(t.Context(), "/e", nil, zk.Ephemeral)
			require.NoError(t, err)
			session := c.Session()
			e.WantEphemeral("/e", session)
			e.Cut(session.ID())
			e.Expire(session.ID())
			e.WantNoNode("/e")
			<-session.Context().Done()
			_, err = c.WaitState(t.Context(), zk.Connected)
			require.NoError(t, err)
		}
	})
}

func awaitServing(t *testing.T, s *harness.Server) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); s.Role(t.Context()) == ""; time.Sleep(10 * time.Millisecond) {
		require.True(t, time.Now().Before(deadline), "%v does not serve", s)
	}
}

func TestJavaEnsemblesInParallel(t *testing.T) {
	for _, name := range []string{"a", "b"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := java(t, harness.Servers(3))
			e.Put("/"+name, "mine")
			c := e.Connect()
			e.Leader(t.Context()).Kill()
			write(t, c.Conn, "/"+name, "still mine")
			e.WantChildren("/", name, "zookeeper")
		})
	}
}

func TestJavaObserverAndRoles(t *testing.T) {
	e := java(t, harness.Servers(2), harness.Observers(1))
	e.Leader(t.Context())
	awaitRole(t, e.Servers()[2], "observer")
	var roles []string
	for i, s := range e.Servers() {
		require.Equal(t, i+1, s.ID())
		roles = append(roles, s.Role(t.Context()))
	}
	slices.Sort(roles)
	require.Equal(t, []string{"follower", "leader", "observer"}, roles)
}

// A test may leave an ensemble in ruins: its end does not wait for answers.
func TestJavaEndsWithoutQuorum(t *testing.T) {
	var c *zk.Conn
	var ends time.Time
	r := inside(t, func(r *recorder) {
		e := java(r, harness.Servers(3))
		e.Connect()
		c = dial(t, e)
		e.Servers()[0].Kill()
		e.Servers()[1].Pause()
		ends = time.Now()
	})
	require.Less(t, time.Since(ends), 20*time.Second)
	c.Close()
	require.Contains(t, r.said(), "left behind: session 0x")
}

// What has failed is explained by what the servers say.
func TestJavaLogsOfAFailedTest(t *testing.T) {
	r := inside(t, func(r *recorder) {
		e := java(r)
		require.Contains(t, e.Servers()[0].Logs(), "binding to port")
		r.Error("on purpose")
	})
	require.Equal(t, []string{"on purpose"}, r.errors)
	require.Len(t, r.logs, 1)
	require.Contains(t, r.logs[0], "the end of the log of server 1 at 127.0.0.1:")
	r = inside(t, func(r *recorder) { java(r) })
	require.Empty(t, r.logs)
}

func TestJavaTLS(t *testing.T) {
	e := java(t, harness.TLS())
	own := &tls.Dialer{Config: e.TLS()} // as code under test does it
	foreign, err := zk.Dial(t.Context(), e.ConnectString(), zk.Dialer(own.DialContext))
	require.NoError(t, err)
	require.NoError(t, foreign.Close())

	stranger := &tls.Dialer{Config: &tls.Config{InsecureSkipVerify: true}}
	nc, err := stranger.DialContext(t.Context(), "tcp", e.ConnectString())
	if err == nil { // TLS 1.3 tells later that a certificate is missed
		defer nc.Close()
		_, err = nc.Read(make([]byte, 1))
	}
	require.Error(t, err, "a client without a certificate is refused")
}

func TestJavaTLSLeaks(t *testing.T) {
	var c *zk.Conn
	r := inside(t, func(r *recorder) {
		e := java(r, harness.TLS())
		e.Connect().Expire()
		c = dial(t, e)
	})
	c.Close()
	require.Contains(t, r.said(), "left behind: session 0x")
	require.Contains(t, r.said(), "unknown address")
}

func TestJavaAdminServer(t *testing.T) {
	e := java(t, harness.AdminServer())
	resp, err := http.Get("http://" + e.Servers()[0].AdminAddr() + "/commands/ruok")
	require.NoError(t, err)
	defer http.DefaultClient.CloseIdleConnections()
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	require.Contains(t, string(body), `"ruok"`)
}

func TestJavaReconfig(t *testing.T) {
	e := java(t, harness.Servers(3), harness.Reconfig(), harness.SuperUser("secret"))
	super := e.Connect(zk.Auth("digest", []byte("super:secret")))
	leaves := others(e, e.Leader(t.Context()))[0]
	config, _, err := super.Reconfig(t.Context(), zk.Reconfiguration{Leaving: []string{string('0' + rune(leaves.ID()))}, From: zk.AnyConfig})
	require.NoError(t, err)
	require.NotContains(t, string(config), "server."+string('0'+rune(leaves.ID())))
}

func TestJavaReadOnly(t *testing.T) {
	e := java(t, harness.Servers(2), harness.ReadOnly(), harness.Leaks(harness.LogLeaks))
	e.Put("/a", "x")
	stays := e.Servers()[0]
	e.Servers()[1].Kill()
	awaitRole(t, stays, "read-only")
	c, err := zk.Dial(t.Context(), stays.Addr(), zk.CanBeReadOnly())
	require.NoError(t, err)
	defer c.Close()
	require.Equal(t, zk.ReadOnly, c.State())
	data, _, err := c.Get(t.Context(), "/a")
	require.NoError(t, err)
	require.Equal(t, "x", string(data))
}

// Every release from 3.5 on has the harness's own ways, and 3.4 most of them.
func TestJavaVersions(t *testing.T) {
	for _, version := range []string{"3.5", "3.6", "3.7", "3.8"} {
		t.Run(version, func(t *testing.T) {
			m := mode{opts: []harness.Option{harness.Java(), harness.Version(version)}}
			testCodeUnderTest(t, m)
			testLeftSession(t, m)
			testSuperUser(t, m)
		})
	}
	r := inside(t, func(r *recorder) { java(r, harness.Version("1.2")) })
	require.Contains(t, r.skipped+r.said(), "1.2")
}
