package proto

import "github.com/zookit/zookit/internal/jute"

// A WatcherEvent tells a client that a watch has fired.
type WatcherEvent struct {
	Type  int32
	State int32 // always StateSyncConnected
	Path  string
}

func (m WatcherEvent) AppendTo(b []byte) []byte {
	return jute.AppendString(jute.AppendInt(jute.AppendInt(b, m.Type), m.State), m.Path)
}

func (m *WatcherEvent) Decode(r *jute.Reader) {
	r.Begin("WatcherEvent")
	m.Type, m.State, m.Path = r.Int(), r.Int(), r.Text()
}

// SetWatches is the body of setWatches: the one-shot watches that a client
// wants back after a reconnect. What has changed since RelativeZxid fires.
type SetWatches struct {
	RelativeZxid       int64
	Data, Exist, Child []string // nil is null, which a server refuses
}

func (m SetWatches) AppendTo(b []byte) []byte {
	b = jute.AppendLong(b, m.RelativeZxid)
	b = jute.AppendStrings(jute.AppendStrings(b, m.Data), m.Exist)
	return jute.AppendStrings(b, m.Child)
}

func (m *SetWatches) Decode(r *jute.Reader) {
	r.Begin("SetWatches")
	m.RelativeZxid = r.Long()
	m.Data, m.Exist, m.Child = r.Strings(), r.Strings(), r.Strings()
}

// SetWatches2 is the body of setWatches2: SetWatches and the persistent ones.
type SetWatches2 struct {
	SetWatches
	Persistent, Recursive []string
}

func (m SetWatches2) AppendTo(b []byte) []byte {
	return jute.AppendStrings(jute.AppendStrings(m.SetWatches.AppendTo(b), m.Persistent), m.Recursive)
}

func (m *SetWatches2) Decode(r *jute.Reader) {
	m.SetWatches.Decode(r)
	r.Begin("SetWatches2")
	m.Persistent, m.Recursive = r.Strings(), r.Strings()
}

// PathKind is a path and an int32: the body of addWatch (a mode) and of
// removeWatches and checkWatches (a watcher type).
type PathKind struct {
	Path     string
	NullPath bool
	Kind     int32
}

func (m PathKind) AppendTo(b []byte) []byte {
	return jute.AppendInt(jute.AppendNullable(b, m.Path, m.NullPath), m.Kind)
}

func (m *PathKind) Decode(r *jute.Reader) {
	r.Begin("PathKind")
	m.Path, m.NullPath = r.String()
	m.Kind = r.Int()
}
