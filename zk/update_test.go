package zk_test

import (
	"context"
	"errors"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/internal/proto"
	"github.com/zookit/zookit/zk"
)

func TestUpdateFake(t *testing.T) { playFake(t, updateCases) }
func TestUpdateReal(t *testing.T) { playReal(t, updateCases, "3.9") }

var updateCases = []sceneCase{
	{"in a chroot", testUpdate},
	{"answers are lost", testUpdateLost},
	{"answer is lost and it is set again", testUpdateDoubt},
	{"answer is lost and it is deleted", testUpdateDeleted},
	{"errors of the function", testUpdateErrors},
	{"many who count", testUpdateRaces},
}

// add is one more.
func add(old []byte, _ zk.Stat) ([]byte, error) {
	n, err := strconv.Atoi(string(old))
	return []byte(strconv.Itoa(n + 1)), err
}

func (s scene) counter() {
	s.Helper()
	_, _, err := s.other.Create(s.Context(), s.dir+"/n", []byte("0"), zk.Persistent)
	require.NoError(s, err)
}

func (s scene) wantCount(want int) {
	s.Helper()
	require.NoError(s, s.other.Sync(s.Context(), "/"))
	data, _, err := s.other.Get(s.Context(), s.dir+"/n")
	require.NoError(s, err)
	require.Equal(s, strconv.Itoa(want), string(data))
}

func testUpdate(s scene) {
	ctx := s.Context()
	c := s.client().Chroot(s.dir)
	s.counter()
	for i := range 3 {
		stat, err := c.Update(ctx, "/n", func(old []byte, stat zk.Stat) ([]byte, error) {
			require.EqualValues(s, i, stat.Version)
			return add(old, stat)
		})
		require.NoError(s, err)
		require.EqualValues(s, i+1, stat.Version)
	}
	s.wantCount(3)
	_, err := c.Update(ctx, "/none", add)
	require.EqualError(s, err, "zk: get /none: node does not exist")
	calls := 0
	_, err = c.Update(ctx, "/n", func(old []byte, stat zk.Stat) ([]byte, error) {
		if calls++; calls < 3 { // another comes first
			_, err := s.other.Update(ctx, s.dir+"/n", add)
			require.NoError(s, err)
		}
		return add(old, stat)
	})
	require.NoError(s, err)
	require.Equal(s, 3, calls)
	s.wantCount(6)
}

// What was done and not answered is not done again.
func testUpdateLost(s scene) {
	c := s.client(zk.CommandRetry(soon))
	s.counter()
	for i, lose := range []func(){
		func() { s.thief.stealReplies(proto.OpSetData) },
		func() { s.thief.stealRequests(proto.OpSetData) },
		func() { s.thief.stealReplies(proto.OpGetData, proto.OpSetData, proto.OpSync, proto.OpGetData) },
		func() { s.thief.stealRequests(proto.OpSetData); s.thief.stealReplies(proto.OpSetData) },
	} {
		lose()
		stat, err := c.Update(s.Context(), s.dir+"/n", add)
		require.NoError(s, err)
		require.EqualValues(s, i+1, stat.Version)
		s.wantCount(i + 1)
	}
	require.Equal(s, 8, s.thief.count())
}

// Where it cannot be told whether it was done it is not done again.
func testUpdateDoubt(s scene) {
	ctx := s.Context()
	c := s.client(zk.CommandRetry(zk.Backoff{}))
	s.counter()
	s.thief.stealReplies(proto.OpSetData)
	err := s.updateWhile(c, func() {
		for range 12 {
			_, err := s.other.Update(ctx, s.dir+"/n", add)
			require.NoError(s, err)
		}
	})
	require.ErrorIs(s, err, zk.ErrConnectionLoss)
	require.True(s, zk.MayHaveApplied(err))
	require.ErrorContains(s, err, "zk: update "+s.dir+"/n: changed more than once since: ")
	s.wantCount(13)

	s.thief.stealRequests(proto.OpSetData)
	err = s.updateWhile(c, func() {
		_, err := s.other.Set(ctx, s.dir+"/n", []byte("20"), zk.AnyVersion)
		require.NoError(s, err)
	})
	require.NoError(s, err, "what came instead shows that ours was not done")
	s.wantCount(21)
}

// updateWhile loses the connection in an update, and does something before the
// client is back.
func (s scene) updateWhile(c *zk.Conn, do func()) error {
	s.Helper()
	s.thief.stayAway()
	update := make(chan error)
	go func() {
		_, err := c.Update(s.Context(), s.dir+"/n", add)
		update <- err
	}()
	_, err := c.WaitState(s.Context(), zk.Suspended)
	require.NoError(s, err)
	do()
	s.thief.heal()
	return <-update
}

func testUpdateDeleted(s scene) {
	c := s.client(zk.CommandRetry(zk.Backoff{}))
	remove := func() { require.NoError(s, s.other.Delete(s.Context(), s.dir+"/n", zk.AnyVersion)) }
	s.counter()
	s.thief.stealReplies(proto.OpSetData)
	err := s.updateWhile(c, remove)
	require.ErrorIs(s, err, zk.ErrNoNode)
	require.True(s, zk.MayHaveApplied(err))

	s.counter()
	s.thief.stealReplies(proto.OpSetData)
	err = s.updateWhile(c, func() { remove(); s.counter() })
	require.ErrorContains(s, err, "changed more than once since")
	require.True(s, zk.MayHaveApplied(err))
	s.wantCount(0)
}

func testUpdateErrors(s scene) {
	ctx := s.Context()
	c := s.client(zk.CommandRetry(soon))
	s.counter()
	own := errors.New("own")
	for _, err := range []error{own, zk.ErrConnectionLoss, zk.ErrBadVersion} {
		calls := 0
		_, got := c.Update(ctx, s.dir+"/n", func([]byte, zk.Stat) ([]byte, error) {
			calls++
			return nil, err
		})
		require.ErrorIs(s, got, err)
		require.Equal(s, 1, calls, "it ends there")
		require.ErrorContains(s, got, "zk: update "+s.dir+"/n: ")
	}
	canceled, cancel := context.WithCancel(ctx)
	_, err := c.Update(canceled, s.dir+"/n", func(old []byte, stat zk.Stat) ([]byte, error) {
		cancel()
		return add(old, stat)
	})
	require.ErrorIs(s, err, context.Canceled)
	require.True(s, zk.NotSent(err))
	s.wantCount(0)
}

func testUpdateRaces(s scene) {
	s.counter()
	const clients, each = 4, 25
	done := make(chan error)
	for range clients {
		c := s.client()
		go func() {
			for range each {
				if _, err := c.Update(s.Context(), s.dir+"/n", add); err != nil {
					done <- err
					return
				}
			}
			done <- nil
		}()
	}
	for range clients {
		require.NoError(s, <-done)
	}
	s.wantCount(clients * each)
}
