package fakezk_test

import (
	"encoding/binary"
	"io"
	"net"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/fakezk"
	"github.com/zookit/zookit/internal/proto"
)

// onBoth runs f on a fake in memory and on one over TCP, both in real time.
func onBoth(t *testing.T, f func(t *testing.T, e *fakezk.Ensemble)) {
	t.Run("memory", func(t *testing.T) { f(t, fakezk.New(t, fakezk.MaxClientConns(0))) })
	t.Run("TCP", func(t *testing.T) {
		e, err := fakezk.Listen(fakezk.MaxClientConns(0))
		require.NoError(t, err)
		defer e.Close()
		f(t, e)
	})
}

// drain reads until the server ends the connection.
func drain(t *testing.T, nc net.Conn) {
	t.Helper()
	require.NoError(t, nc.SetReadDeadline(time.Now().Add(10*time.Second)))
	_, err := io.Copy(io.Discard, nc)
	if timeout, ok := err.(net.Error); ok {
		require.False(t, timeout.Timeout(), "the server has not ended the connection")
	}
}

// bodies are valid requests of every operation.
func bodies() map[proto.Op][]byte {
	create := proto.CreateRequest{Path: "/x", Data: []byte("data"), ACL: []proto.ACL{{Perms: 31, Scheme: "world", ID: "anyone"}}}
	path := proto.PathRecord{Path: "/x"}.AppendTo(nil)
	read := proto.PathWatch{Path: "/x", Watch: true}.AppendTo(nil)
	kind := proto.PathKind{Path: "/x"}.AppendTo(nil)
	list := []string{"/x", "/y"}
	watches := proto.SetWatches{Data: list, Exist: list, Child: list}
	multi := proto.MultiRequest{Ops: []proto.MultiOp{
		{Op: proto.OpCreate, CreateTTLRequest: proto.CreateTTLRequest{CreateRequest: create}},
		{Op: proto.OpDelete, CreateTTLRequest: proto.CreateTTLRequest{CreateRequest: create}, Version: -1},
	}}
	return map[proto.Op][]byte{
		proto.OpCreate: create.AppendTo(nil), proto.OpCreate2: create.AppendTo(nil), proto.OpCreateContainer: create.AppendTo(nil),
		proto.OpCreateTTL: proto.CreateTTLRequest{CreateRequest: create, TTL: 5}.AppendTo(nil),
		proto.OpDelete:    proto.PathVersion{Path: "/x"}.AppendTo(nil), proto.OpSetData: proto.SetDataRequest{Path: "/x"}.AppendTo(nil),
		proto.OpExists: read, proto.OpGetData: read, proto.OpGetChildren: read, proto.OpGetChildren2: read,
		proto.OpGetACL: path, proto.OpSync: path, proto.OpGetEphemerals: path, proto.OpGetAllChildrenNumber: path, proto.OpDeleteContainer: path,
		proto.OpSetACL:   proto.SetACLRequest{Path: "/x", ACL: create.ACL}.AppendTo(nil),
		proto.OpAddWatch: kind, proto.OpRemoveWatches: kind, proto.OpCheckWatches: kind,
		proto.OpSetWatches: watches.AppendTo(nil), proto.OpSetWatches2: proto.SetWatches2{SetWatches: watches, Persistent: list, Recursive: list}.AppendTo(nil),
		proto.OpMulti: multi.AppendTo(nil), proto.OpMultiRead: multi.AppendTo(nil), proto.OpReconfig: proto.ReconfigRequest{}.AppendTo(nil),
		proto.OpAuth: proto.AuthPacket{Scheme: "digest", Auth: []byte("a:b")}.AppendTo(nil), proto.OpSASL: proto.SASLToken{Token: []byte("x")}.AppendTo(nil),
		proto.OpCreateSession: {0, 0, 0, 1}, proto.OpPing: nil, proto.OpWhoAmI: nil, proto.OpCloseSession: nil,
		proto.OpCheck: proto.PathVersion{Path: "/x"}.AppendTo(nil), proto.OpNotify: nil, proto.OpError: nil, 99: nil, 1 << 30: nil, -1 << 31: nil,
	}
}

// Whatever a client sends, it harms nobody else: another's session, watches and
// requests go on, and what it cost is given back.
func TestBadInputHarmsNobody(t *testing.T) {
	onBoth(t, func(t *testing.T, e *fakezk.Ensemble) {
		other := begin(t, e, 30*time.Second)
		require.NoError(t, e.Put("/watched", nil))
		require.Equal(t, proto.OK, other.do(proto.OpGetData, proto.PathWatch{Path: "/watched", Watch: true}))
		goroutines := runtime.NumGoroutine()
		for op, body := range bodies() {
			c := begin(t, e, 10*time.Second)
			for cut := range len(body) + 1 {
				frame := append(proto.RequestHeader{Xid: 1, Op: op}.AppendTo(nil), body[:cut]...)
				if _, err := c.nc.Write(append(binary.BigEndian.AppendUint32(nil, uint32(len(frame))), frame...)); err != nil {
					c = begin(t, e, 10*time.Second) // the last one ended it
				}
			}
			c.nc.Write([]byte{0xff, 0xff, 0xff, 0xff})
			drain(t, c.nc)
			c.nc.Close()
		}
		for _, first := range [][]byte{{0xff, 0xff, 0xff, 0xff}, {0x40, 0, 0, 0}, {0x7f, 0xff, 0xff, 0xff}, {0, 0, 0, 0}, {0, 0, 0, 3, 1, 2, 3}} {
			c := dial(t, e)
			c.nc.Write(first)
			drain(t, c.nc)
			c.nc.Close()
			c = begin(t, e, 10*time.Second)
			c.nc.Write(first)
			drain(t, c.nc)
			c.nc.Close()
		}
		require.Equal(t, proto.OK, other.do(proto.OpPing, nil), "the other client")
		require.NoError(t, e.Put("/watched", []byte("x")))
		other.receive() // the event
		for deadline := time.Now().Add(10 * time.Second); runtime.NumGoroutine() > goroutines; runtime.Gosched() {
			require.True(t, time.Now().Before(deadline), "%d goroutines, %d before", runtime.NumGoroutine(), goroutines)
		}
	})
}

// A length alone makes the server allocate nothing.
func TestLengthsCostNoMemory(t *testing.T) {
	onBoth(t, func(t *testing.T, e *fakezk.Ensemble) {
		before := heap()
		var open []*rawClient
		for range 100 {
			c := begin(t, e, 10*time.Second)
			c.nc.Write(binary.BigEndian.AppendUint32(nil, proto.MaxBuffer)) // a frame that never comes
			open = append(open, c)
		}
		c := dial(t, e)
		c.nc.Write(binary.BigEndian.AppendUint32(nil, 1<<30))
		drain(t, c.nc)
		require.Less(t, heap()-before, int64(20<<20), "bytes for 100 lengths of a megabyte each")
		for _, c := range open {
			c.nc.Close()
		}
	})
}

func heap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// Ten thousand connections that say nothing do not keep a client from being
// served, cost little, and end with the server.
func TestSilentConnections(t *testing.T) {
	onBoth(t, func(t *testing.T, e *fakezk.Ensemble) {
		c := begin(t, e, 10*time.Second)
		before := heap()
		n := int64(0)
		for ; n < 10_000; n++ {
			nc, err := e.DialContext(t.Context(), "tcp", e.ConnectString())
			if err != nil {
				break // no more files
			}
			defer nc.Close()
		}
		require.Greater(t, n, int64(1000))
		start := time.Now()
		require.Equal(t, proto.OK, c.do(proto.OpPing, nil))
		t.Logf("ping beside %d silent connections: %v; %d bytes for each", n, time.Since(start), (heap()-before)/n)
		require.Less(t, (heap()-before)/n, int64(32<<10), "bytes for a silent connection")
		start = time.Now()
		require.NoError(t, e.Close())
		t.Logf("Close: %v", time.Since(start))
	})
}
