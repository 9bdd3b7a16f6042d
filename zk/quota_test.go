package zk_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/internal/proto"
	"github.com/zookit/zookit/zk"
)

func TestQuotaFake(t *testing.T)   { playFake(t, append(quotaCases, hardQuota)) }
func TestQuotaReal(t *testing.T)   { playReal(t, append(quotaCases, hardQuota), "3.9") }
func TestQuotaReal38(t *testing.T) { playReal(t, append(quotaCases, hardQuota), "3.8") }
func TestQuotaReal35(t *testing.T) { playReal(t, quotaCases, "3.5") }

var quotaCases = []sceneCase{
	{"set, get, list, remove", testQuota},
	{"in a chroot", testQuotaChroot},
	{"none above or below another", testQuotaNested},
	{"what cannot have one", testQuotaBadPaths},
	{"lost answers", testQuotaLost},
}

// hardQuota is for servers from 3.7 on.
var hardQuota = sceneCase{"hard limits", testQuotaHard}

func testQuota(s scene) {
	ctx := s.Context()
	c := s.client()
	s.put("/a", "/a/b", "/a/c", "/d")
	path := s.dir + "/a"
	_, err := c.Quota(ctx, path)
	require.ErrorIs(s, err, zk.ErrNoNode)
	want := zk.Quota{Count: 10, Bytes: 1000}
	require.NoError(s, c.SetQuota(ctx, path, want))
	use := must(c.Quota(ctx, path))(s.T)
	require.Equal(s, zk.QuotaUse{Path: path, Quota: want, Count: 3, Bytes: 10}, use)

	s.put("/a/e")
	require.NoError(s, c.Delete(ctx, path+"/b", zk.AnyVersion))
	_, err = c.Set(ctx, path+"/e", []byte("12345"), zk.AnyVersion)
	require.NoError(s, err)
	use = must(c.Quota(ctx, path))(s.T)
	require.Equal(s, zk.QuotaUse{Path: path, Quota: want, Count: 3, Bytes: 11}, use)

	want = zk.Quota{Count: 1, CountHard: 20}
	require.NoError(s, c.SetQuota(ctx, path, want), "in place of the other")
	require.NoError(s, c.SetQuota(ctx, s.dir+"/d", zk.Quota{Bytes: 1, BytesHard: 2}))
	use = must(c.Quota(ctx, path))(s.T)
	require.Equal(s, zk.QuotaUse{Path: path, Quota: want, Count: 3, Bytes: 11}, use)
	s.put("/a/f") // beyond a soft limit
	all := must(c.Quotas(ctx))(s.T)
	require.Equal(s, []zk.QuotaUse{
		{Path: path, Quota: want, Count: 4, Bytes: 15},
		{Path: s.dir + "/d", Quota: zk.Quota{Bytes: 1, BytesHard: 2}, Count: 1, Bytes: 2},
	}, all)

	require.NoError(s, c.RemoveQuota(ctx, path))
	_, err = c.Quota(ctx, path)
	require.ErrorIs(s, err, zk.ErrNoNode)
	require.EqualError(s, err, "zk: quota of "+path+": zk: get /zookeeper/quota"+path+"/zookeeper_limits: node does not exist")
	s.children("/zookeeper/quota"+s.dir, 1)
	require.NoError(s, c.RemoveQuota(ctx, path), "again")
	require.NoError(s, c.RemoveQuota(ctx, s.dir+"/d"))
	require.Empty(s, must(c.Quotas(ctx))(s.T))
	_, ok, err := c.Exists(ctx, "/zookeeper/quota"+s.dir)
	require.NoError(s, err)
	require.False(s, ok, "nothing is left")
	s.put("/a/g")
}

func testQuotaChroot(s scene) {
	ctx := s.Context()
	c := s.client().Chroot(s.dir)
	s.put("/a", "/ab")
	require.NoError(s, c.SetQuota(ctx, "/a", zk.Quota{Count: 5}))
	use := must(c.Quota(ctx, "/a"))(s.T)
	require.Equal(s, zk.QuotaUse{Path: "/a", Quota: zk.Quota{Count: 5}, Count: 1, Bytes: 2}, use)
	require.Equal(s, []zk.QuotaUse{use}, must(c.Quotas(ctx))(s.T))
	require.Empty(s, must(c.Chroot("/ab").Quotas(ctx))(s.T))
	use.Path = s.dir + "/a"
	require.Equal(s, use, must(s.other.Quota(ctx, use.Path))(s.T))
	require.NoError(s, c.RemoveQuota(ctx, "/a"))
	require.NoError(s, c.SetQuota(ctx, "/", zk.Quota{Count: 5}), "of the chroot itself")
	require.Equal(s, []zk.QuotaUse{{Path: "/", Quota: zk.Quota{Count: 5}, Count: 3, Bytes: 5}}, must(c.Quotas(ctx))(s.T))
	require.NoError(s, c.RemoveQuota(ctx, "/"))
	_, err := c.Chroot("bad").Quotas(ctx)
	require.ErrorIs(s, err, zk.ErrBadArguments)
}

func testQuotaNested(s scene) {
	ctx := s.Context()
	c := s.client()
	s.put("/a", "/a/b", "/a/b/c", "/a/bc")
	require.NoError(s, c.SetQuota(ctx, s.dir+"/a/b", zk.Quota{Count: 5}))
	for path, why := range map[string]string{"/a": "/a/b has a quota", "/a/b/c": "/a/b has a quota"} {
		err := c.SetQuota(ctx, s.dir+path, zk.Quota{Count: 5})
		require.ErrorIs(s, err, zk.ErrBadArguments)
		require.ErrorContains(s, err, s.dir+why)
	}
	require.NoError(s, c.SetQuota(ctx, s.dir+"/a/bc", zk.Quota{Count: 5}), "beside it")
	require.NoError(s, c.SetQuota(ctx, s.dir+"/a/b", zk.Quota{Count: 6}))
	require.NoError(s, c.DeleteAll(ctx, "/zookeeper/quota"+s.dir))
}

func testQuotaBadPaths(s scene) {
	ctx := s.Context()
	c := s.client()
	for _, path := range []string{"/", "/zookeeper", "/zookeeper/quota", "/zookeeper/quota/a", "a", "/a/", ""} {
		require.ErrorIs(s, c.SetQuota(ctx, path, zk.Quota{Count: 1}), zk.ErrBadArguments, path)
		require.ErrorIs(s, c.RemoveQuota(ctx, path), zk.ErrBadArguments, path)
		_, err := c.Quota(ctx, path)
		require.ErrorIs(s, err, zk.ErrBadArguments, path)
		require.True(s, zk.NotSent(err))
	}
	err := c.SetQuota(ctx, s.dir+"/none", zk.Quota{Count: 1})
	require.ErrorIs(s, err, zk.ErrNoNode)
	_, ok, err := c.Exists(ctx, "/zookeeper/quota"+s.dir)
	require.NoError(s, err)
	require.False(s, ok)
}

func testQuotaLost(s scene) {
	ctx := s.Context()
	c := s.client(zk.CommandRetry(soon))
	s.put("/a")
	s.thief.stealReplies(proto.OpSetData, proto.OpCreate2, proto.OpCreate2)
	require.NoError(s, c.SetQuota(ctx, s.dir+"/a", zk.Quota{Count: 1}))
	s.thief.stealReplies(proto.OpGetData)
	require.EqualValues(s, 1, must(c.Quota(ctx, s.dir+"/a"))(s.T).Count)
	s.thief.stealReplies(proto.OpDelete, proto.OpDelete, proto.OpDelete)
	require.NoError(s, c.RemoveQuota(ctx, s.dir+"/a"))
	require.Equal(s, 7, s.thief.count())
	require.Empty(s, must(c.Quotas(ctx))(s.T))
}

func testQuotaHard(s scene) {
	ctx := s.Context()
	c := s.client()
	s.put("/a", "/a/b")
	path := s.dir + "/a"
	require.NoError(s, c.SetQuota(ctx, path, zk.Quota{CountHard: 3, BytesHard: 20}))
	s.put("/a/c")
	_, _, err := c.Create(ctx, path+"/d", nil, zk.Persistent)
	require.ErrorIs(s, err, zk.ErrQuotaExceeded)
	_, err = c.Set(ctx, path, make([]byte, 100), zk.AnyVersion)
	require.ErrorIs(s, err, zk.ErrQuotaExceeded)
	require.NoError(s, c.SetQuota(ctx, path, zk.Quota{Count: 1}))
	_, _, err = c.Create(ctx, path+"/d", nil, zk.Persistent)
	require.NoError(s, err)
	require.NoError(s, c.RemoveQuota(ctx, path))
}
