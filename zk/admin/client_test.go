package admin_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	fakeadmin "github.com/zookit/zookit/fakezk/admin"
	"github.com/zookit/zookit/harness"
	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zk/admin"
)

// handled is a client of a handler, without a network.
func handled(h http.Handler) *admin.Client {
	return &admin.Client{URL: "http://zk:8080", HTTP: &http.Client{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		return w.Result(), r.Context().Err()
	})}}
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// replayed answers as the recorded server did.
func replayed(answers map[string]string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		command := strings.TrimPrefix(strings.TrimPrefix(r.URL.Path, "/commands"), "/")
		for name, text := range answers {
			if rest, ok := strings.CutPrefix(name, command+" "); ok {
				status, _ := strconv.Atoi(rest)
				w.Header().Set("Content-Type", "application/json")
				w.WriteHeader(status)
				io.WriteString(w, text)
				return
			}
		}
		w.WriteHeader(http.StatusNotFound)
	})
}

func TestCommandsOfAllVersions(t *testing.T) {
	recorded(t, "commands", func(t *testing.T, version zk.Version, name string, answers map[string]string) {
		role := admin.ModeStandalone
		if _, r, ok := strings.Cut(name, "-"); ok {
			role = r
		}
		commandsOf(t, handled(replayed(answers)), version, role)
	})
}

// commandsOf asks a server that has a session with two ephemeral nodes and two
// watches.
func commandsOf(t *testing.T, c *admin.Client, version zk.Version, role string) {
	ctx := t.Context()
	ask := func(name string, err error) { t.Helper(); require.NoError(t, err, name) }
	ask("ruok", c.Ruok(ctx))
	stats, err := c.ServerStats(ctx)
	ask("server_stats", err)
	require.Zero(t, stats.Version.Compare(version))
	require.Equal(t, role, stats.State)
	require.False(t, stats.ReadOnly)
	require.Positive(t, stats.Nodes)
	require.Positive(t, stats.Zxid)
	require.Positive(t, stats.Connections)
	require.NotNil(t, stats.Answer.Get("client_response"))

	mntr, err := c.Monitor(ctx)
	ask("monitor", err)
	require.Equal(t, stats.Version, mntr.Version)
	require.Equal(t, role, mntr.State)
	require.EqualValues(t, 2, mntr.Ephemerals)
	require.EqualValues(t, 2, mntr.Watches)
	conf, err := c.Configuration(ctx)
	ask("configuration", err)
	require.Positive(t, conf.ClientPort)
	require.Positive(t, conf.TickTime)
	require.Positive(t, conf.MaxSessionTimeout)
	envi, err := c.Environment(ctx)
	ask("environment", err)
	require.Equal(t, stats.Version, envi.Version)

	watches, err := c.Watches(ctx)
	ask("watches", err)
	require.Len(t, watches, 1)
	require.Equal(t, []string{"/app", "/none"}, watches[0].Paths)
	session := watches[0].Session
	paths, err := c.WatchesByPath(ctx)
	ask("watches_by_path", err)
	require.Equal(t, []admin.PathWatches{{Path: "/app", Sessions: []int64{session}}, {Path: "/none", Sessions: []int64{session}}}, paths)
	wchs, err := c.WatchSummary(ctx)
	ask("watch_summary", err)
	require.Equal(t, admin.Wchs{Connections: 1, Paths: 2, Watches: 2}, wchs)
	cons, err := c.Connections(ctx)
	ask("connections", err)
	found := false
	for _, k := range cons {
		if k.Session == session {
			found = true
			require.Positive(t, k.Timeout)
			require.NotEmpty(t, k.Addr)
			require.NotZero(t, k.Established)
		}
	}
	require.True(t, found)
	_, err = c.Dirs(ctx)
	ask("dirs", err)
	readOnly, err := c.IsReadOnly(ctx)
	ask("is_read_only", err)
	require.False(t, readOnly)
	mask, err := c.TraceMask(ctx)
	ask("get_trace_mask", err)
	require.Positive(t, mask)

	names, err := c.Commands(ctx)
	ask("the list", err)
	require.Contains(t, names, "monitor")
	require.NotContains(t, names, "nosuch")
	_, err = c.Command(ctx, "nosuch", nil)
	require.ErrorIs(t, err, admin.ErrUnknownCommand)
	_, err = c.Snapshot(ctx)
	require.Error(t, err)
	if version.AtLeast(3, 9, 0) {
		require.ErrorIs(t, err, admin.ErrNotAuthorized)
	} else {
		require.ErrorIs(t, err, admin.ErrUnknownCommand)
	}
	if !version.AtLeast(3, 6, 0) {
		_, err = c.Leader(ctx)
		require.ErrorIs(t, err, admin.ErrUnknownCommand)
		return
	}
	_, err = c.Hash(ctx)
	ask("hash", err)
	leader, err := c.Leader(ctx)
	if role == admin.ModeStandalone {
		failure := new(admin.CommandError)
		require.ErrorAs(t, err, &failure)
		require.Equal(t, "server is not initialized", failure.Text)
		return
	}
	ask("leader", err)
	require.Equal(t, role == admin.ModeLeader, leader.IsLeader)
	require.Positive(t, leader.ID)
	members, err := c.VotingView(ctx)
	ask("voting_view", err)
	require.Len(t, members, 3)
	require.EqualValues(t, 1, members[0].ID)
	require.Equal(t, zk.Participant, members[0].Role)
	require.Equal(t, 3888, members[0].Peers[0].Election)
}

func TestAnswersInOrder(t *testing.T) {
	a, err := admin.ParseAnswer([]byte(`{"b": [1, {"x": 2}], "a": 9007199254740993, "error": null}`))
	require.NoError(t, err)
	require.Equal(t, "b", a[0].Key)
	var n int64
	require.NoError(t, a.Decode("a", &n))
	require.EqualValues(t, 9007199254740993, n, "no number goes by way of a float")
	require.Error(t, a.Decode("b", &n))
	require.NoError(t, a.Decode("c", &n))
	for _, text := range []string{"", "[]", "null", `{"a"`, `{"a":}`, `{"a":1`, "<html>"} {
		_, err := admin.ParseAnswer([]byte(text))
		require.Error(t, err, text)
	}
}

func FuzzParseAnswer(f *testing.F) {
	for _, text := range answers(f, "3.5.10.commands.txt") {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		c := handled(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.Write(text) }))
		ctx := context.Background()
		admin.ParseAnswer(text)
		c.ServerStats(ctx) // none of them may panic
		c.Monitor(ctx)
		c.Configuration(ctx)
		c.Environment(ctx)
		c.Connections(ctx)
		c.Watches(ctx)
		c.WatchesByPath(ctx)
		c.VotingView(ctx)
		c.Hash(ctx)
		c.Commands(ctx)
	})
}

func TestClientRefusals(t *testing.T) {
	status, text := http.StatusOK, ""
	c := handled(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		require.Equal(t, "digest super:secret", r.Header.Get("Authorization"))
		w.WriteHeader(status)
		io.WriteString(w, text)
	}))
	c.Auth = "digest super:secret"
	text = `{"command": "monitor", "error": "This ZooKeeper instance is not currently serving requests"}`
	_, err := c.Monitor(t.Context())
	require.ErrorIs(t, err, admin.ErrNotServing)
	require.NotContains(t, err.Error(), "secret")
	status, text = http.StatusInternalServerError, "<html>a page of Jetty's</html>"
	_, err = c.Monitor(t.Context())
	require.EqualError(t, err, "admin: command monitor: Internal Server Error (status 500)")
	status, text = http.StatusOK, strings.Repeat("x", 1000)
	c.MaxAnswer = 999
	_, err = c.Monitor(t.Context())
	require.ErrorIs(t, err, admin.ErrTooLong)
	c.URL = "http://\x00"
	require.Error(t, c.Ruok(t.Context()))
}

// A snapshot is not kept in memory.
func TestSnapshotIsStreamed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		out, in := io.Pipe()
		c := &admin.Client{URL: "http://zk", MaxAnswer: 10, HTTP: &http.Client{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
			require.Equal(t, "true", r.URL.Query().Get("streaming"))
			return &http.Response{
				StatusCode: http.StatusOK, Body: out, ContentLength: -1,
				Header: http.Header{"Last_zxid": {"0x1f"}, "Snapshot_size": {"12"}},
			}, nil
		})}}
		s, err := c.Snapshot(t.Context())
		require.NoError(t, err)
		require.EqualValues(t, 0x1f, s.Zxid)
		require.EqualValues(t, 12, s.Size)
		go func() {
			for range 1000 {
				in.Write(make([]byte, 12))
			}
			in.Close()
		}()
		time.Sleep(time.Hour) // no timeout
		n, err := io.Copy(io.Discard, s)
		require.NoError(t, err)
		require.EqualValues(t, 12_000, n)
		require.NoError(t, s.Close())
	})
}

func TestCommandsFake(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := harness.New(t, harness.Fake())
		session(t, e)
		version, err := e.Connect().ServerVersion(t.Context())
		require.NoError(t, err)
		c := handled(fakeadmin.Handler(e.Fake().Servers()[0]))
		commandsOf(t, c, version, admin.ModeStandalone)
		require.NoError(t, c.SetTraceMask(t.Context(), 7))
		mask, err := c.TraceMask(t.Context())
		require.NoError(t, err)
		require.EqualValues(t, 7, mask)
		_, err = c.Command(t.Context(), "set_trace_mask", url.Values{"traceMask": {"x"}})
		require.Error(t, err)
	})
}

// session has what commandsOf looks for.
func session(t *testing.T, e *harness.Ensemble) {
	c := e.Connect(zk.SessionTimeout(4 * time.Second))
	_, _, err := c.Create(t.Context(), "/app", nil, zk.Persistent)
	require.NoError(t, err)
	for _, path := range []string{"/app/one", "/app/two"} {
		_, _, err = c.Create(t.Context(), path, nil, zk.Ephemeral)
		require.NoError(t, err)
	}
	for _, path := range []string{"/app", "/none"} {
		_, _, w, err := c.ExistsW(t.Context(), path)
		require.NoError(t, err)
		t.Cleanup(func() { w.Close() })
	}
}

func TestCommandsReal(t *testing.T) {
	for _, version := range []string{"3.9.5", "3.5.10"} {
		t.Run(version, func(t *testing.T) {
			e := harness.New(t, harness.Java(), harness.Version(version), harness.AdminServer(), harness.Leaks(harness.IgnoreLeaks))
			defer http.DefaultClient.CloseIdleConnections()
			session(t, e)
			v, err := zk.ParseVersion(version)
			require.NoError(t, err)
			c := &admin.Client{URL: "http://" + e.Servers()[0].AdminAddr()}
			commandsOf(t, c, v, admin.ModeStandalone)
			require.NoError(t, c.SetTraceMask(t.Context(), 7))
			mask, err := c.TraceMask(t.Context())
			require.NoError(t, err)
			require.EqualValues(t, 7, mask)
		})
	}
}

func TestSnapshotReal(t *testing.T) {
	e := harness.New(t, harness.Java(), harness.Version("3.9.5"), harness.AdminServer(), harness.SuperUser("secret"),
		harness.Config("admin.snapshot.enabled=true", "admin.restore.enabled=true"),
		harness.JVMFlags("-Dzookeeper.serializeLastProcessedZxid.enabled=true"), harness.Leaks(harness.IgnoreLeaks))
	defer http.DefaultClient.CloseIdleConnections()
	conn := e.Connect(zk.Auth("digest", []byte("super:secret")))
	_, err := conn.SetACL(t.Context(), "/", []zk.ACL{zk.WorldACL(zk.PermRead)}, zk.AnyVersion) // of the root only the super user may all
	require.NoError(t, err)
	_, _, err = conn.Create(t.Context(), "/kept", []byte("x"), zk.Persistent)
	require.NoError(t, err)
	c := &admin.Client{URL: "http://" + e.Servers()[0].AdminAddr()}
	_, err = c.Snapshot(t.Context())
	require.ErrorIs(t, err, admin.ErrNotAuthorized)
	c.Auth = "digest super:wrong"
	_, err = c.Snapshot(t.Context())
	require.ErrorIs(t, err, admin.ErrNotAuthorized)

	c.Auth = "digest super:secret"
	s, err := c.Snapshot(t.Context())
	require.NoError(t, err)
	defer s.Close()
	all, err := io.ReadAll(s)
	require.NoError(t, err)
	require.True(t, bytes.HasPrefix(all, []byte("ZKSN")) || len(all) > 100, "%d bytes", len(all))
	t.Log(len(all), "bytes, zxid", s.Zxid, "size", s.Size)
	require.Positive(t, s.Zxid)

	require.NoError(t, conn.Delete(t.Context(), "/kept", zk.AnyVersion))
	zxid, err := c.Restore(t.Context(), bytes.NewReader(all))
	require.NoError(t, err)
	require.Equal(t, s.Zxid, zxid)
	require.Eventually(t, func() bool {
		_, ok, err := conn.Exists(t.Context(), "/kept")
		return err == nil && ok
	}, 20*time.Second, 50*time.Millisecond)
	_, err = c.Restore(t.Context(), strings.NewReader("nonsense"))
	require.Error(t, err)
	require.False(t, errors.Is(err, admin.ErrNotAuthorized))
	t.Log(err)
}
