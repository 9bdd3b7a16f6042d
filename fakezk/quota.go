package fakezk

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/zookit/zookit/internal/proto"
)

const (
	limitsName = "/zookeeper_limits"
	statsName  = "/zookeeper_stats"
)

// limitsOf is the path that a limits node is about.
func limitsOf(path string) (quota string, ok bool) {
	quota, ok = strings.CutPrefix(path, quotaPath)
	if !ok {
		return "", false
	}
	return strings.CutSuffix(quota, limitsName)
}

// quotaOver is the deepest path with limits that is path or above it.
func (s *state) quotaOver(path string) (string, bool) {
	if s.quotas.Len() == 0 {
		return "", false
	}
	for path != "" {
		if s.quotas.Has(path) {
			return path, true
		}
		path = parentPath(path)
	}
	return "", false
}

// A quota is the text of a limits or stats node; -1 is no limit.
type quota struct{ count, bytes, countHard, bytesHard int64 }

// parseQuota reads it as Java does: parts between commas or semicolons, of
// which those at the end may be empty, each a key and behind "=" a number, or
// nothing where another "=" follows.
func parseQuota(text string) (quota, bool) {
	q := quota{-1, -1, -1, -1}
	isSeparator := func(r rune) bool { return r == ',' || r == ';' }
	text = strings.TrimRightFunc(text, isSeparator)
	if text != "" && isSeparator(rune(text[0])) {
		return q, false
	}
	for _, part := range strings.FieldsFunc(text, isSeparator) {
		key, value, _ := strings.Cut(strings.TrimRight(part, "="), "=")
		value, _, more := strings.Cut(value, "=")
		n := int64(-1)
		if value != "" || !more {
			var err error
			if n, err = strconv.ParseInt(value, 10, 64); err != nil {
				return q, false
			}
		}
		switch key {
		case "count":
			q.count = n
		case "bytes":
			q.bytes = n
		case "countHardLimit":
			q.countHard = n
		case "byteHardLimit":
			q.bytesHard = n
		}
	}
	return q, true
}

// checkQuota judges a change by hard limits, where they are enforced. Soft
// limits never fail. A multi sees what was committed before it.
func (s *state) checkQuota(path string, nodes, bytes int64) proto.Code {
	if !s.cfg.enforceQuota {
		return proto.OK
	}
	over, node := s.committedLimits(path)
	if node == nil {
		return proto.OK
	}
	limits, ok := parseQuota(node.data)
	if !ok || node.null {
		return proto.MarshallingError
	}
	used, ok := s.committedStats(quotaPath + over + statsName)
	if !ok {
		return proto.OK
	}
	if nodes > 0 && limits.countHard >= 0 && used.count+nodes > limits.countHard ||
		bytes != 0 && limits.bytesHard >= 0 && used.bytes+bytes > limits.bytesHard {
		return proto.QuotaExceeded
	}
	return proto.OK
}

// committedLimits are the limits that a path is under, and the path that they
// are of. Within a multi they are those from before it.
func (s *state) committedLimits(path string) (over string, limits *znode) {
	if !s.inMulti {
		over, ok := s.quotaOver(path)
		if !ok {
			return "", nil
		}
		return over, s.tree.get(quotaPath + over + limitsName)
	}
	for ; path != ""; path = parentPath(path) {
		if n := s.committed(quotaPath + path + limitsName); n != nil {
			return path, n
		}
	}
	return "", nil
}

// committed is a node as it was before the multi under way, or nil.
func (s *state) committed(path string) *znode {
	if s.inMulti {
		for _, u := range s.undo {
			if u.path == path {
				return u.was
			}
		}
	}
	return s.tree.get(path)
}

// committedStats reads a stats node. Without one nothing is enforced.
func (s *state) committedStats(path string) (used quota, ok bool) {
	n := s.committed(path)
	if n == nil {
		return quota{}, false
	}
	if used, ok = parseQuota(n.data); !ok {
		used = quota{}
	}
	return used, true
}

// countQuota keeps the stats of the deepest quota path; only their text moves.
func (s *state) countQuota(path string, nodes, bytes int64) {
	over, ok := s.quotaOver(path)
	if !ok || nodes == 0 && bytes == 0 {
		return
	}
	n := s.tree.get(quotaPath + over + statsName)
	if n == nil {
		return
	}
	q, ok := parseQuota(n.data)
	if !ok {
		q.count, q.bytes = s.usage(over)
	} else {
		q.count, q.bytes = q.count+nodes, q.bytes+bytes
	}
	s.setStats(n, q.count, q.bytes)
}

// quotaCreated fills a stats node with what is true.
func (s *state) quotaCreated(n *znode) {
	if over, ok := strings.CutPrefix(n.path, quotaPath); ok {
		if over, ok = strings.CutSuffix(over, statsName); ok {
			count, bytes := s.usage(over)
			s.setStats(n, count, bytes)
		}
	}
}

func (s *state) setStats(n *znode, count, bytes int64) {
	s.setData(s.edit(n), fmt.Sprintf("count=%d,bytes=%d", count, bytes), false)
}

// usage counts a node and all below it.
func (s *state) usage(path string) (count, bytes int64) {
	n := s.tree.get(path)
	if n == nil {
		return 0, 0
	}
	count, bytes = 1, int64(len(n.data))
	s.tree.eachBelow(path, func(n *znode) bool {
		count++
		bytes += int64(len(n.data))
		return true
	})
	return count, bytes
}
