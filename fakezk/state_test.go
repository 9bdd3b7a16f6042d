package fakezk

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/zookit/zookit/internal/proto"
)

// dump is all that a state holds, indexes included, but for its zxid.
func (s *state) dump() string {
	var b strings.Builder
	s.tree.nodes.Ascend(func(n *znode) bool {
		fmt.Fprintf(&b, "%q %q null=%v %v owner=%x %+v\n", n.path, n.data, n.null, n.acl.entries, n.owner, n.stat())
		return true
	})
	s.ephemerals.Ascend(func(e ephemeral) bool { fmt.Fprintln(&b, "ephemeral", e); return true })
	s.reapable.Ascend(func(path string) bool { fmt.Fprintln(&b, "reapable", path); return true })
	s.quotas.Ascend(func(path string) bool { fmt.Fprintln(&b, "quota", path); return true })
	s.sessions.Ascend(func(r sessionRecord) bool { fmt.Fprintln(&b, "session", r); return true })
	fmt.Fprintln(&b, "bytes", s.dataSize, "changes", len(s.changes))
	return b.String()
}

// checkIndexes wants the indexes to say what the tree says.
func (s *state) checkIndexes(t *rapid.T) {
	var ephemerals []ephemeral
	var reapable, quotas []string
	children := map[string]int32{}
	size := int64(0)
	s.tree.nodes.Ascend(func(n *znode) bool {
		size += int64(len(n.path) + len(n.data))
		if n.path != "" {
			children[parentPath(n.path)]++
			require.NotNil(t, s.parentOf(n.path), "parent of %s", n.path)
		}
		if n.isEphemeral() {
			ephemerals = append(ephemerals, ephemeral{n.owner, n.path})
		} else if n.owner != 0 {
			reapable = append(reapable, n.path)
		}
		if quota, ok := limitsOf(n.path); ok {
			quotas = append(quotas, quota)
		}
		return true
	})
	s.tree.nodes.Ascend(func(n *znode) bool {
		require.Equal(t, children[n.path], n.children, "children of %q", n.path)
		return true
	})
	slices.SortFunc(ephemerals, func(a, b ephemeral) int {
		return cmp.Or(cmp.Compare(a.session, b.session), cmp.Compare(a.path, b.path))
	})
	slices.Sort(reapable)
	slices.Sort(quotas)
	var gotEphemerals []ephemeral
	var gotReapable, gotQuotas []string
	s.ephemerals.Ascend(func(e ephemeral) bool { gotEphemerals = append(gotEphemerals, e); return true })
	s.reapable.Ascend(func(path string) bool { gotReapable = append(gotReapable, path); return true })
	s.quotas.Ascend(func(path string) bool { gotQuotas = append(gotQuotas, path); return true })
	require.Equal(t, ephemerals, gotEphemerals)
	require.Equal(t, reapable, gotReapable)
	require.Equal(t, quotas, gotQuotas)
	require.Equal(t, size, s.dataSize, "bytes of paths and data")
}

func genOp(t *rapid.T) proto.MultiOp {
	path := rapid.SampledFrom([]string{
		"/a", "/a", "/b", "/a/x", "/a/x/y", "/b/s", "/", "/a/", "/zookeeper/quota/a", "/zookeeper/quota/a/zookeeper_limits",
		"/zookeeper/quota/a/zookeeper_stats",
	}).Draw(t, "path")
	op := proto.MultiOp{
		Op: rapid.SampledFrom([]proto.Op{
			proto.OpCreate, proto.OpCreate, proto.OpCreate, proto.OpCreateContainer, proto.OpCreateTTL, proto.OpDelete, proto.OpSetData, proto.OpCheck,
		}).Draw(t, "op"),
		Version: rapid.SampledFrom([]int32{-1, -1, 0, 1}).Draw(t, "version"),
	}
	op.Path, op.Data = path, []byte(rapid.SampledFrom([]string{"", "x", "countHardLimit=2", "count=1,bytes=1"}).Draw(t, "data"))
	op.ACL = openACL.entries
	op.Flags = rapid.Int32Range(0, 3).Draw(t, "flags")
	if op.Op == proto.OpCreateTTL {
		op.Flags, op.TTL = proto.FlagPersistentTTL, 1000
	}
	return op
}

func drawOps(t *rapid.T, most int) []proto.MultiOp {
	return rapid.SliceOfN(rapid.Custom(genOp), 0, most).Draw(t, "operations")
}

// apply runs operations each on its own, with a zxid of its own.
func (s *state) apply(session int64, ops []proto.MultiOp) {
	for i := range ops {
		s.zxid++
		t := txn{zxid: s.zxid, now: s.zxid, session: session}
		s.multiOp(&t, &ops[i], &proto.MultiResult{})
	}
	s.changes = s.changes[:0]
}

func drawState(t *rapid.T) *state {
	cfg, err := newConfig([]Option{ExtendedTypes(), EnforceQuota()})
	require.NoError(t, err)
	s := newState(cfg)
	s.apply(7, drawOps(t, 20))
	s.apply(8, drawOps(t, 10))
	return s
}

// A multi that fails changes nothing, in no index, and none changes a clone.
func TestMultiAllOrNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := drawState(t)
		s.checkIndexes(t)
		before := s.dump()
		clone := s.clone()
		ops := drawOps(t, 8)
		s.zxid++
		results, code := s.multi(&txn{zxid: s.zxid, now: 99, session: 7}, ops, nil)
		failed := code != proto.OK // limits of a quota that cannot be parsed
		if !failed {
			require.Len(t, results, len(ops))
			failed = len(results) > 0 && results[0].Op == proto.OpError
		}
		if failed {
			require.Equal(t, before, s.dump(), "a multi that failed has left something")
		}
		s.checkIndexes(t)
		require.Equal(t, before, clone.dump(), "the clone has changed with its original")
		clone.apply(8, drawOps(t, 5))
		clone.checkIndexes(t)
		s.checkIndexes(t)
	})
}

// The end of a session takes its ephemerals, all of them and no others.
func TestCloseSessionTakesItsEphemerals(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := drawState(t)
		others := 0
		s.eachEphemeral(8, func(string) { others++ })
		s.closeSession(7)
		s.changes = nil
		s.checkIndexes(t)
		s.eachEphemeral(7, func(path string) { t.Errorf("%s is left", path) })
		left := 0
		s.eachEphemeral(8, func(string) { left++ })
		require.Equal(t, others, left)
	})
}

// Stored counters of extreme nodes (spec/wire-and-tree, probes Z01 to Z03,
// and what 3.9.5 makes of them).
func TestCountersWrap(t *testing.T) {
	cfg, err := newConfig(nil)
	require.NoError(t, err)
	s := newState(cfg)
	s.put(&znode{path: "/v", acl: openACL, version: 1<<31 - 1, aversion: -2})
	s.put(&znode{path: "/c", acl: openACL, creates: 1<<31 - 2, pzxid: 1})
	s.put(&znode{path: "/neg", acl: openACL, creates: -1 << 31})
	s.put(&znode{path: "/two", acl: openACL, creates: -2})
	tx := func() *txn { s.zxid++; return &txn{zxid: s.zxid} }
	for _, want := range []int32{-1 << 31, -1<<31 + 1} {
		n, code := s.set(tx(), "/v", nil, -1)
		require.Equal(t, proto.OK, code)
		require.Equal(t, want, n.version)
	}
	for _, want := range []int32{-1, 0} {
		n, _ := s.setACL(tx(), "/v", openACL.entries, -1)
		require.Equal(t, want, n.aversion)
	}
	sequential := func(dir string) (string, proto.Code) {
		n, code := s.create(tx(), &createArgs{op: proto.OpCreate, path: dir + "/", acl: openACL.entries, mode: proto.FlagPersistentSequential})
		if code != proto.OK {
			return "", code
		}
		return n.path, code
	}
	for _, want := range []string{"/c/2147483646", "/c/2147483647"} {
		path, code := sequential("/c")
		require.Equal(t, proto.OK, code)
		require.Equal(t, want, path)
	}
	pzxid := s.tree.get("/c").pzxid
	_, code := sequential("/c")
	require.Equal(t, proto.NodeExists, code, "the counter sticks at its maximum")
	require.Equal(t, pzxid, s.tree.get("/c").pzxid)
	for _, want := range []string{"/neg/-2147483648", "/neg/-2147483647", "/two/-000000002", "/two/-000000001", "/two/0000000000"} {
		path, _ := sequential(parentPath(want))
		require.Equal(t, want, path)
	}
}
