package fakezk_test

import (
	"encoding/binary"
	"io"
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/internal/jute"
	"github.com/zookit/zookit/internal/proto"
)

// ask sends a four-letter word and returns all that comes back.
func ask(t *testing.T, addr, word string) string {
	t.Helper()
	nc, err := net.Dial("tcp", addr)
	require.NoError(t, err)
	defer nc.Close()
	require.NoError(t, nc.SetDeadline(time.Now().Add(10*time.Second)))
	_, err = io.WriteString(nc, word)
	require.NoError(t, err)
	answer, err := io.ReadAll(nc)
	require.NoError(t, err, "answer to %q", word)
	return string(answer)
}

// rawClient speaks the protocol without a mind of its own: it sends no pings,
// and so what servers count of it is known.
type rawClient struct {
	t        *testing.T
	nc       net.Conn
	session  int64
	password []byte
	xid      int32
}

func dialRaw(t *testing.T, addr string) *rawClient {
	t.Helper()
	nc, err := net.Dial("tcp", addr)
	require.NoError(t, err)
	t.Cleanup(func() { nc.Close() })
	require.NoError(t, nc.SetDeadline(time.Now().Add(30*time.Second)))
	return &rawClient{t: t, nc: nc}
}

// connectRaw begins a session, or resumes one.
func connectRaw(t *testing.T, addr string, session int64, password []byte) *rawClient {
	t.Helper()
	c := dialRaw(t, addr)
	if password == nil {
		password = make([]byte, proto.PasswordLen)
	}
	c.send(proto.ConnectRequest{Timeout: 4000, SessionID: session, Password: password}.AppendTo(nil))
	r := jute.NewReader(c.receive(), "ConnectResponse")
	var resp proto.ConnectResponse
	resp.Decode(&r)
	require.NoError(t, r.Err())
	c.session, c.password = resp.SessionID, append([]byte(nil), resp.Password...)
	return c
}

func (c *rawClient) send(payload []byte) {
	c.t.Helper()
	_, err := c.nc.Write(append(binary.BigEndian.AppendUint32(nil, uint32(len(payload))), payload...))
	require.NoError(c.t, err)
}

func (c *rawClient) receive() []byte {
	c.t.Helper()
	var length [4]byte
	_, err := io.ReadFull(c.nc, length[:])
	require.NoError(c.t, err)
	payload := make([]byte, binary.BigEndian.Uint32(length[:]))
	_, err = io.ReadFull(c.nc, payload)
	require.NoError(c.t, err)
	return payload
}

// header reads a reply or an event.
func (c *rawClient) header() proto.ReplyHeader {
	c.t.Helper()
	r := jute.NewReader(c.receive(), "ReplyHeader")
	var h proto.ReplyHeader
	h.Decode(&r)
	require.NoError(c.t, r.Err())
	return h
}

// call sends a request and returns the code of its reply.
func (c *rawClient) call(op proto.Op, body []byte) proto.Code {
	c.t.Helper()
	c.xid++
	c.send(append(proto.RequestHeader{Xid: c.xid, Op: op}.AppendTo(nil), body...))
	h := c.header()
	require.Equal(c.t, c.xid, h.Xid)
	return h.Err
}

func (c *rawClient) create(path string, flags int32) proto.Code {
	c.t.Helper()
	return c.call(proto.OpCreate, proto.CreateRequest{
		Path: path, Data: []byte("data"), Flags: flags,
		ACL: []proto.ACL{{Perms: proto.PermAll, Scheme: "world", ID: "anyone"}},
	}.AppendTo(nil))
}

func (c *rawClient) set(path, data string) proto.Code {
	c.t.Helper()
	return c.call(proto.OpSetData, proto.SetDataRequest{Path: path, Data: []byte(data), Version: -1}.AppendTo(nil))
}

// read is a read with or without a watch.
func (c *rawClient) read(op proto.Op, path string, watch bool) proto.Code {
	c.t.Helper()
	return c.call(op, proto.PathWatch{Path: path, Watch: watch}.AppendTo(nil))
}

func (c *rawClient) addWatch(path string, mode int32) proto.Code {
	c.t.Helper()
	return c.call(proto.OpAddWatch, proto.PathKind{Path: path, Kind: mode}.AppendTo(nil))
}
