package harness

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"net"
	"path"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/zookit/zookit/chaos"
	"github.com/zookit/zookit/fakezk"
	"github.com/zookit/zookit/zk"
)

// An admin looks into a real ensemble as a client of its own, past the fronts.
type admin struct {
	link *chaos.Link
	root *zk.Conn // without the test's chroot
	view *zk.Conn // with it

	mu  sync.Mutex
	had map[int64]bool // ids of its sessions; one that it has lost may live on
}

// has tells whether a session is or was its own.
func (a *admin) has(session int64) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.had[a.root.Session().ID()] = true
	return a.had[session]
}

// connectAdmin connects as the super user, if the backend has one.
func (r *realCluster) connectAdmin(ctx context.Context, log *slog.Logger, password string) error {
	a := &admin{link: chaos.NewLink(r.dialMember), had: map[int64]bool{}}
	opts := []zk.Option{
		zk.Dialer(a.link.DialContext), zk.Logger(log), zk.SessionTimeout(patience),
		zk.MaxRequest(16 << 20),
	}
	if password != "" {
		opts = append(opts, zk.Auth("digest", []byte("super:"+password)))
	}
	conn, err := zk.Dial(ctx, r.addrs(), opts...)
	if err != nil {
		return err
	}
	a.root, a.view = conn, conn
	a.has(0)
	r.admin = a
	return nil
}

// dialMember connects to the member whose front has the address.
func (r *realCluster) dialMember(ctx context.Context, _, addr string) (net.Conn, error) {
	for _, s := range r.servers {
		if s.plain == addr {
			return s.dial(ctx)
		}
	}
	return nil, fmt.Errorf("no member has the address %s", addr)
}

// ask asks until there is an answer, since members come and go. What it asks
// can be asked twice.
func (a *admin) ask(ctx context.Context, do func(ctx context.Context) error) error {
	defer a.has(0) // it may be another session now
	for {
		err := do(ctx)
		passes := errors.Is(err, zk.ErrConnectionLoss) || errors.Is(err, zk.ErrSessionExpired)
		if !passes || ctx.Err() != nil {
			return err
		}
		select {
		case <-ctx.Done():
		case <-time.After(time.Millisecond):
		}
	}
}

// look is ask for what the ensemble has now: a member may be behind.
func (a *admin) look(ctx context.Context, do func(ctx context.Context) error) error {
	return a.ask(ctx, func(ctx context.Context) error {
		if err := a.view.Sync(ctx, "/"); err != nil {
			return err
		}
		return do(ctx)
	})
}

// znode is the node at a path.
func (a *admin) znode(ctx context.Context, path string) (z Znode, ok bool, err error) {
	err = a.look(ctx, func(ctx context.Context) (err error) {
		z, ok, err = a.read(ctx, path)
		return err
	})
	return z, ok, err
}

// read is znode without waiting for the latest.
func (a *admin) read(ctx context.Context, path string) (Znode, bool, error) {
	data, stat, err := a.view.Get(ctx, path)
	if errors.Is(err, zk.ErrNoNode) {
		return Znode{}, false, nil
	} else if err != nil {
		return Znode{}, false, err
	}
	acl, _, err := a.view.ACL(ctx, path)
	if errors.Is(err, zk.ErrNoNode) {
		return Znode{}, false, nil
	} else if err != nil && !errors.Is(err, zk.ErrNoAuth) {
		return Znode{}, false, err
	}
	return znodeOf(path, data, stat, acl), true, nil
}

// znodeOf tells by a Stat what the server does not say itself.
func znodeOf(path string, data []byte, s zk.Stat, acl []zk.ACL) Znode {
	const ttlMark, ttlMask = 0xff, 1<<40 - 1
	z := Znode{
		Path: path, Data: data, Czxid: s.Czxid, Mzxid: s.Mzxid, Pzxid: s.Pzxid,
		Created: s.Created(), Modified: s.Modified(),
		Version: s.Version, Cversion: s.Cversion, Aversion: s.Aversion, Children: int(s.NumChildren),
		NextSequence: (s.Cversion + s.NumChildren) / 2, // Cversion counts creations and deletions
		Owner:        s.EphemeralOwner,
	}
	switch owner := uint64(s.EphemeralOwner); {
	case owner == 1<<63:
		z.Container = true
	case owner>>56 == ttlMark:
		z.TTL = time.Duration(owner&ttlMask) * time.Millisecond
	}
	for _, a := range acl {
		z.ACL = append(z.ACL, fakezk.ACL{Perms: int32(a.Perms), Scheme: a.Scheme, ID: a.ID})
	}
	return z
}

func (a *admin) children(ctx context.Context, path string) (names []string, ok bool, err error) {
	err = a.look(ctx, func(ctx context.Context) (err error) {
		if names, err = a.view.ChildNames(ctx, path); errors.Is(err, zk.ErrNoNode) {
			ok = false
			return nil
		}
		ok = err == nil
		return err
	})
	return names, ok, err
}

// tree is every znode, parents before children. Others may change it
// meanwhile. An error ends it.
func (a *admin) tree(ctx context.Context) iter.Seq2[Znode, error] {
	return func(yield func(Znode, error) bool) {
		if err := a.look(ctx, func(context.Context) error { return nil }); err != nil {
			yield(Znode{}, err)
			return
		}
		a.walk(ctx, "/", yield)
	}
}

func (a *admin) walk(ctx context.Context, dir string, yield func(Znode, error) bool) bool {
	var z Znode
	var names []string
	var ok bool
	err := a.ask(ctx, func(ctx context.Context) (err error) {
		if z, ok, err = a.read(ctx, dir); err == nil && ok {
			names, err = a.view.ChildNames(ctx, dir)
		}
		return err
	})
	if errors.Is(err, zk.ErrNoNode) || err == nil && !ok {
		return true // deleted meanwhile
	} else if err != nil {
		yield(Znode{}, err)
		return false
	}
	if !yield(z, nil) {
		return false
	}
	slices.Sort(names)
	for _, name := range names {
		if !a.walk(ctx, path.Join(dir, name), yield) {
			return false
		}
	}
	return true
}

// put stores data at a path, with all parents that it needs.
func (a *admin) put(ctx context.Context, p string, data []byte) error {
	err := a.ask(ctx, func(ctx context.Context) error {
		_, err := a.view.Set(ctx, p, data, zk.AnyVersion)
		if !errors.Is(err, zk.ErrNoNode) {
			return err
		}
		for i := range p {
			if i == 0 || p[i] != '/' {
				continue
			}
			if err := a.create(ctx, p[:i], []byte{}); err != nil {
				return err
			}
		}
		return a.create(ctx, p, data)
	})
	return because(err)
}

func (a *admin) create(ctx context.Context, path string, data []byte) error {
	_, _, err := a.view.Create(ctx, path, data, zk.Persistent)
	if errors.Is(err, zk.ErrNodeExists) {
		return nil
	}
	return err
}

// because is what an error of the client says beside the call and the path.
func because(err error) error {
	if e, ok := errors.AsType[*zk.Error](err); ok {
		return e.Err
	}
	return err
}

// deleteAll deletes a znode and all below it, even while others still create
// there.
func (a *admin) deleteAll(ctx context.Context, dir string) error {
	return a.ask(ctx, func(ctx context.Context) error {
		for {
			err := a.root.Delete(ctx, dir, zk.AnyVersion)
			if errors.Is(err, zk.ErrNoNode) {
				return nil
			} else if !errors.Is(err, zk.ErrNotEmpty) {
				return err
			}
			names, err := a.root.ChildNames(ctx, dir)
			if err != nil && !errors.Is(err, zk.ErrNoNode) {
				return err
			}
			for _, name := range names {
				if err := a.deleteAll(ctx, strings.TrimSuffix(dir, "/")+"/"+name); err != nil {
					return err
				}
			}
		}
	})
}
