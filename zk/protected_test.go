package zk_test

import (
	"path"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/internal/proto"
	"github.com/zookit/zookit/zk"
)

// Whatever is lost, there is one node, or none when the client has given up:
// for each mode, with and without the session.
func TestProtectedCreatesFake(t *testing.T) { playFake(t, protectedCreates()) }
func TestProtectedCreatesReal(t *testing.T) { playReal(t, protectedCreates(), "3.9") }

func protectedCreates() (cases []sceneCase) {
	for _, m := range protectedModes {
		for _, l := range losses {
			cases = append(cases, sceneCase{m.name + ", " + l.name, func(s scene) { testProtectedCreate(s, m, l) }})
		}
	}
	return cases
}

type protectedMode struct {
	name string
	mode zk.CreateMode
	ttl  time.Duration
	op   proto.Op
}

var protectedModes = []protectedMode{
	{"persistent", zk.Persistent, 0, proto.OpCreate2},
	{"ephemeral", zk.Ephemeral, 0, proto.OpCreate2},
	{"persistent sequential", zk.PersistentSequential, 0, proto.OpCreate2},
	{"ephemeral sequential", zk.EphemeralSequential, 0, proto.OpCreate2},
	{"container", zk.Container, 0, proto.OpCreateContainer},
	{"ttl", zk.Persistent, time.Hour, proto.OpCreateTTL},
	{"ttl sequential", zk.PersistentSequential, time.Hour, proto.OpCreateTTL},
}

func (m protectedMode) sequential() bool { return strings.Contains(m.name, "sequential") }
func (m protectedMode) ephemeral() bool  { return strings.Contains(m.name, "ephemeral") }

// search is the request that finds the node.
func (m protectedMode) search() proto.Op {
	if m.sequential() {
		return proto.OpGetChildren
	}
	return proto.OpExists
}

// A loss is what the thief takes, and what comes of it.
type loss struct {
	name   string
	policy zk.RetryPolicy
	lose   func(t *thief, m protectedMode)
	stolen int
	fails  error
}

var losses = []loss{
	{"nothing lost", zk.RetryNever(), func(*thief, protectedMode) {}, 0, nil},
	{"reply lost", soon, func(t *thief, m protectedMode) { t.stealReplies(m.op) }, 1, nil},
	{"request lost", soon, func(t *thief, m protectedMode) { t.stealRequests(m.op) }, 1, nil},
	{"request lost and then a reply", soon, func(t *thief, m protectedMode) { t.stealRequests(m.op); t.stealReplies(m.op) }, 2, nil},
	{"reply lost and those of the search", soon, func(t *thief, m protectedMode) { t.stealReplies(m.op, proto.OpSync, m.search()) }, 3, nil},
	{"reply lost and the session", zk.RetryAlso(soon, zk.ErrSessionExpired), func(t *thief, m protectedMode) { t.stealReplies(m.op); t.stayAway() }, 1, nil},
	{"given up", zk.RetryNever(), func(t *thief, m protectedMode) { t.stealReplies(m.op) }, 1, zk.ErrConnectionLoss},
	{"given up in the search", zk.RetryLimit(1, soon), func(t *thief, m protectedMode) { t.stealReplies(m.op, proto.OpSync) }, 2, zk.ErrConnectionLoss},
	{"given up and the deletion lost", zk.RetryNever(), func(t *thief, m protectedMode) { t.stealReplies(m.op, proto.OpSync, proto.OpDelete) }, 3, zk.ErrConnectionLoss},
	{"given up with the session", soon, func(t *thief, m protectedMode) { t.stealReplies(m.op); t.stayAway() }, 1, zk.ErrSessionExpired},
}

func testProtectedCreate(s scene, m protectedMode, l loss) {
	ctx := s.Context()
	c := s.client(zk.CommandRetry(l.policy))
	l.lose(s.thief, m)
	session := c.Session()
	go func() { // where the line is cut, it heals after the session
		<-session.Context().Done()
		s.thief.heal()
	}()
	var made string
	var stat zk.Stat
	var err error
	if m.ttl > 0 {
		made, stat, err = c.CreateProtectedTTL(ctx, s.dir+"/n-", []byte("data"), m.mode, m.ttl)
	} else {
		made, stat, err = c.CreateProtected(ctx, s.dir+"/n-", []byte("data"), m.mode)
	}
	if l.fails != nil {
		require.ErrorIs(s, err, l.fails)
		require.True(s, zk.MayHaveApplied(err))
		require.Empty(s, made)
		s.staysAt(s.dir, 0)
		require.Equal(s, l.stolen, s.thief.count())
		return
	}
	require.NoError(s, err)
	require.Equal(s, l.stolen, s.thief.count())
	names := s.staysAt(s.dir, 1)
	require.Equal(s, made, s.dir+"/"+names[0])
	id, rest, ok := zk.SplitProtected(path.Base(made))
	require.True(s, ok, made)
	require.Len(s, id, 36)
	require.Equal(s, "n-", strings.TrimRight(rest, "0123456789"))
	_, numbered := zk.Sequence(made)
	require.Equal(s, m.sequential(), numbered)
	data, now, err := s.other.Get(ctx, made)
	require.NoError(s, err)
	require.Equal(s, "data", string(data))
	require.Equal(s, now, stat)
	if m.ephemeral() {
		require.Equal(s, c.Session().ID(), stat.EphemeralOwner, "of the session that there is now")
	}
}
