package conformance

import (
	"errors"
	"net"
	"os"
	"time"

	"github.com/zookit/zookit/internal/jute"
	"github.com/zookit/zookit/internal/proto"
	"github.com/zookit/zookit/internal/wire"
)

// A client is one raw connection: it sends frames and reads frames, and knows
// nothing of what they mean.
type client struct {
	name    string // in the program
	net     net.Conn
	frames  *wire.FrameReader
	xid     int32
	session *session  // nil before the handshake
	ended   bool      // the server has closed it
	digest  string    // of its last auth
	ends    int       // run.ends when it was last heard
	sent    time.Time // when something was last sent
}

// A session is one that the server has granted.
type session struct {
	name     string // of the connection that was first to have it, with a mark for each before it
	id       int64
	password []byte
	over     bool // the program has seen its end
}

// A sent is a request whose reply is still to come.
type sent struct {
	xid int32
	op  proto.Op
}

// maxReply bounds the frames that a client reads.
const maxReply = 1 << 28

var (
	errEnd     = errors.New("closed by the server")
	errSilence = errors.New("silence")
)

func newClient(name string, nc net.Conn) *client {
	return &client{name: name, net: nc, frames: wire.NewFrameReader(nc, maxReply), sent: time.Now()}
}

// write sends bytes as they are. That the server has closed shows in read.
func (c *client) write(b []byte) {
	c.sent = time.Now()
	c.net.Write(b)
}

// read returns the next frame, errEnd, or errSilence when none comes in time.
// It is valid until the next call.
func (c *client) read(patience time.Duration) ([]byte, error) {
	if c.ended {
		return nil, errEnd
	}
	if err := c.net.SetReadDeadline(time.Now().Add(patience)); err != nil {
		return nil, err
	}
	frame, err := c.frames.Next()
	switch {
	case err == nil:
		return frame, nil
	case errors.Is(err, os.ErrDeadlineExceeded):
		return nil, errSilence
	}
	c.ended = true // by FIN or RST: which of them is up to the kernel
	c.net.Close()
	return nil, errEnd
}

// awaitEnd waits until the server closes, and drops what comes before that.
func (c *client) awaitEnd(patience time.Duration) {
	for {
		if _, err := c.read(patience); err != nil {
			return
		}
	}
}

// byeXid is the xid of the closeSession with which a run ends.
const byeXid = 1 << 30

// saysBye waits for the answer to that closeSession, and tells whether it came.
func (c *client) saysBye(patience time.Duration) bool {
	for {
		b, err := c.read(patience)
		if err != nil {
			return false
		}
		rd := jute.NewReader(b, "reply")
		var h proto.ReplyHeader
		if h.Decode(&rd); rd.Err() == nil && h.Xid == byeXid {
			return h.Err == proto.OK
		}
	}
}

// frame puts a length in front of a payload.
func frame(payload []byte) []byte {
	b, start := wire.BeginFrame(nil)
	return wire.EndFrame(append(b, payload...), start)
}
