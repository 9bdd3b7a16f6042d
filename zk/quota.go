package zk

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/zookit/zookit/internal/proto"
)

const (
	quotaRoot   = "/zookeeper/quota"
	quotaLimits = "/zookeeper_limits"
	quotaStats  = "/zookeeper_stats"
)

// A Quota limits a node and all below it; 0 is no limit. Soft limits make the
// server log a warning. Hard limits make creates and sets that would exceed
// them fail with [ErrQuotaExceeded]: from 3.7 on, where the servers have
// enforceQuota=true.
type Quota struct {
	Count     int64 // nodes, this one among them
	Bytes     int64 // of data
	CountHard int64
	BytesHard int64
}

// A QuotaUse is a quota and how much of it is used.
type QuotaUse struct {
	Path  string
	Quota Quota
	Count int64 // nodes, this one among them
	Bytes int64 // of data
}

// String is the text of the node with the limits.
func (q Quota) String() string {
	limit := func(n int64) string {
		if n <= 0 {
			n = -1
		}
		return strconv.FormatInt(n, 10)
	}
	s := "count=" + limit(q.Count) + ",bytes=" + limit(q.Bytes)
	if q.CountHard > 0 || q.BytesHard > 0 { // behind a "=" that makes servers before 3.7 stop reading
		s += "=;byteHardLimit=" + limit(q.BytesHard) + ";countHardLimit=" + limit(q.CountHard)
	}
	return s
}

// parseQuota is the inverse of Quota.String. What it cannot read is 0.
func parseQuota(text string) (q Quota) {
	for part := range strings.FieldsFuncSeq(text, func(r rune) bool { return r == ',' || r == ';' }) {
		key, value, _ := strings.Cut(strings.TrimRight(part, "="), "=")
		n, _ := strconv.ParseInt(value, 10, 64)
		n = max(n, 0)
		switch key {
		case "count":
			q.Count = n
		case "bytes":
			q.Bytes = n
		case "countHardLimit":
			q.CountHard = n
		case "byteHardLimit":
			q.BytesHard = n
		}
	}
	return q
}

// quotaAt is where the quota of a node is, and the node's own path, both at
// the server.
func (c *Conn) quotaAt(op, path string) (at, full string, err error) {
	full, err = c.full(path)
	if err == nil && (full == "/" || full == "/zookeeper" || strings.HasPrefix(full, "/zookeeper/")) {
		err = badArguments(fmt.Errorf("%s cannot have a quota", full)) // servers end their work on such a one
	}
	if err != nil {
		return "", "", &Error{Op: op, Path: path, Err: err, fate: unsent}
	}
	return quotaRoot + full, full, nil
}

// SetQuota sets the quota of a node, in place of the one that it has. The node
// must exist, and no node above or below it may have a quota, since servers
// count a node for one only: then SetQuota fails with [ErrBadArguments]. The
// nodes that hold it, in /zookeeper/quota whatever the chroot, get the ACL of
// [DefaultACL]. Like all calls on quotas it is tried again by the Conn's
// [RetryPolicy].
func (c *Conn) SetQuota(ctx context.Context, path string, q Quota) error {
	const op = "set quota of"
	at, full, err := c.quotaAt(op, path)
	if err != nil {
		return err
	}
	r := c.root()
	return within(op, path, c.Retry(ctx, func(ctx context.Context) error {
		if _, ok, err := r.Exists(ctx, full); err != nil || !ok {
			return cmp.Or(err, error(ErrNoNode))
		}
		if err := r.checkQuotasBeside(ctx, at); err != nil {
			return err
		}
		return r.putQuota(ctx, at, q)
	}))
}

// checkQuotasBeside fails if there is a quota above or below.
func (c *Conn) checkQuotasBeside(ctx context.Context, at string) error {
	for above := proto.Parent(at); above != quotaRoot; above = proto.Parent(above) {
		if _, ok, err := c.Exists(ctx, above+quotaLimits); err != nil {
			return err
		} else if ok {
			return badArguments(fmt.Errorf("%s has a quota", above[len(quotaRoot):]))
		}
	}
	paths, err := c.quotasBelow(ctx, at)
	for _, path := range paths {
		if path != at {
			return badArguments(fmt.Errorf("%s has a quota", path[len(quotaRoot):]))
		}
	}
	return err
}

// quotasBelow is where there are quotas, at or below a node of quotaRoot.
func (c *Conn) quotasBelow(ctx context.Context, at string) ([]string, error) {
	all, err := c.subtree(ctx, at)
	var paths []string
	for _, path := range all {
		if path, ok := strings.CutSuffix(path, quotaLimits); ok {
			paths = append(paths, path)
		}
	}
	return paths, err
}

// putQuota writes the limits and then the stats, which the server fills in.
func (c *Conn) putQuota(ctx context.Context, at string, q Quota) error {
	for {
		_, err := c.Set(ctx, at+quotaLimits, []byte(q.String()), AnyVersion)
		if errors.Is(err, ErrNoNode) {
			if _, err := c.ensure(ctx, at, Parents{}); err != nil {
				return err
			}
			_, _, err = c.Create(ctx, at+quotaLimits, []byte(q.String()), Persistent)
			if errors.Is(err, ErrNodeExists) || errors.Is(err, ErrNoNode) {
				continue // somebody else sets or removes it
			}
		}
		if err != nil {
			return err
		}
		_, _, err = c.Create(ctx, at+quotaStats, []byte(Quota{}.String()), Persistent)
		switch {
		case errors.Is(err, ErrNodeExists):
			return nil
		case !errors.Is(err, ErrNoNode):
			return err
		}
	}
}

// Quota is the quota of a node and its use. It fails with [ErrNoNode] if there
// is none.
func (c *Conn) Quota(ctx context.Context, path string) (QuotaUse, error) {
	const op = "quota of"
	at, _, err := c.quotaAt(op, path)
	if err != nil {
		return QuotaUse{}, err
	}
	use, err := c.readQuota(ctx, at)
	return use, within(op, path, err)
}

func (c *Conn) readQuota(ctx context.Context, at string) (QuotaUse, error) {
	r := c.root()
	return RetryValue(ctx, c, func(ctx context.Context) (QuotaUse, error) {
		limits, _, err := r.Get(ctx, at+quotaLimits)
		if err != nil {
			return QuotaUse{}, err
		}
		stats, _, err := r.Get(ctx, at+quotaStats)
		if err != nil && !errors.Is(err, ErrNoNode) {
			return QuotaUse{}, err
		}
		path, _ := strip(c.chroot, at[len(quotaRoot):])
		used := parseQuota(string(stats))
		return QuotaUse{path, parseQuota(string(limits)), used.Count, used.Bytes}, nil
	})
}

// Quotas are the quotas of all nodes, or of those in the chroot, in the order
// of their paths.
func (c *Conn) Quotas(ctx context.Context) ([]QuotaUse, error) {
	if c.invalid != nil {
		return nil, &Error{Op: "quotas", Err: c.invalid, fate: unsent}
	}
	paths, err := RetryValue(ctx, c, func(ctx context.Context) ([]string, error) {
		return c.root().quotasBelow(ctx, quotaRoot+c.chroot)
	})
	slices.Sort(paths)
	var all []QuotaUse
	for _, at := range paths {
		use, err := c.readQuota(ctx, at)
		if errors.Is(err, ErrNoNode) {
			continue // removed since
		}
		if err != nil {
			return nil, within("quotas", "", err)
		}
		all = append(all, use)
	}
	return all, within("quotas", "", err)
}

// RemoveQuota removes the quota of a node, and the nodes that have held it. That
// there is none is success.
func (c *Conn) RemoveQuota(ctx context.Context, path string) error {
	const op = "remove quota of"
	at, _, err := c.quotaAt(op, path)
	if err != nil {
		return err
	}
	r := c.root()
	for _, node := range []string{at + quotaLimits, at + quotaStats} {
		if err := r.DeleteIdempotent(ctx, node, AnyVersion); err != nil {
			return within(op, path, err)
		}
	}
	for ; at != quotaRoot; at = proto.Parent(at) {
		err := r.DeleteIdempotent(ctx, at, AnyVersion)
		if errors.Is(err, ErrNotEmpty) {
			return nil // there is another below it
		}
		if err != nil {
			return within(op, path, err)
		}
	}
	return nil
}
