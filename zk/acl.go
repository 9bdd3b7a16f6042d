package zk

import (
	"context"
	"crypto/sha1"
	"encoding/base64"
	"slices"
	"strconv"

	"github.com/zookit/zookit/internal/proto"
)

// Perm is a set of permissions.
type Perm int32

// The permissions. PermDelete is of the children, not of the node itself.
const (
	PermRead   Perm = 1  // get the data, list the children
	PermWrite  Perm = 2  // set the data
	PermCreate Perm = 4  // create children
	PermDelete Perm = 8  // delete children
	PermAdmin  Perm = 16 // set the ACL
	PermAll    Perm = 31
)

// String has a letter for each permission, in the order of "cdrwa".
func (p Perm) String() string {
	if p&^PermAll != 0 {
		return "Perm(" + strconv.Itoa(int(p)) + ")"
	}
	letters := make([]byte, 0, 5)
	for i, bit := range [...]Perm{PermCreate, PermDelete, PermRead, PermWrite, PermAdmin} {
		if p&bit != 0 {
			letters = append(letters, "cdrwa"[i])
		}
	}
	return string(letters)
}

// An ACL is one entry of an access control list: what permissions whom.
type ACL struct {
	Perms  Perm
	Scheme string // "world", "auth", "digest", "ip", "sasl", "x509"
	ID     string // what the scheme makes of it
}

// WorldACL permits everybody.
func WorldACL(p Perm) ACL { return ACL{Perms: p, Scheme: "world", ID: "anyone"} }

// AuthACL permits whom this client's credentials name; see [Conn.AddAuth].
func AuthACL(p Perm) ACL { return ACL{Perms: p, Scheme: "auth"} }

// DigestACL permits clients that have added the credential "user:password" of
// the scheme "digest". The server keeps a hash of it.
func DigestACL(p Perm, user, password string) ACL {
	sum := sha1.Sum([]byte(user + ":" + password))
	return ACL{Perms: p, Scheme: "digest", ID: user + ":" + base64.StdEncoding.EncodeToString(sum[:])}
}

// DefaultACL is the ACL of nodes that are created without one, by whatever
// call. By default everybody may do everything with them.
func DefaultACL(acl ...ACL) Option {
	acl = slices.Clone(acl)
	return func(c *config) { c.acl = acl }
}

// newACL converts the ACL of a node to be created into the space of into.
func (cfg *config) newACL(into []proto.ACL, acl []ACL) []proto.ACL {
	if len(acl) == 0 {
		acl = cfg.acl
	}
	if len(acl) == 0 {
		return append(into, proto.ACL{Perms: proto.PermAll, Scheme: "world", ID: "anyone"})
	}
	return appendACLs(into, acl)
}

func appendACLs(into []proto.ACL, acl []ACL) []proto.ACL {
	for _, a := range acl {
		into = append(into, proto.ACL{Perms: int32(a.Perms), Scheme: a.Scheme, ID: a.ID})
	}
	return into
}

// ACL is the access control list of a node. Servers do not show the hashes of
// digests to those who lack PermAdmin.
func (c *Conn) ACL(ctx context.Context, path string) ([]ACL, Stat, error) {
	r := c.request(proto.OpGetACL)
	if err := c.call(ctx, r, "get ACL", path); err != nil {
		return nil, Stat{}, err
	}
	acl, stat := r.list.acls, r.stat
	c.recycle(r)
	return acl, stat, nil
}

// SetACL replaces the access control list of a node. The version is compared
// with Stat.Aversion; [AnyVersion] is not compared.
func (c *Conn) SetACL(ctx context.Context, path string, acl []ACL, version int32) (Stat, error) {
	r := c.setACLRequest(acl, version)
	if err := c.call(ctx, r, "set ACL", path); err != nil {
		return Stat{}, err
	}
	stat := r.stat
	c.recycle(r)
	return stat, nil
}

func (c *Conn) setACLRequest(acl []ACL, version int32) *request {
	r := c.request(proto.OpSetACL)
	r.acls, r.version = appendACLs(r.acls, acl), version
	if r.acls == nil {
		r.acls = []proto.ACL{} // an empty list is the server's to refuse, null it cannot read
	}
	return r
}
