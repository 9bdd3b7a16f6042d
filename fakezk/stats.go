package fakezk

import (
	"fmt"

	"github.com/zookit/zookit/internal/proto"
)

// In the place of the last operation of a connection without one.
const (
	noOp    proto.Op = -1 // since crst
	neverOp proto.Op = -2 // at all
)

// connStats is what four-letter words tell of a connection. Latencies are not
// among it: requests are answered in the instant in which they are read, which
// a real server, that counts whole milliseconds, reports as 0 too.
type connStats struct {
	received, sent  int64 // packets
	bytes           int64 // received
	established     int64 // Unix time in milliseconds
	clearedReceived int64 // packets that crst has taken off the count
	clearedSent     int64
	at              int64      // when it was last heard of, in milliseconds since the ensemble began
	code            proto.Code // of the last reply
	op              proto.Op   // of the last reply to a request
	failed          bool
	xid             int32 // the last that was not negative
	zxid            int64
}

func newConnStats(now int64) connStats {
	return connStats{established: now, op: neverOp}
}

// request counts a frame of size bytes that has come in.
func (s *connStats) request(size int) {
	s.received++
	s.bytes += int64(size) + 4
}

// answered keeps what the last reply was to.
func (s *connStats) answered(op proto.Op, xid int32, zxid int64) {
	s.op, s.failed, s.zxid = op, s.code != proto.OK, zxid
	if xid >= 0 {
		s.xid = xid
	}
}

// respondedAt is when the last reply went out, in milliseconds; 0 is never.
func (s *connStats) respondedAt() int64 {
	if s.op == noOp || s.op == neverOp {
		return 0
	}
	return max(s.at, 1)
}

// clear is crst. The server's sums are not affected.
func (s *connStats) clear() {
	s.clearedReceived, s.clearedSent = s.received, s.sent
	s.op, s.xid, s.zxid = noOp, -1, -1
}

// serverStats is what four-letter words tell of a server beside the sums over
// its connections.
type serverStats struct {
	started int64 // in milliseconds since the ensemble began

	// Of connections that have ended, less what srst has taken off:
	received, sent, bytes int64

	connects    int64 // requests for a session
	revalidated int64 // of those, for one that was there before
	rejected    int64 // connections, for want of room
	dropped     int64 // connections that their client ended
	silent      int64 // connections that ended for being silent
	expired     int64 // sessions

	badHandshakes int64 // of TLS

	lastResponse, minResponse, maxResponse int // bytes; -1 before the first
	responseBytes, watchBytes              int64
}

func newServerStats(now int64) serverStats {
	return serverStats{started: now, lastResponse: -1, minResponse: -1, maxResponse: -1}
}

// reset is srst.
func (s *Server) resetStats() {
	s.stats = newServerStats(s.stats.started)
	for c := range s.conns {
		s.stats.received -= c.stats.received
		s.stats.sent -= c.stats.sent
		s.stats.bytes -= c.stats.bytes
	}
}

// traffic sums up the packets and bytes of all connections there have been.
func (s *Server) traffic() (received, sent, bytes int64) {
	received, sent, bytes = s.stats.received, s.stats.sent, s.stats.bytes
	for c := range s.conns {
		received += c.stats.received
		sent += c.stats.sent
		bytes += c.stats.bytes
	}
	return received, sent, bytes
}

// ended keeps the sums of a connection that goes.
func (s *serverStats) ended(c *conn) {
	s.received += c.stats.received
	s.sent += c.stats.sent
	s.bytes += c.stats.bytes
}

// response counts a reply or an event of so many bytes.
func (s *serverStats) response(size int) {
	s.lastResponse = size
	s.maxResponse = max(s.maxResponse, size)
	if s.minResponse < 0 || size < s.minResponse {
		s.minResponse = size
	}
}

// event counts a watch event.
func (s *serverStats) event(size int) {
	s.response(size)
	s.watchBytes += int64(size)
}

// answered adds the last reply to the bytes of replies, where pings and
// handshakes are not counted.
func (s *serverStats) answered(op proto.Op) {
	if op != proto.OpPing && op != proto.OpCreateSession {
		s.responseBytes += int64(s.lastResponse)
	}
}

// opNames are ZooKeeper's abbreviations of operations.
var opNames = map[proto.Op]string{
	noOp: "NA", neverOp: "null", proto.OpCreateSession: "SESS", proto.OpPing: "PING", proto.OpCloseSession: "CLOS",
	proto.OpCreate: "CREA", proto.OpCreate2: "CREA", proto.OpCreateContainer: "CREA", proto.OpCreateTTL: "CREA",
	proto.OpDelete: "DELE", proto.OpDeleteContainer: "DELE", proto.OpSetData: "SETD", proto.OpSetACL: "SETA",
	proto.OpReconfig: "RECO", proto.OpMulti: "MULT", proto.OpMultiRead: "MLTR", proto.OpExists: "EXIS",
	proto.OpGetData: "GETD", proto.OpGetACL: "GETA", proto.OpGetChildren: "GETC", proto.OpGetChildren2: "GETC",
	proto.OpGetAllChildrenNumber: "GETACN", proto.OpGetEphemerals: "GETE", proto.OpSync: "SYNC",
	proto.OpSetWatches: "SETW", proto.OpSetWatches2: "STW2", proto.OpAddWatch: "ADDW",
	proto.OpCheckWatches: "CHKW", proto.OpRemoveWatches: "REMW", proto.OpWhoAmI: "HOMI",
}

// lastOp is the abbreviation of the last operation. A write that has failed
// has none.
func (s *connStats) lastOp() string {
	if s.failed && isWrite(s.op) {
		return opNames[noOp]
	}
	if name, ok := opNames[s.op]; ok {
		return name
	}
	return opNames[noOp]
}

func isWrite(op proto.Op) bool {
	switch op {
	case proto.OpCreate, proto.OpCreate2, proto.OpCreateContainer, proto.OpCreateTTL, proto.OpDelete,
		proto.OpDeleteContainer, proto.OpSetData, proto.OpSetACL, proto.OpReconfig, proto.OpMulti:
		return true
	}
	return false
}

// sessionName is how ZooKeeper prints a session id.
func sessionName(id int64) string { return fmt.Sprintf("0x%x", uint64(id)) }
