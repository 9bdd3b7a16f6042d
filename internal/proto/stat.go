package proto

import "github.com/zookit/zookit/internal/jute"

// StatLen is the encoded length of a Stat.
const StatLen = 68

// A Stat is what a server tells about a znode beside its data.
type Stat struct {
	Czxid          int64
	Mzxid          int64
	Ctime          int64
	Mtime          int64
	Version        int32
	Cversion       int32
	Aversion       int32
	EphemeralOwner int64
	DataLength     int32
	NumChildren    int32
	Pzxid          int64
}

func (m Stat) AppendTo(b []byte) []byte {
	b = jute.AppendLong(jute.AppendLong(b, m.Czxid), m.Mzxid)
	b = jute.AppendLong(jute.AppendLong(b, m.Ctime), m.Mtime)
	b = jute.AppendInt(jute.AppendInt(b, m.Version), m.Cversion)
	b = jute.AppendLong(jute.AppendInt(b, m.Aversion), m.EphemeralOwner)
	b = jute.AppendInt(jute.AppendInt(b, m.DataLength), m.NumChildren)
	return jute.AppendLong(b, m.Pzxid)
}

func (m *Stat) Decode(r *jute.Reader) {
	r.Begin("Stat")
	m.Czxid, m.Mzxid = r.Long(), r.Long()
	m.Ctime, m.Mtime = r.Long(), r.Long()
	m.Version, m.Cversion, m.Aversion = r.Int(), r.Int(), r.Int()
	m.EphemeralOwner = r.Long()
	m.DataLength, m.NumChildren = r.Int(), r.Int()
	m.Pzxid = r.Long()
}
