package zk_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/internal/proto"
	"github.com/zookit/zookit/zk"
)

// What was done and not answered is found done; what was not is done.
func TestIdempotentWritesFake(t *testing.T) { playFake(t, idempotentWrites) }
func TestIdempotentWritesReal(t *testing.T) { playReal(t, idempotentWrites, "3.9") }

var idempotentWrites = []sceneCase{
	{"create", testCreateIdempotent},
	{"create of an ephemeral", testCreateIdempotentEphemeral},
	{"create that exists", testCreateIdempotentExists},
	{"set", testSetIdempotent},
	{"delete", testDeleteIdempotent},
	{"guaranteed delete", testDeleteGuaranteed},
	{"guaranteed delete over sessions", testDeleteGuaranteedOverSessions},
	{"guaranteed delete that is refused", testDeleteGuaranteedRefused},
}

func testCreateIdempotent(s scene) {
	c := s.client(zk.CommandRetry(soon))
	for i, lose := range []func(...proto.Op){func(...proto.Op) {}, s.thief.stealReplies, s.thief.stealRequests} {
		path := s.dir + "/" + string(rune('a'+i))
		lose(proto.OpCreate2)
		stat, err := c.CreateIdempotent(s.Context(), path, []byte("data"), zk.Persistent)
		require.NoError(s, err)
		again, err := c.CreateIdempotent(s.Context(), path, []byte("data"), zk.Persistent)
		require.NoError(s, err)
		require.Equal(s, stat, again)
		now, _, err := s.other.Exists(s.Context(), path)
		require.NoError(s, err)
		require.Equal(s, stat, now)
	}
	require.Equal(s, 2, s.thief.count())
	s.children(s.dir, 3)
}

func testCreateIdempotentEphemeral(s scene) {
	ctx := s.Context()
	c := s.client(zk.CommandRetry(zk.RetryAlso(soon, zk.ErrSessionExpired)))
	s.thief.stealReplies(proto.OpCreate2)
	stat, err := c.CreateIdempotent(ctx, s.dir+"/e", nil, zk.Ephemeral)
	require.NoError(s, err)
	require.Equal(s, c.Session().ID(), stat.EphemeralOwner)
	_, err = s.other.CreateIdempotent(ctx, s.dir+"/e", nil, zk.Ephemeral)
	require.ErrorIs(s, err, zk.ErrNodeExists, "it is another session's")
	_, err = c.CreateIdempotent(ctx, s.dir+"/e", nil, zk.Persistent)
	require.ErrorIs(s, err, zk.ErrNodeExists, "it is ephemeral")
}

func testCreateIdempotentExists(s scene) {
	ctx := s.Context()
	c := s.client()
	for _, tc := range []struct {
		name, data string
		set        bool
	}{
		{"other data", "other", false},
		{"set since", "data", true},
	} {
		path := s.dir + "/" + tc.data
		_, _, err := s.other.Create(ctx, path, []byte(tc.data), zk.Persistent)
		require.NoError(s, err)
		if tc.set {
			_, err = s.other.Set(ctx, path, []byte(tc.data), zk.AnyVersion)
			require.NoError(s, err)
		}
		_, err = c.CreateIdempotent(ctx, path, []byte("data"), zk.Persistent)
		require.ErrorIs(s, err, zk.ErrNodeExists, tc.name)
		require.EqualError(s, err, "zk: create "+path+": node exists")
		require.False(s, zk.MayHaveApplied(err))
	}
	_, _, err := s.other.Create(ctx, s.dir+"/secret", []byte("data"), zk.Persistent, zk.WorldACL(zk.PermAll&^zk.PermRead))
	require.NoError(s, err)
	_, err = c.CreateIdempotent(ctx, s.dir+"/secret", []byte("data"), zk.Persistent)
	require.ErrorIs(s, err, zk.ErrNodeExists, "what cannot be read cannot be compared")
	_, err = c.CreateIdempotent(ctx, s.dir+"/s-", nil, zk.EphemeralSequential)
	require.ErrorIs(s, err, zk.ErrBadArguments)
	require.True(s, zk.NotSent(err))
	_, err = c.CreateIdempotent(ctx, s.dir+"/none/n", nil, zk.Persistent)
	require.ErrorIs(s, err, zk.ErrNoNode)
}

func testSetIdempotent(s scene) {
	ctx := s.Context()
	c := s.client(zk.CommandRetry(soon))
	_, _, err := s.other.Create(ctx, s.dir+"/n", nil, zk.Persistent)
	require.NoError(s, err)
	for version, lose := range []func(...proto.Op){func(...proto.Op) {}, s.thief.stealReplies, s.thief.stealRequests} {
		lose(proto.OpSetData)
		stat, err := c.SetIdempotent(ctx, s.dir+"/n", []byte{byte(version)}, int32(version))
		require.NoError(s, err)
		require.EqualValues(s, version+1, stat.Version)
		again, err := c.SetIdempotent(ctx, s.dir+"/n", []byte{byte(version)}, int32(version))
		require.NoError(s, err)
		require.Equal(s, stat, again)
	}
	_, err = c.SetIdempotent(ctx, s.dir+"/n", []byte("other"), 2)
	require.ErrorIs(s, err, zk.ErrBadVersion, "other data")
	_, err = c.SetIdempotent(ctx, s.dir+"/n", []byte{2}, 1)
	require.ErrorIs(s, err, zk.ErrBadVersion, "two versions on")
	s.thief.stealReplies(proto.OpSetData)
	stat, err := c.SetIdempotent(ctx, s.dir+"/n", []byte("any"), zk.AnyVersion)
	require.NoError(s, err)
	require.EqualValues(s, 5, stat.Version, "set twice")
	_, err = c.SetIdempotent(ctx, s.dir+"/none", nil, 0)
	require.ErrorIs(s, err, zk.ErrNoNode)
	require.Equal(s, 3, s.thief.count())
}

func testDeleteIdempotent(s scene) {
	ctx := s.Context()
	c := s.client(zk.CommandRetry(soon))
	for _, lose := range []func(...proto.Op){func(...proto.Op) {}, s.thief.stealReplies, s.thief.stealRequests} {
		_, _, err := s.other.Create(ctx, s.dir+"/n", nil, zk.Persistent)
		require.NoError(s, err)
		lose(proto.OpDelete)
		require.ErrorIs(s, c.DeleteIdempotent(ctx, s.dir, zk.AnyVersion), zk.ErrNotEmpty)
		require.NoError(s, c.DeleteIdempotent(ctx, s.dir+"/n", 0))
		require.NoError(s, c.DeleteIdempotent(ctx, s.dir+"/n", 0))
		s.children(s.dir, 0)
	}
	require.Equal(s, 2, s.thief.count())
}

func testDeleteGuaranteed(s scene) {
	c := s.client()
	for _, lose := range []func(...proto.Op){s.thief.stealReplies, s.thief.stealRequests} {
		_, _, err := s.other.Create(s.Context(), s.dir+"/n", nil, zk.Persistent)
		require.NoError(s, err)
		lose(proto.OpDelete)
		require.ErrorIs(s, c.DeleteGuaranteed(s.Context(), s.dir+"/n", zk.AnyVersion), zk.ErrConnectionLoss, "at once")
		s.staysAt(s.dir, 0)
	}
	_, _, err := s.other.Create(s.Context(), s.dir+"/n", nil, zk.Persistent)
	require.NoError(s, err)
	canceled, cancel := context.WithCancel(s.Context())
	cancel()
	require.ErrorIs(s, c.DeleteGuaranteed(canceled, s.dir+"/n", zk.AnyVersion), context.Canceled)
	s.staysAt(s.dir, 0)
	require.ErrorIs(s, c.DeleteGuaranteed(s.Context(), s.dir+"/n", zk.AnyVersion), zk.ErrNoNode)
}

func testDeleteGuaranteedOverSessions(s scene) {
	c := s.client()
	_, _, err := s.other.Create(s.Context(), s.dir+"/n", nil, zk.Persistent)
	require.NoError(s, err)
	s.thief.stayAway()
	s.thief.stealRequests(proto.OpDelete)
	require.ErrorIs(s, c.DeleteGuaranteed(s.Context(), s.dir+"/n", zk.AnyVersion), zk.ErrConnectionLoss)
	session := c.Session()
	<-session.Context().Done()
	s.children(s.dir, 1)
	s.thief.heal()
	s.staysAt(s.dir, 0)
	require.NotEqual(s, session.ID(), c.Session().ID())
}

func testDeleteGuaranteedRefused(s scene) {
	c := s.client()
	_, _, err := s.other.Create(s.Context(), s.dir+"/n", nil, zk.Persistent)
	require.NoError(s, err)
	s.thief.stealRequests(proto.OpDelete)
	require.ErrorIs(s, c.DeleteGuaranteed(s.Context(), s.dir+"/n", 7), zk.ErrConnectionLoss)
	time.Sleep(time.Second)
	s.children(s.dir, 1)
	require.ErrorIs(s, c.DeleteGuaranteed(s.Context(), s.dir+"/n", 7), zk.ErrBadVersion)
	require.ErrorIs(s, c.DeleteGuaranteed(s.Context(), "bad", 7), zk.ErrBadArguments)
	require.NoError(s, c.Close(), "nothing goes on")
	require.ErrorIs(s, c.DeleteGuaranteed(s.Context(), s.dir+"/n", 7), zk.ErrClosed)
}
