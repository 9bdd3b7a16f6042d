package fakezk

import (
	"fmt"

	"github.com/zookit/zookit/internal/proto"
)

// connStats is what four-letter words tell of a connection.
type connStats struct {
	received, sent int64
	established    int64 // Unix time in milliseconds
	op             proto.Op
	xid            int32
	zxid           int64
}

func (s *connStats) request(op proto.Op, xid int32) {
	s.received++
	s.op, s.xid = op, xid
}

// serverStats is what four-letter words tell of a server beside the sum over
// its connections.
type serverStats struct {
	received, sent int64 // of connections that have ended
	rejected       int64
}

// sessionName is how ZooKeeper prints a session id.
func sessionName(id int64) string { return fmt.Sprintf("0x%x", uint64(id)) }
