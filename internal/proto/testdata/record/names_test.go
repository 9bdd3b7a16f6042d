package record

import (
	"encoding/binary"
	"fmt"
	"sync"
)

var opNames = map[int32]string{
	1: "create", 2: "delete", 3: "exists", 4: "getData", 5: "setData",
	6: "getACL", 7: "setACL", 8: "getChildren", 9: "sync", 11: "ping",
	12: "getChildren2", 13: "check", 14: "multi", 15: "create2",
	16: "reconfig", 17: "checkWatches", 18: "removeWatches",
	19: "createContainer", 20: "deleteContainer", 21: "createTTL",
	22: "multiRead", 100: "auth", 101: "setWatches", 103: "getEphemerals",
	104: "getAllChildrenNumber", 105: "setWatches2", 106: "addWatch",
	107: "whoAmI", -11: "closeSession",
}

// Neither has a request header: it tells them from all that has one.
const (
	connect = "connect"
	event   = "event"
)

// namer names the frames of one connection.
type namer struct {
	mu        sync.Mutex // guards what follows
	asked     bool       // the connect request was seen
	connected bool       // and the answer to it
	ops       map[int32]string
}

// request reads the opcode behind the xid.
func (n *namer) request(payload []byte) (int32, string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if !n.asked {
		n.asked = true
		return 0, connect
	}
	xid, op := number(payload), number(payload[4:])
	name, ok := opNames[op]
	if !ok {
		name = fmt.Sprintf("op%d", op)
	}
	n.ops[xid] = name
	return xid, name
}

// reply has no opcode: its xid leads to that of the request.
func (n *namer) reply(payload []byte) (int32, string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if !n.connected {
		n.connected = true
		return 0, connect
	}
	xid := number(payload)
	if xid == -1 {
		return xid, event
	}
	name, ok := n.ops[xid]
	if !ok {
		name = "unasked"
	}
	return xid, name
}

func number(b []byte) int32 { return int32(binary.BigEndian.Uint32(b)) }
