package proto

import "github.com/zookit/zookit/internal/jute"

// An ACL is one entry of an access control list: what permissions whom.
type ACL struct {
	Perms              int32
	Scheme, ID         string
	NullScheme, NullID bool // null is not the same as empty
}

func (m ACL) AppendTo(b []byte) []byte {
	b = jute.AppendInt(b, m.Perms)
	b = jute.AppendJavaString(b, m.Scheme, m.NullScheme)
	return jute.AppendJavaString(b, m.ID, m.NullID)
}

func (m *ACL) Decode(r *jute.Reader) {
	r.Begin("ACL")
	m.Perms = r.Int()
	m.Scheme, m.NullScheme = r.String()
	m.ID, m.NullID = r.String()
}

// aclLen is the shortest encoding of an ACL.
const aclLen = 12

// AppendACLs appends a vector of ACLs; nil is null.
func AppendACLs(b []byte, acl []ACL) []byte {
	if acl == nil {
		return jute.AppendInt(b, -1)
	}
	b = jute.AppendInt(b, int32(len(acl)))
	for i := range acl {
		b = acl[i].AppendTo(b)
	}
	return b
}

// DecodeACLs reads a vector of ACLs into the space of into; nil is null.
func DecodeACLs(r *jute.Reader, into []ACL) []ACL {
	n, null := r.Count(aclLen)
	if null || r.Err() != nil {
		return nil
	}
	if into = into[:0]; into == nil || cap(into) < n {
		into = make([]ACL, 0, n)
	}
	for range n {
		var a ACL
		a.Decode(r)
		into = append(into, a)
	}
	if r.Err() != nil {
		return nil
	}
	return into
}

// GetACLResponse answers getACL.
type GetACLResponse struct {
	ACL  []ACL
	Stat Stat
}

func (m GetACLResponse) AppendTo(b []byte) []byte { return m.Stat.AppendTo(AppendACLs(b, m.ACL)) }

func (m *GetACLResponse) Decode(r *jute.Reader) {
	r.Begin("GetACLResponse")
	m.ACL = DecodeACLs(r, nil)
	m.Stat.Decode(r)
}

// SetACLRequest is the body of setACL.
type SetACLRequest struct {
	Path     string
	NullPath bool
	ACL      []ACL
	Version  int32 // compared with aversion; -1 matches any
}

func (m SetACLRequest) AppendTo(b []byte) []byte {
	b = jute.AppendNullable(b, m.Path, m.NullPath)
	return jute.AppendInt(AppendACLs(b, m.ACL), m.Version)
}

func (m *SetACLRequest) Decode(r *jute.Reader) {
	r.Begin("SetACLRequest")
	m.Path, m.NullPath = r.String()
	m.ACL = DecodeACLs(r, m.ACL)
	r.Begin("SetACLRequest")
	m.Version = r.Int()
}

// AuthPacket is the body of auth.
type AuthPacket struct {
	Type       int32 // 0; ignored
	Scheme     string
	NullScheme bool
	Auth       []byte
}

func (m AuthPacket) AppendTo(b []byte) []byte {
	b = jute.AppendInt(b, m.Type)
	return jute.AppendBuffer(jute.AppendNullable(b, m.Scheme, m.NullScheme), m.Auth)
}

func (m *AuthPacket) Decode(r *jute.Reader) {
	r.Begin("AuthPacket")
	m.Type = r.Int()
	m.Scheme, m.NullScheme = r.String()
	m.Auth = r.Buffer()
}

// SASLToken is the body of sasl and of its reply.
type SASLToken struct{ Token []byte }

func (m SASLToken) AppendTo(b []byte) []byte { return jute.AppendBuffer(b, m.Token) }

func (m *SASLToken) Decode(r *jute.Reader) {
	r.Begin("SASLToken")
	m.Token = r.Buffer()
}

// ClientInfo is one identity of a connection.
type ClientInfo struct{ Scheme, User string }

func (m ClientInfo) AppendTo(b []byte) []byte {
	return jute.AppendJavaString(jute.AppendJavaString(b, m.Scheme, false), m.User, false)
}

func (m *ClientInfo) Decode(r *jute.Reader) {
	r.Begin("ClientInfo")
	m.Scheme, m.User = r.Text(), r.Text()
}

// WhoAmIResponse answers whoAmI.
type WhoAmIResponse struct{ Info []ClientInfo }

func (m WhoAmIResponse) AppendTo(b []byte) []byte {
	if m.Info == nil {
		return jute.AppendInt(b, -1)
	}
	b = jute.AppendInt(b, int32(len(m.Info)))
	for _, c := range m.Info {
		b = c.AppendTo(b)
	}
	return b
}

func (m *WhoAmIResponse) Decode(r *jute.Reader) {
	r.Begin("WhoAmIResponse")
	n, null := r.Count(8)
	if null || r.Err() != nil {
		m.Info = nil
		return
	}
	m.Info = make([]ClientInfo, n)
	for i := range m.Info {
		m.Info[i].Decode(r)
	}
}
