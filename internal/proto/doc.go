// Package proto has every record, opcode, error code and path rule of the
// protocol between a ZooKeeper 3.9 server and its clients. Client and fake
// share it; frames captured from Apache's own client and server (testdata)
// bear witness from outside.
//
// A record appends itself to a caller's slice and decodes itself from a
// jute.Reader. What it decodes aliases the frame: strings and buffers are
// valid as long as the frame is, and are cloned by whoever keeps them.
//
// On the wire each frame is an int32 length and its payload: a ConnectRequest
// or ConnectResponse first, then RequestHeader and body one way, ReplyHeader
// and body the other. A reply with an error has no body.
package proto

import "github.com/zookit/zookit/internal/jute"

// A Record is one message or a part of one.
type Record interface {
	AppendTo([]byte) []byte
	Decode(*jute.Reader)
}
