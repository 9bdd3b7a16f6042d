package peers_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/zookit/zookit/fakezk"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience is for what should be there at once.
const patience = 20 * time.Second

// A step is a part of what clients do. Each peer does it in its own language,
// on a fresh server, below the znode of the step's name.
type step struct {
	name   string
	leaves []string // what stands on the server at the end, all sessions closed
}

const alice = `digest:alice:aYXlLOpEooaV1cRAvUL1fp9Qt7E=:cdrwa`

// steps are what every peer does.
var steps = []step{
	{"create", []string{`/create v1 "v1"`, `/create/child v0 ""`}},
	{"watch", []string{`/watch v2 "newer"`}},
	{"children", []string{`/children v0 ""`, `/children/b v1 "data is no business of a child watch"`}},
	{"kinds", []string{
		`/kinds v0 ""`, `/kinds/seq v0 ""`,
		`/kinds/seq/s-0000000000 v0 ""`, `/kinds/seq/s-0000000001 v0 ""`, `/kinds/seq/s-0000000003 v0 ""`,
	}},
	{"multi", []string{`/multi v1 "v"`, `/multi/a v0 "1"`, `/multi/c v0 ""`}},
	{"acl", []string{`/acl v0 "" ` + alice, `/acl/hash v0 "mine" ` + alice + ` world:anyone:r`}},
	{"expiry", []string{`/expiry v0 ""`}},
	{"reconnect", []string{`/reconnect v0 ""`, `/reconnect/after v0 ""`, `/reconnect/w v2 "newer"`}},
}

// vanish is for peers that know containers and TTL nodes.
var vanish = step{"vanish", []string{`/vanish v0 ""`}}

// run starts a server for the step, lets the peer do it, and looks at what it
// has left behind.
func (s step) run(t *testing.T, do func(*testing.T, *server)) {
	srv := listen(t)
	do(t, srv)
	srv.awaitNoSessions(t)
	require.Equal(t, s.leaves, srv.tree("/"+s.name))
}

// A server is the fake, and the deeds that peers ask for.
type server struct{ *fakezk.Ensemble }

func listen(t *testing.T) *server {
	e, err := fakezk.Listen(fakezk.ExtendedTypes(), fakezk.ReapInterval(20*time.Millisecond))
	require.NoError(t, err)
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the server at last:\n%s", e.Dump())
		}
		e.Close()
	})
	return &server{e}
}

// tree is the znodes from root on, a line each.
func (s *server) tree(root string) (lines []string) {
	for path, z := range s.Tree() {
		if path != root && !strings.HasPrefix(path, root+"/") {
			continue
		}
		line := fmt.Sprintf("%s v%d %q", path, z.Version, z.Data)
		for _, a := range z.ACL {
			if text := a.String(); text != "world:anyone:cdrwa" {
				line += " " + text
			}
		}
		lines = append(lines, line)
	}
	return lines
}

// expire ends the session and makes sure that it has taken its ephemerals
// along.
func (s *server) expire(t *testing.T, id int64) {
	t.Helper()
	ephemerals := s.session(t, id).Ephemerals
	require.NotEmpty(t, ephemerals, "of session 0x%x", id)
	require.NoError(t, s.Expire(id))
	for _, path := range ephemerals {
		_, ok := s.Znode(path)
		require.False(t, ok, "%s has outlived its session", path)
	}
}

// disconnect cuts the session's connection and makes sure that nothing else
// ends.
func (s *server) disconnect(t *testing.T, id int64) {
	t.Helper()
	before := s.session(t, id)
	require.True(t, before.Connected)
	require.NoError(t, s.Disconnect(id))
	require.Equal(t, before.Ephemerals, s.session(t, id).Ephemerals)
}

// restart cuts all connections.
func (s *server) restart(t *testing.T) {
	t.Helper()
	require.NoError(t, s.Servers()[0].Restart())
}

// awaitNoSessions returns when clients have closed all that they had.
func (s *server) awaitNoSessions(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	require.NoError(t, s.Await(ctx, func() bool { return len(s.Sessions()) == 0 }), "some session has not been closed")
}

func (s *server) session(t *testing.T, id int64) fakezk.Session {
	t.Helper()
	sessions := s.Sessions()
	i := slices.IndexFunc(sessions, func(s fakezk.Session) bool { return s.ID == id })
	require.GreaterOrEqual(t, i, 0, "there is no session 0x%x among %v", id, sessions)
	return sessions[i]
}
