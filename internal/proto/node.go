package proto

import "github.com/zookit/zookit/internal/jute"

// CreateRequest is the body of create, create2 and createContainer.
type CreateRequest struct {
	Path     string
	NullPath bool
	Data     []byte // nil is null
	ACL      []ACL
	Flags    int32
}

func (m CreateRequest) AppendTo(b []byte) []byte {
	b = jute.AppendBuffer(jute.AppendNullable(b, m.Path, m.NullPath), m.Data)
	return jute.AppendInt(AppendACLs(b, m.ACL), m.Flags)
}

func (m *CreateRequest) Decode(r *jute.Reader) {
	r.Begin("CreateRequest")
	m.Path, m.NullPath = r.String()
	m.Data = r.Buffer()
	m.ACL = DecodeACLs(r, m.ACL)
	r.Begin("CreateRequest")
	m.Flags = r.Int()
}

// CreateTTLRequest is the body of createTTL.
type CreateTTLRequest struct {
	CreateRequest
	TTL int64 // milliseconds, 1 to MaxTTL
}

func (m CreateTTLRequest) AppendTo(b []byte) []byte {
	return jute.AppendLong(m.CreateRequest.AppendTo(b), m.TTL)
}

func (m *CreateTTLRequest) Decode(r *jute.Reader) {
	m.CreateRequest.Decode(r)
	r.Begin("CreateTTLRequest")
	m.TTL = r.Long()
}

// PathRecord is a path alone: the body of getACL, sync, getEphemerals,
// getAllChildrenNumber and deleteContainer, and the reply of create and sync.
type PathRecord struct {
	Path     string
	NullPath bool
}

func (m PathRecord) AppendTo(b []byte) []byte {
	return jute.AppendJavaString(b, m.Path, m.NullPath)
}

func (m *PathRecord) Decode(r *jute.Reader) {
	r.Begin("PathRecord")
	m.Path, m.NullPath = r.String()
}

// Create2Response answers create2, createContainer and createTTL.
type Create2Response struct {
	Path string
	Stat Stat
}

func (m Create2Response) AppendTo(b []byte) []byte {
	return m.Stat.AppendTo(jute.AppendString(b, m.Path))
}

func (m *Create2Response) Decode(r *jute.Reader) {
	r.Begin("Create2Response")
	m.Path = r.Text()
	m.Stat.Decode(r)
}

// PathVersion is the body of delete and check.
type PathVersion struct {
	Path     string
	NullPath bool
	Version  int32 // -1 matches any
}

func (m PathVersion) AppendTo(b []byte) []byte {
	return jute.AppendInt(jute.AppendNullable(b, m.Path, m.NullPath), m.Version)
}

func (m *PathVersion) Decode(r *jute.Reader) {
	r.Begin("PathVersion")
	m.Path, m.NullPath = r.String()
	m.Version = r.Int()
}

// PathWatch is the body of exists, getData, getChildren and getChildren2.
type PathWatch struct {
	Path     string
	NullPath bool
	Watch    bool
}

func (m PathWatch) AppendTo(b []byte) []byte {
	return jute.AppendBool(jute.AppendNullable(b, m.Path, m.NullPath), m.Watch)
}

func (m *PathWatch) Decode(r *jute.Reader) {
	r.Begin("PathWatch")
	m.Path, m.NullPath = r.String()
	m.Watch = r.Bool()
}

// SetDataRequest is the body of setData.
type SetDataRequest struct {
	Path     string
	NullPath bool
	Data     []byte // nil is null
	Version  int32  // -1 matches any
}

func (m SetDataRequest) AppendTo(b []byte) []byte {
	b = jute.AppendBuffer(jute.AppendNullable(b, m.Path, m.NullPath), m.Data)
	return jute.AppendInt(b, m.Version)
}

func (m *SetDataRequest) Decode(r *jute.Reader) {
	r.Begin("SetDataRequest")
	m.Path, m.NullPath = r.String()
	m.Data = r.Buffer()
	m.Version = r.Int()
}

// GetDataResponse answers getData, and reconfig with the new config.
type GetDataResponse struct {
	Data []byte // nil is null
	Stat Stat
}

func (m GetDataResponse) AppendTo(b []byte) []byte {
	return m.Stat.AppendTo(jute.AppendBuffer(b, m.Data))
}

func (m *GetDataResponse) Decode(r *jute.Reader) {
	r.Begin("GetDataResponse")
	m.Data = r.Buffer()
	m.Stat.Decode(r)
}

// StringsRecord is a vector of strings: the reply of getChildren (names) and
// of getEphemerals (paths).
type StringsRecord struct{ Strings []string }

func (m StringsRecord) AppendTo(b []byte) []byte { return jute.AppendStrings(b, m.Strings) }

func (m *StringsRecord) Decode(r *jute.Reader) {
	r.Begin("StringsRecord")
	m.Strings = r.Strings()
}

// GetChildren2Response answers getChildren2.
type GetChildren2Response struct {
	Children []string
	Stat     Stat
}

func (m GetChildren2Response) AppendTo(b []byte) []byte {
	return m.Stat.AppendTo(jute.AppendStrings(b, m.Children))
}

func (m *GetChildren2Response) Decode(r *jute.Reader) {
	r.Begin("GetChildren2Response")
	m.Children = r.Strings()
	m.Stat.Decode(r)
}

// IntRecord is one int32: the reply of getAllChildrenNumber and of addWatch,
// and the body of a failed operation of a multi.
type IntRecord struct{ Value int32 }

func (m IntRecord) AppendTo(b []byte) []byte { return jute.AppendInt(b, m.Value) }

func (m *IntRecord) Decode(r *jute.Reader) {
	r.Begin("IntRecord")
	m.Value = r.Int()
}

// ReconfigRequest is the body of reconfig: Joining and Leaving for an
// incremental change, or Members for a whole new ensemble.
type ReconfigRequest struct {
	Joining, Leaving, Members             string
	NullJoining, NullLeaving, NullMembers bool
	ConfigID                              int64 // version of the config to be changed; -1 matches any
}

func (m ReconfigRequest) AppendTo(b []byte) []byte {
	b = jute.AppendNullable(b, m.Joining, m.NullJoining)
	b = jute.AppendNullable(b, m.Leaving, m.NullLeaving)
	b = jute.AppendNullable(b, m.Members, m.NullMembers)
	return jute.AppendLong(b, m.ConfigID)
}

func (m *ReconfigRequest) Decode(r *jute.Reader) {
	r.Begin("ReconfigRequest")
	m.Joining, m.NullJoining = r.String()
	m.Leaving, m.NullLeaving = r.String()
	m.Members, m.NullMembers = r.String()
	m.ConfigID = r.Long()
}
