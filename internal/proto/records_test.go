package proto

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/zookit/zookit/internal/jute"
)

// A maker makes records of one kind: empty ones, and any.
type maker struct {
	name string
	new  func() Record
	any  *rapid.Generator[Record]
}

func of[T any, P interface {
	*T
	Record
}](name string, draw func(*rapid.T) T) maker {
	return maker{name, func() Record { return P(new(T)) }, rapid.Custom(func(t *rapid.T) Record {
		v := draw(t)
		return P(&v)
	})}
}

// makers has every record of the package; TestEveryRecord sees to it.
var makers = []maker{
	of("ACL", drawACL),
	of("AuthPacket", func(t *rapid.T) (m AuthPacket) {
		m.Type, m.Auth = i32(t), buffer(t)
		m.Scheme, m.NullScheme = nullable(t)
		return m
	}),
	of("ClientInfo", drawClientInfo),
	of("ConnectRequest", func(t *rapid.T) ConnectRequest {
		m := ConnectRequest{
			ProtocolVersion: i32(t), LastZxidSeen: i64(t), Timeout: i32(t), SessionID: i64(t),
			Password: buffer(t), NoReadOnly: flag(t),
		}
		m.ReadOnly = !m.NoReadOnly && flag(t)
		return m
	}),
	of("ConnectResponse", func(t *rapid.T) ConnectResponse {
		m := ConnectResponse{
			ProtocolVersion: i32(t), Timeout: i32(t), SessionID: i64(t),
			Password: buffer(t), NoReadOnly: flag(t),
		}
		m.ReadOnly = !m.NoReadOnly && flag(t)
		return m
	}),
	of("Create2Response", func(t *rapid.T) Create2Response { return Create2Response{str(t), drawStat(t)} }),
	of("CreateRequest", drawCreate),
	of("CreateTTLRequest", drawCreateTTL),
	of("GetACLResponse", func(t *rapid.T) GetACLResponse { return GetACLResponse{acls(t), drawStat(t)} }),
	of("GetChildren2Response", func(t *rapid.T) GetChildren2Response {
		return GetChildren2Response{strs(t), drawStat(t)}
	}),
	of("GetDataResponse", func(t *rapid.T) GetDataResponse { return GetDataResponse{buffer(t), drawStat(t)} }),
	of("IntRecord", func(t *rapid.T) IntRecord { return IntRecord{i32(t)} }),
	of("MultiHeader", func(t *rapid.T) MultiHeader { return MultiHeader{Op(i32(t)), flag(t), Code(i32(t))} }),
	of("MultiRequest", drawMultiRequest),
	of("MultiResponse", drawMultiResponse),
	of("PathKind", func(t *rapid.T) (m PathKind) {
		m.Path, m.NullPath = nullable(t)
		m.Kind = i32(t)
		return m
	}),
	of("PathRecord", func(t *rapid.T) (m PathRecord) {
		m.Path, m.NullPath = nullable(t)
		return m
	}),
	of("PathVersion", func(t *rapid.T) (m PathVersion) {
		m.Path, m.NullPath = nullable(t)
		m.Version = i32(t)
		return m
	}),
	of("PathWatch", func(t *rapid.T) (m PathWatch) {
		m.Path, m.NullPath = nullable(t)
		m.Watch = flag(t)
		return m
	}),
	of("ReconfigRequest", func(t *rapid.T) (m ReconfigRequest) {
		m.Joining, m.NullJoining = nullable(t)
		m.Leaving, m.NullLeaving = nullable(t)
		m.Members, m.NullMembers = nullable(t)
		m.ConfigID = i64(t)
		return m
	}),
	of("ReplyHeader", func(t *rapid.T) ReplyHeader { return ReplyHeader{i32(t), i64(t), Code(i32(t))} }),
	of("RequestHeader", func(t *rapid.T) RequestHeader { return RequestHeader{i32(t), Op(i32(t))} }),
	of("SASLToken", func(t *rapid.T) SASLToken { return SASLToken{buffer(t)} }),
	of("SetACLRequest", func(t *rapid.T) (m SetACLRequest) {
		m.Path, m.NullPath = nullable(t)
		m.ACL, m.Version = acls(t), i32(t)
		return m
	}),
	of("SetDataRequest", func(t *rapid.T) (m SetDataRequest) {
		m.Path, m.NullPath = nullable(t)
		m.Data, m.Version = buffer(t), i32(t)
		return m
	}),
	of("SetWatches", drawSetWatches),
	of("SetWatches2", func(t *rapid.T) SetWatches2 { return SetWatches2{drawSetWatches(t), strs(t), strs(t)} }),
	of("Stat", drawStat),
	of("StringsRecord", func(t *rapid.T) StringsRecord { return StringsRecord{strs(t)} }),
	of("WatcherEvent", func(t *rapid.T) WatcherEvent { return WatcherEvent{i32(t), i32(t), str(t)} }),
	of("WhoAmIResponse", func(t *rapid.T) WhoAmIResponse { return WhoAmIResponse{vector(t, drawClientInfo)} }),
}

func makerOf(t testing.TB, name string) maker {
	t.Helper()
	for _, m := range makers {
		if m.name == name {
			return m
		}
	}
	t.Fatalf("makers has no %s; add it to records_test.go", name)
	return maker{}
}

func i32(t *rapid.T) int32 { return rapid.Int32().Draw(t, "int") }
func i64(t *rapid.T) int64 { return rapid.Int64().Draw(t, "long") }
func flag(t *rapid.T) bool { return rapid.Bool().Draw(t, "bool") }

// plain has no character beyond U+FFFF, which Java's encoder changes.
var plain = rapid.StringOfN(rapid.Rune().Filter(func(r rune) bool { return utf8.ValidRune(r) && r < 0x10000 }), 0, 8, -1)

func str(t *rapid.T) string { return plain.Draw(t, "string") }

func nullable(t *rapid.T) (s string, null bool) {
	if flag(t) {
		return "", true
	}
	return str(t), false
}

// vector is nil, empty or not.
func vector[T any](t *rapid.T, draw func(*rapid.T) T) []T {
	n := rapid.IntRange(-1, 4).Draw(t, "count")
	if n < 0 {
		return nil
	}
	v := make([]T, 0, n)
	for range n {
		v = append(v, draw(t))
	}
	return v
}

func buffer(t *rapid.T) []byte {
	return vector(t, func(t *rapid.T) byte { return rapid.Byte().Draw(t, "byte") })
}

func strs(t *rapid.T) []string { return vector(t, str) }
func acls(t *rapid.T) []ACL    { return vector(t, drawACL) }

func drawACL(t *rapid.T) (m ACL) {
	m.Perms = i32(t)
	m.Scheme, m.NullScheme = nullable(t)
	m.ID, m.NullID = nullable(t)
	return m
}

func drawClientInfo(t *rapid.T) ClientInfo { return ClientInfo{str(t), str(t)} }

func drawStat(t *rapid.T) Stat {
	return Stat{i64(t), i64(t), i64(t), i64(t), i32(t), i32(t), i32(t), i64(t), i32(t), i32(t), i64(t)}
}

func drawCreate(t *rapid.T) (m CreateRequest) {
	m.Path, m.NullPath = nullable(t)
	m.Data, m.ACL, m.Flags = buffer(t), acls(t), i32(t)
	return m
}

func drawCreateTTL(t *rapid.T) CreateTTLRequest { return CreateTTLRequest{drawCreate(t), i64(t)} }

func drawSetWatches(t *rapid.T) SetWatches { return SetWatches{i64(t), strs(t), strs(t), strs(t)} }

var (
	writeOps = []Op{OpCreate, OpCreate2, OpCreateContainer, OpCreateTTL, OpDelete, OpSetData, OpCheck}
	readOps  = []Op{OpGetData, OpGetChildren}
)

// drawMultiOp sets the fields that the operation has on the wire.
func drawMultiOp(t *rapid.T, op Op) MultiOp {
	m := MultiOp{Op: op}
	switch op {
	case OpCreateTTL:
		m.CreateTTLRequest = drawCreateTTL(t)
	case OpCreate, OpCreate2, OpCreateContainer:
		m.CreateRequest = drawCreate(t)
	default:
		m.Path, m.NullPath = nullable(t)
	}
	switch op {
	case OpSetData:
		m.Data, m.Version = buffer(t), i32(t)
	case OpDelete, OpCheck:
		m.Version = i32(t)
	case OpGetData, OpGetChildren:
		m.Watch = flag(t)
	}
	return m
}

func drawMultiRequest(t *rapid.T) (m MultiRequest) {
	ops := rapid.SampledFrom([][]Op{writeOps, readOps}).Draw(t, "family")
	for range rapid.IntRange(0, 4).Draw(t, "count") {
		m.Ops = append(m.Ops, drawMultiOp(t, rapid.SampledFrom(ops).Draw(t, "op")))
	}
	return m
}

var resultOps = []Op{OpError, OpCreate, OpCreate2, OpDelete, OpSetData, OpCheck, OpGetData, OpGetChildren}

func drawMultiResult(t *rapid.T) MultiResult {
	m := MultiResult{Op: rapid.SampledFrom(resultOps).Draw(t, "op")}
	switch m.Op {
	case OpError:
		m.Err = Code(i32(t))
	case OpCreate:
		m.Path = str(t)
	case OpCreate2:
		m.Path, m.Stat = str(t), drawStat(t)
	case OpSetData:
		m.Stat = drawStat(t)
	case OpGetData:
		m.Data, m.Stat = buffer(t), drawStat(t)
	case OpGetChildren:
		m.Children = strs(t)
	}
	return m
}

func drawMultiResponse(t *rapid.T) (m MultiResponse) {
	for range rapid.IntRange(0, 4).Draw(t, "count") {
		m.Results = append(m.Results, drawMultiResult(t))
	}
	return m
}

// normal makes no difference between no operations and nil ones.
func normal(rec Record) Record {
	switch m := rec.(type) {
	case *MultiRequest:
		if len(m.Ops) == 0 {
			m.Ops = nil
		}
	case *MultiResponse:
		if len(m.Results) == 0 {
			m.Results = nil
		}
	}
	return rec
}

// decode decodes b into rec, which may have been used before.
func decode(rec Record, b []byte) (rest []byte, err error) {
	r := jute.NewReader(b, "frame")
	rec.Decode(&r)
	return r.Rest(), r.Err()
}

// forEach runs a property with any record of every kind.
func forEach(t *testing.T, property func(t *rapid.T, m maker, rec Record)) {
	for _, m := range makers {
		t.Run(m.name, func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) { property(t, m, m.any.Draw(t, m.name)) })
		})
	}
}

func TestRoundTrip(t *testing.T) {
	forEach(t, func(t *rapid.T, m maker, rec Record) {
		b := rec.AppendTo([]byte("before"))
		require.Equal(t, "before", string(b[:6]), "AppendTo appends")
		got := m.new()
		rest, err := decode(got, b[6:])
		require.NoError(t, err)
		require.Empty(t, rest, "a record takes all that it wrote")
		require.Equal(t, rec, normal(got), "what is written is read back, null as null and empty as empty")
	})
}

func TestTruncationFails(t *testing.T) {
	names := map[string]bool{}
	for _, m := range makers {
		names[m.name] = true
	}
	forEach(t, func(t *rapid.T, m maker, rec Record) {
		b := rec.AppendTo(nil)
		for n := range len(b) {
			if n == len(b)-1 && endsInReadOnly(rec) {
				continue // clients and servers of 3.3 do not send it
			}
			_, err := decode(m.new(), b[:n:n])
			var e *jute.DecodeError
			require.ErrorAs(t, err, &e, "%d of %d bytes are no %s", n, len(b), m.name)
			require.True(t, names[e.Record], "the error names the record, not %q", e.Record)
			require.LessOrEqual(t, e.Offset, n, "the offset is within the frame")
		}
	})
}

func endsInReadOnly(rec Record) bool {
	switch m := rec.(type) {
	case *ConnectRequest:
		return !m.NoReadOnly
	case *ConnectResponse:
		return !m.NoReadOnly
	}
	return false
}

func TestTrailingBytesAreIgnored(t *testing.T) {
	forEach(t, func(t *rapid.T, m maker, rec Record) {
		switch rec.(type) {
		case *ConnectRequest, *ConnectResponse:
			if !endsInReadOnly(rec) {
				t.Skip("the byte behind it is ReadOnly")
			}
		}
		trail := rapid.SliceOfN(rapid.Byte(), 1, 4).Draw(t, "trail")
		got := m.new()
		rest, err := decode(got, append(rec.AppendTo(nil), trail...))
		require.NoError(t, err)
		require.Equal(t, trail, rest)
		require.Equal(t, rec, normal(got), "bytes behind a record do not change it")
	})
}

// A record that is decoded into again keeps nothing of what it held.
func TestReuse(t *testing.T) {
	forEach(t, func(t *rapid.T, m maker, rec Record) {
		used := m.new()
		_, err := decode(used, m.any.Draw(t, "before").AppendTo(nil))
		require.NoError(t, err)
		_, err = decode(used, rec.AppendTo(nil))
		require.NoError(t, err)
		require.Equal(t, rec, normal(used), "nothing is left of what the record held before")
	})
}

// The old form of the handshake has no last byte, and is not the same as one
// in which it is 0.
func TestReadOnlyByte(t *testing.T) {
	for _, tc := range []struct {
		with, without Record
		size          int
	}{
		{&ConnectRequest{Password: make([]byte, PasswordLen)}, &ConnectRequest{NoReadOnly: true, Password: make([]byte, PasswordLen)}, 45},
		{&ConnectResponse{Password: make([]byte, PasswordLen)}, &ConnectResponse{NoReadOnly: true, Password: make([]byte, PasswordLen)}, 37},
	} {
		long, short := tc.with.AppendTo(nil), tc.without.AppendTo(nil)
		require.Len(t, long, tc.size)
		require.Equal(t, long[:tc.size-1], short, "without ReadOnly the record is one byte shorter")
	}
}

func TestMultiRefuses(t *testing.T) {
	legal := map[Op]bool{}
	for _, op := range append(append([]Op{}, writeOps...), readOps...) {
		legal[op] = true
	}
	result := map[Op]bool{}
	for _, op := range resultOps {
		result[op] = true
	}
	body := MultiOp{Op: OpCreateTTL}.AppendTo(nil)[9:] // long enough for each
	for op := Op(-12); op <= 110; op++ {
		b := append(MultiHeader{Op: op, Err: -1}.AppendTo(nil), body...)
		b = append(b, make([]byte, StatLen)...)
		if _, err := decode(new(MultiRequest), b); !legal[op] {
			require.ErrorContains(t, err, "malformed MultiRequest at byte 9: "+op.String()+" cannot be part of a multi")
		}
		if _, err := decode(new(MultiResponse), b); !result[op] {
			require.ErrorContains(t, err, "malformed MultiResponse at byte 9: result of type "+op.String())
		}
	}
	for _, ops := range [][2]Op{{OpCreate, OpGetData}, {OpGetChildren, OpCheck}} {
		b := MultiRequest{[]MultiOp{{Op: ops[0]}, {Op: ops[1]}}}.AppendTo(nil)
		_, err := decode(new(MultiRequest), b)
		require.ErrorContains(t, err, "reads and writes in one multi")
	}
}

// Done alone ends the list, whatever else the header says.
func TestMultiEnd(t *testing.T) {
	var m MultiRequest
	rest, err := decode(&m, append(MultiHeader{Op: OpSetData, Done: true, Err: 9}.AppendTo(nil), "rest"...))
	require.NoError(t, err)
	require.Equal(t, "rest", string(rest))
	require.Empty(t, m.Ops)
	require.Equal(t, "\xff\xff\xff\xff\x01\xff\xff\xff\xff", string(MultiRequest{}.AppendTo(nil)))
	require.Equal(t, "\xff\xff\xff\xff\x01\xff\xff\xff\xff", string(MultiResponse{}.AppendTo(nil)))
}

// Java's encoder writes supplementary characters as CESU-8 where a path could
// not stop them: in echoes of paths, in ACLs and in users.
func TestSupplementaryCharacters(t *testing.T) {
	const in, out = "\U0001f600", "\xed\xa0\xbd\xed\xb8\x80"
	text := string(jute.AppendString(nil, out))
	require.Equal(t, text, string(PathRecord{Path: in}.AppendTo(nil)))
	require.Equal(t, "\x00\x00\x00\x1f"+text+text, string(ACL{Perms: PermAll, Scheme: in, ID: in}.AppendTo(nil)))
	require.Equal(t, text+text, string(ClientInfo{in, in}.AppendTo(nil)))
}

func TestNames(t *testing.T) {
	require.Equal(t, "getChildren2", OpGetChildren2.String())
	require.Equal(t, "op99", Op(99).String())
	require.EqualError(t, NoNode, "node does not exist")
	require.EqualError(t, Code(-99), "error code -99")
}

// Every type with a Decode method is in makers and has a Fuzz function.
func TestEveryRecord(t *testing.T) {
	files, err := filepath.Glob("*.go")
	require.NoError(t, err)
	decoders, fuzzed := map[string]bool{}, map[string]bool{}
	for _, name := range files {
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		require.NoError(t, err)
		for _, d := range file.Decls {
			f, ok := d.(*ast.FuncDecl)
			switch {
			case !ok:
			case f.Name.Name == "Decode" && f.Recv != nil:
				decoders[f.Recv.List[0].Type.(*ast.StarExpr).X.(*ast.Ident).Name] = true
			case strings.HasPrefix(f.Name.Name, "Fuzz"):
				fuzzed[strings.TrimPrefix(f.Name.Name, "Fuzz")] = true
			}
		}
	}
	made := map[string]bool{}
	for _, m := range makers {
		made[m.name] = true
	}
	require.NotEmpty(t, decoders)
	require.Equal(t, decoders, made, "makers in records_test.go has every record that has a Decode method")
	require.Equal(t, decoders, fuzzed, "fuzz_test.go has a fuzz target for every decoder")
}
