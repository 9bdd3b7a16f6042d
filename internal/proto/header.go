package proto

import "github.com/zookit/zookit/internal/jute"

// A RequestHeader begins every request but the first.
type RequestHeader struct {
	Xid int32
	Op  Op
}

func (m RequestHeader) AppendTo(b []byte) []byte {
	return jute.AppendInt(jute.AppendInt(b, m.Xid), int32(m.Op))
}

func (m *RequestHeader) Decode(r *jute.Reader) {
	r.Begin("RequestHeader")
	m.Xid, m.Op = r.Int(), Op(r.Int())
}

// A ReplyHeader begins every reply and event but the first.
type ReplyHeader struct {
	Xid  int32
	Zxid int64
	Err  Code
}

func (m ReplyHeader) AppendTo(b []byte) []byte {
	return jute.AppendInt(jute.AppendLong(jute.AppendInt(b, m.Xid), m.Zxid), int32(m.Err))
}

func (m *ReplyHeader) Decode(r *jute.Reader) {
	r.Begin("ReplyHeader")
	m.Xid, m.Zxid, m.Err = r.Int(), r.Long(), Code(r.Int())
}

// PasswordLen is the length of every session password.
const PasswordLen = 16

// A ConnectRequest is a client's first frame: it asks for a new session, or to
// resume one.
type ConnectRequest struct {
	ProtocolVersion int32 // 0; ignored
	LastZxidSeen    int64 // a server that has not got so far closes the connection
	Timeout         int32 // milliseconds
	SessionID       int64 // 0 asks for a new session
	Password        []byte
	ReadOnly        bool // a read-only server will do
	NoReadOnly      bool // the request ends before ReadOnly, as clients of 3.3 sent it
}

func (m ConnectRequest) AppendTo(b []byte) []byte {
	b = jute.AppendLong(jute.AppendInt(b, m.ProtocolVersion), m.LastZxidSeen)
	b = jute.AppendLong(jute.AppendInt(b, m.Timeout), m.SessionID)
	b = jute.AppendBuffer(b, m.Password)
	if m.NoReadOnly {
		return b
	}
	return jute.AppendBool(b, m.ReadOnly)
}

func (m *ConnectRequest) Decode(r *jute.Reader) {
	r.Begin("ConnectRequest")
	m.ProtocolVersion, m.LastZxidSeen = r.Int(), r.Long()
	m.Timeout, m.SessionID = r.Int(), r.Long()
	m.Password = r.Buffer()
	m.NoReadOnly = r.Err() == nil && len(r.Rest()) == 0
	m.ReadOnly = !m.NoReadOnly && r.Bool()
}

// A ConnectResponse answers a ConnectRequest. With SessionID and Timeout 0 it
// says that the session to be resumed is not valid, or no more.
type ConnectResponse struct {
	ProtocolVersion int32
	Timeout         int32 // milliseconds, as granted
	SessionID       int64
	Password        []byte
	ReadOnly        bool // the server is read-only
	NoReadOnly      bool // the response ends before ReadOnly, as the request did
}

func (m ConnectResponse) AppendTo(b []byte) []byte {
	b = jute.AppendInt(jute.AppendInt(b, m.ProtocolVersion), m.Timeout)
	b = jute.AppendBuffer(jute.AppendLong(b, m.SessionID), m.Password)
	if m.NoReadOnly {
		return b
	}
	return jute.AppendBool(b, m.ReadOnly)
}

func (m *ConnectResponse) Decode(r *jute.Reader) {
	r.Begin("ConnectResponse")
	m.ProtocolVersion, m.Timeout = r.Int(), r.Int()
	m.SessionID, m.Password = r.Long(), r.Buffer()
	m.NoReadOnly = r.Err() == nil && len(r.Rest()) == 0
	m.ReadOnly = !m.NoReadOnly && r.Bool()
}
