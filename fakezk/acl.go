package fakezk

import (
	"crypto/sha1"
	"encoding/base64"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/zookit/zookit/internal/proto"
)

// permNone is asked for what everybody may.
const permNone = int32(0)

// Schemes of identities.
const (
	schemeWorld  = "world"
	schemeAuth   = "auth"
	schemeIP     = "ip"
	schemeDigest = "digest"
	schemeSuper  = "super"
	schemeSASL   = "sasl"
	schemeX509   = "x509"
)

// An identity is something that a connection has proved about itself.
type identity struct{ scheme, id string }

// knows tells whether the server has a provider of the scheme.
func (c *config) knows(scheme string) bool {
	switch scheme {
	case schemeIP, schemeDigest:
		return true
	case schemeSASL:
		return c.sasl.acls
	case schemeX509:
		return c.tls.x509()
	}
	return false
}

// authenticating tells whether ACLs of scheme auth expand to the identity.
func (c *config) authenticating(i identity) bool { return i.scheme != schemeIP && c.knows(i.scheme) }

// digestID is the id of a digest identity: the user, and the hash of the whole
// credential.
func digestID(credential []byte) string {
	user, _, _ := strings.Cut(string(credential), ":")
	hash := sha1.Sum(credential)
	return user + ":" + base64.StdEncoding.EncodeToString(hash[:])
}

// An aclList is a list as it is stored with nodes; equal lists are shared.
type aclList struct {
	entries []proto.ACL
	world   int32 // permissions of world:anyone
}

func newACLList(entries []proto.ACL) *aclList {
	l := &aclList{entries: entries}
	for _, a := range entries {
		if a.Scheme == schemeWorld {
			l.world |= a.Perms
		}
	}
	return l
}

var (
	openACL = newACLList([]proto.ACL{{Perms: proto.PermAll, Scheme: schemeWorld, ID: "anyone"}})
	readACL = newACLList([]proto.ACL{{Perms: proto.PermRead, Scheme: schemeWorld, ID: "anyone"}})
)

// aclCache shares lists among nodes. It forgets all when it grows too large;
// what nodes hold lives on.
type aclCache struct {
	lists map[string]*aclList // by encoding
	key   []byte
}

const aclCacheMax = 4096

func (c *aclCache) get(entries []proto.ACL) *aclList {
	c.key = proto.AppendACLs(c.key[:0], entries)
	return c.lists[string(c.key)]
}

func (c *aclCache) put(entries []proto.ACL) *aclList {
	if l := c.get(entries); l != nil {
		return l
	}
	if c.lists == nil || len(c.lists) >= aclCacheMax {
		c.lists = map[string]*aclList{}
	}
	own := make([]proto.ACL, len(entries))
	for i, a := range entries {
		a.Scheme, a.ID = strings.Clone(a.Scheme), strings.Clone(a.ID)
		own[i] = a
	}
	l := newACLList(own)
	c.lists[string(c.key)] = l
	return l
}

// normalizeACL is the list that is stored for what a request asks: without
// exact duplicates, and with auth entries expanded (spec/wire-and-tree, G.2).
func (s *state) normalizeACL(ids []identity, list []proto.ACL) (*aclList, proto.Code) {
	q := &s.cfg.quirks
	if list == nil && q.nullACLMalformed {
		return nil, proto.MarshallingError
	}
	if l := s.cfg.acls.get(list); l != nil {
		return l, proto.OK // a list that is stored as it stands needs no change
	}
	void := q.skipACLSkipsAll && s.cfg.skipACL
	switch {
	case len(list) == 0 && !void:
		return nil, proto.InvalidACL
	}
	var out, last []proto.ACL
	for i, a := range list {
		if slices.Contains(list[:i], a) {
			continue
		}
		switch {
		case void:
		case a.NullScheme && q.nullSchemeMalformed:
			return nil, proto.MarshallingError
		case a.NullScheme:
			return nil, proto.InvalidACL
		case a.Scheme == schemeAuth:
			expanded := s.cfg.expand(a, ids)
			if len(expanded) == 0 {
				return nil, proto.InvalidACL
			}
			if q.authEntriesLast {
				last = append(last, expanded...)
			} else {
				out = append(out, expanded...)
			}
			continue
		case a.NullID && (a.Scheme == schemeWorld || s.cfg.knows(a.Scheme)):
			return nil, proto.MarshallingError
		case !s.cfg.validID(a):
			return nil, proto.InvalidACL
		}
		out = append(out, a)
	}
	return s.cfg.acls.put(append(out, last...)), proto.OK
}

// expand is the entries that one of scheme auth stands for.
func (c *config) expand(a proto.ACL, ids []identity) (entries []proto.ACL) {
	if !c.quirks.authEntriesInOrder {
		ids = inTableOrder(ids)
	}
	for _, id := range ids {
		if c.authenticating(id) {
			entries = append(entries, proto.ACL{Perms: a.Perms, Scheme: id.scheme, ID: id.id})
		}
	}
	return entries
}

func (c *config) validID(a proto.ACL) bool {
	switch {
	case a.Scheme == schemeWorld:
		return a.ID == "anyone"
	case !c.knows(a.Scheme):
		return false
	}
	switch a.Scheme {
	case schemeSASL:
		return validPrincipal(a.ID)
	case schemeX509:
		return validDN(a.ID)
	case schemeDigest:
		parts := strings.Split(strings.TrimRight(a.ID, ":"), ":")
		return len(parts) == 2
	case schemeIP:
		_, ok := parseNet(a.ID)
		return ok && !c.quirks.refusesNet(a.ID)
	}
	return false
}

// refusesNet tells whether the release does not know addresses of the kind.
func (q *quirks) refusesNet(id string) bool {
	return q.noIPv6 && strings.Contains(id, ":") || q.noMasks && strings.Contains(id, "/")
}

// validPrincipal tells whether a name that has an @ is name@realm or
// name/host@realm.
func validPrincipal(name string) bool {
	before, realm, ok := strings.Cut(name, "@")
	return !ok || strings.Count(before, "/") <= 1 && !strings.ContainsAny(realm, "/@")
}

// parseNet reads an address with or without "/bits", as Java does: a number
// may have a sign and leading zeros, and an IPv6 address must not end as an
// IPv4 one. Host bits may be set.
func parseNet(s string) (netip.Prefix, bool) {
	addr, bits, masked := strings.Cut(s, "/")
	ip, ok := parseAddr(addr)
	n := ip.BitLen()
	if ok && masked {
		var err error
		n, err = strconv.Atoi(bits)
		ok = err == nil
	}
	if !ok {
		return netip.Prefix{}, false
	}
	p, err := ip.Prefix(n)
	return p, err == nil
}

func parseAddr(s string) (netip.Addr, bool) {
	if strings.Contains(s, ":") {
		ip, err := netip.ParseAddr(s)
		return ip, err == nil && !strings.ContainsAny(s, ".%")
	}
	parts := strings.Split(s, ".")
	var ip [4]byte
	if len(parts) != len(ip) {
		return netip.Addr{}, false
	}
	for i, part := range parts {
		n, err := strconv.Atoi(part)
		if err != nil || n < 0 || n > 255 {
			return netip.Addr{}, false
		}
		ip[i] = byte(n)
	}
	return netip.AddrFrom4(ip), true
}

// permitted finds a node on which the caller has one of the permissions.
func (s *state) permitted(ids []identity, path string, perm int32) (*znode, proto.Code) {
	n := s.tree.get(treePath(path))
	if n == nil {
		return nil, proto.NoNode
	}
	if !s.allowed(ids, n.acl, perm) {
		return nil, proto.NoAuth
	}
	return n, proto.OK
}

// allowed tells whether one of the permissions is granted.
func (s *state) allowed(ids []identity, list *aclList, perm int32) bool {
	if list.world&perm != 0 || s.cfg.skipACL || perm == permNone {
		return true
	}
	for _, id := range ids {
		if id.scheme == schemeSuper {
			return true
		}
	}
	for _, a := range list.entries {
		if a.Perms&perm == 0 {
			continue
		}
		for _, id := range ids {
			if id.scheme == a.Scheme && s.cfg.matches(id, a.ID) {
				return true
			}
		}
	}
	return false
}

func (c *config) matches(id identity, want string) bool {
	switch {
	case id.id == want:
		return true
	case id.scheme == schemeSASL:
		return id.id == schemeSuper || want == c.sasl.anybody && want != ""
	case id.scheme != schemeIP:
		return false
	}
	net, ok := parseNet(want)
	ip, err := netip.ParseAddr(id.id)
	return ok && err == nil && net.Contains(ip)
}

// shownACL is the list as the caller may see it: without ADMIN the hashes of
// digest ids are hidden.
func (s *state) shownACL(ids []identity, list *aclList) []proto.ACL {
	if s.cfg.quirks.openGetACL || s.allowed(ids, list, proto.PermAdmin) {
		return list.entries
	}
	shown := slices.Clone(list.entries)
	for i, a := range shown {
		if user, _, ok := strings.Cut(a.ID, ":"); ok && a.Scheme == schemeDigest {
			shown[i].ID = user + ":x"
		}
	}
	return shown
}

// authenticate adds what a credential proves to ids. It tells whether the
// scheme knows it. certified tells whether the client has a certificate.
func (c *config) authenticate(ids []identity, certified bool, scheme string, credential []byte) ([]identity, bool) {
	switch {
	case scheme == schemeIP:
		return ids, true // every connection has it
	case scheme == schemeX509:
		return ids, certified // and it has this, too
	case scheme != schemeDigest || credential == nil:
		return ids, false
	}
	id := digestID(credential)
	if c.superDigest != "" && id == c.superDigest {
		ids = addIdentity(ids, identity{schemeSuper, ""})
	}
	return addIdentity(ids, identity{schemeDigest, id}), true
}

func addIdentity(ids []identity, id identity) []identity {
	if slices.Contains(ids, id) {
		return ids
	}
	return append(ids, id)
}
