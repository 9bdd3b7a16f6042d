package zk

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"
)

// protectedMark begins the names of protected nodes, as in Curator.
const protectedMark = "_c_"

// CreateProtected is [Conn.Create] of exactly one node, in any mode, though
// answers be lost. The last element of path is preceded by "_c_", a UUID and a
// dash, in the way of Curator; see [SplitProtected].
//
// When the answer is lost it looks for the node by that name and creates it
// only if it is not there, as often as the Conn's [RetryPolicy] allows. An
// ephemeral node of a session that was lost meanwhile is deleted and made anew;
// by default the policy gives up then, unless the next session has come by the
// next try: see [RetryAlso]. When it gives up, or ctx ends, and a node may have
// been created, the Conn looks for it and deletes it in the background, until a
// server says that there is none, or until Close.
//
// The UUIDs are drawn from the Conn's [Seed] and the session's id, so that runs
// of a test repeat and two clients differ. They are no secret.
func (c *Conn) CreateProtected(ctx context.Context, path string, data []byte, mode CreateMode, acl ...ACL) (string, Stat, error) {
	return c.createProtected(ctx, path, mode, func(ctx context.Context, path string) (string, Stat, error) {
		return c.Create(ctx, path, data, mode, acl...)
	})
}

// CreateProtectedTTL is [Conn.CreateTTL] in the manner of
// [Conn.CreateProtected].
func (c *Conn) CreateProtectedTTL(ctx context.Context, path string, data []byte, mode CreateMode, ttl time.Duration, acl ...ACL) (string, Stat, error) {
	return c.createProtected(ctx, path, mode, func(ctx context.Context, path string) (string, Stat, error) {
		return c.CreateTTL(ctx, path, data, mode, ttl, acl...)
	})
}

type createFunc func(ctx context.Context, path string) (string, Stat, error)

func (c *Conn) createProtected(ctx context.Context, path string, mode CreateMode, create createFunc) (made string, stat Stat, err error) {
	_, err = c.fullNew(path, mode)
	if path == "/" && !mode.sequential() {
		err = badArguments(errors.New("the root has no name"))
	}
	if err != nil {
		return "", Stat{}, &Error{Op: "create", Path: path, Err: err, fate: unsent}
	}
	p := c.protect(path, mode)
	err = c.Retry(ctx, func(ctx context.Context) (err error) {
		if p.lost {
			if made, stat, err = p.find(ctx, c); err != nil {
				return err
			}
			if made != "" {
				p.lost = false
				return nil
			}
			p = c.protect(path, mode)
		}
		made, stat, err = create(ctx, p.path)
		if p.lost = MayHaveApplied(err); err != nil {
			made = ""
		}
		return renamed(err, path)
	})
	if p.lost {
		c.persist("delete what may be at "+p.path, p.clean)
	}
	return made, stat, err
}

// renamed is the error of a create with the path that the caller gave.
func renamed(err error, path string) error {
	if e, ok := err.(*Error); ok {
		e.Path = path
	}
	return err
}

// A protection is one name under which a node is created once.
type protection struct {
	mode CreateMode
	path string // of the node, but for the digits of a sequential one
	lost bool   // whether it may be there
}

func (c *Conn) protect(path string, mode CreateMode) *protection {
	name := strings.LastIndexByte(path, '/') + 1
	return &protection{mode: mode, path: path[:name] + protectedMark + c.newUUID() + "-" + path[name:]}
}

// find is the path of the node, "" if there is none. One of another session is
// deleted.
func (p *protection) find(ctx context.Context, c *Conn) (string, Stat, error) {
	paths, err := p.list(ctx, c)
	if err != nil || len(paths) == 0 {
		return "", Stat{}, err
	}
	stat, ok, err := c.Exists(ctx, paths[0])
	switch {
	case err != nil || !ok:
		return "", Stat{}, err
	case stat.EphemeralOwner != c.owner(p.mode):
		c.DeleteGuaranteed(ctx, paths[0], AnyVersion) // or else it goes with its session
		return "", Stat{}, nil
	}
	return paths[0], stat, nil
}

// list is where the node may be. The sync makes sure that a create that was
// under way on another connection is seen.
func (p *protection) list(ctx context.Context, c *Conn) ([]string, error) {
	slash := strings.LastIndexByte(p.path, '/')
	dir, name := p.path[:max(slash, 1)], p.path[slash+1:]
	if err := c.Sync(ctx, dir); err != nil || !p.mode.sequential() {
		return []string{p.path}, err
	}
	names, err := c.ChildNames(ctx, dir)
	if errors.Is(err, ErrNoNode) {
		return nil, nil
	}
	var paths []string
	for _, n := range names {
		if strings.HasPrefix(n, name) {
			paths = append(paths, p.path[:slash+1]+n)
		}
	}
	return paths, err
}

// clean deletes the node if there is one.
func (p *protection) clean(ctx context.Context, c *Conn) error {
	paths, err := p.list(ctx, c)
	for _, path := range paths {
		if err := c.Delete(ctx, path, AnyVersion); err != nil && !errors.Is(err, ErrNoNode) {
			return err
		}
	}
	return err
}

// newUUID is one of version 4, as text.
func (c *Conn) newUUID() string {
	var session uint64
	if s := c.Session(); s != nil {
		session = uint64(s.ID())
	}
	draw := rand.New(rand.NewPCG(c.newRand().Uint64(), session))
	a, b := draw.Uint64(), draw.Uint64()
	return fmt.Sprintf("%08x-%04x-4%03x-%04x-%012x", a>>32, a>>16&0xffff, a&0xfff, b>>48&0x3fff|0x8000, b&0xffffffffffff)
}

// SplitProtected takes the name of a protected node apart: its id, and what
// its creator called it, with the digits of a sequential one. It also knows the
// names that go-zookeeper makes, whose ids are of 32 hexadecimal digits. It is
// false if name is none of these; then rest is name.
func SplitProtected(name string) (id, rest string, ok bool) {
	tail, ok := strings.CutPrefix(name, protectedMark)
	for _, n := range [...]int{36, 32} {
		if ok && len(tail) > n && tail[n] == '-' && isID(tail[:n]) {
			return tail[:n], tail[n+1:], true
		}
	}
	return "", name, false
}

// isID tells whether s is hexadecimal digits, with the dashes of a UUID if it
// is as long as one.
func isID(s string) bool {
	for i := range len(s) {
		dash := len(s) == 36 && (i == 8 || i == 13 || i == 18 || i == 23)
		hex := s[i] >= '0' && s[i] <= '9' || s[i]|0x20 >= 'a' && s[i]|0x20 <= 'f'
		if dash && s[i] != '-' || !dash && !hex {
			return false
		}
	}
	return true
}
