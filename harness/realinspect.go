package harness

import (
	"context"
	"fmt"
	"iter"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/zookit/zookit/internal/proto"
)

// A real ensemble is looked into by the harness's own client, by four-letter
// words where servers answer them, and by what passes the fronts.

// lookInterval is how often Await looks.
const lookInterval = 3 * time.Millisecond

func patient() (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.Background(), patience)
}

func (r *realCluster) Znode(path string) (Znode, bool, error) {
	ctx, cancel := patient()
	defer cancel()
	return r.admin.znode(ctx, path)
}

func (r *realCluster) Children(path string) ([]string, bool, error) {
	ctx, cancel := patient()
	defer cancel()
	return r.admin.children(ctx, path)
}

func (r *realCluster) Put(path string, data []byte) error {
	ctx, cancel := patient()
	defer cancel()
	if err := r.admin.put(ctx, path, data); err != nil {
		return fmt.Errorf("put %s: %w", path, err)
	}
	return nil
}

func (r *realCluster) Tree() iter.Seq2[string, Znode] {
	return func(yield func(string, Znode) bool) {
		ctx, cancel := patient()
		defer cancel()
		for z, err := range r.admin.tree(ctx) {
			if err != nil {
				r.complain("tree", err)
				return
			}
			if !yield(z.Path, z) {
				return
			}
		}
	}
}

// Sessions are those that the fronts have seen; on an ensemble of the test's
// own also those that came by TLS, by their ids alone. Without a leader nobody
// knows their ephemerals, or whether one has expired before its connection has
// been away for its timeout.
func (r *realCluster) Sessions() []Session {
	alive := r.alive()
	all := r.sessions.all(alive)
	if r.tls {
		all = append(all, r.unseen(alive, all)...)
	}
	if len(all) == 0 || alive == nil && !r.external {
		return all // nobody leads, and so nobody would answer
	}
	for path, z := range r.Tree() {
		for i := range all {
			if all[i].ID == z.Owner {
				all[i].Ephemerals = append(all[i].Ephemerals, path)
			}
		}
	}
	return all
}

// unseen are the sessions that have come by TLS.
func (r *realCluster) unseen(alive []int64, seen []Session) (unseen []Session) {
	for _, id := range alive {
		known := slices.ContainsFunc(seen, func(s Session) bool { return s.ID == id })
		if !known && !r.admin.has(id) {
			unseen = append(unseen, Session{ID: id, Client: "an unknown address"})
		}
	}
	return unseen
}

var (
	dumpBegins = "SessionTracker dump:"
	dumpedID   = regexp.MustCompile(`(?m)^\s*0x([0-9a-f]+)\s*$`)
)

// alive are the ids of all sessions, as the leader has them; nil when it does
// not say.
func (r *realCluster) alive() (ids []int64) {
	ctx, cancel := context.WithTimeout(context.Background(), 2*roleTime)
	defer cancel()
	leader := r.servers[0].ensemble.leader(ctx)
	if leader == nil {
		return nil
	}
	dump, err := leader.ask(ctx, "dump")
	if err != nil || !strings.Contains(dump, dumpBegins) {
		return nil
	}
	ids = []int64{}
	for _, m := range dumpedID.FindAllStringSubmatch(dump, -1) {
		if id, err := strconv.ParseUint(m[1], 16, 64); err == nil {
			ids = append(ids, int64(id))
		}
	}
	return ids
}

// Watches are those that passed the fronts, below the test's chroot.
func (r *realCluster) Watches() (watches []Watch) {
	for _, w := range r.sessions.watches() {
		if path, ok := strings.CutPrefix(w.Path, r.chroot); ok && (path == "" || path[0] == '/') {
			w.Path = "/" + strings.TrimPrefix(path, "/")
			watches = append(watches, w)
		}
	}
	return watches
}

func (r *realCluster) Dump() string {
	var b strings.Builder
	for _, s := range r.Sessions() {
		fmt.Fprintln(&b, s)
	}
	for _, w := range r.Watches() {
		fmt.Fprintln(&b, w)
	}
	for path, z := range r.Tree() {
		fmt.Fprintf(&b, "%s v%d %q", path, z.Version, z.Data)
		if z.Owner != 0 {
			fmt.Fprintf(&b, " ephemeral of %#x", uint64(z.Owner))
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// Await looks every few milliseconds: a watch would be no sooner.
func (r *realCluster) Await(ctx context.Context, cond func() bool) error {
	for !cond() {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(lookInterval):
		}
	}
	return nil
}

func (r *realCluster) Expire(session int64) error {
	ctx, cancel := patient()
	defer cancel()
	return r.expire(ctx, session, proto.SessionPassword(session))
}

func (r *realCluster) Disconnect(session int64) error { return r.sessions.cut(session) }

func (r *realCluster) complain(what string, err error) {
	t := r.servers[0].ensemble.t
	t.Helper()
	t.Errorf("harness: %s: %v", what, err)
}
