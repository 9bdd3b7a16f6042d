package conformance

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"slices"

	"github.com/zookit/zookit/internal/jute"
	"github.com/zookit/zookit/internal/proto"
)

// connectRequest encodes the first frame. sid=c1 is the session that c1 has,
// with its password unless pw= says otherwise.
func (r *run) connectRequest(k call) []byte {
	req := proto.ConnectRequest{
		Timeout: int32(k.number("to", 10000)), Password: make([]byte, proto.PasswordLen),
		ProtocolVersion: int32(k.number("proto", 0)), LastZxidSeen: r.zxid(k.named["zxid"].text),
	}
	if a, ok := k.named["sid"]; ok {
		switch s := r.session(a.text); {
		case s != nil:
			req.SessionID, req.Password = s.id, s.password
		case a.text[0] == 'c':
			req.SessionID = 0x123456 // of a connection that had none
		default:
			req.SessionID = k.number("sid", 0)
		}
	}
	if a, ok := k.named["pw"]; ok {
		req.Password = []byte(a.text)
		if s := r.session(a.text); s != nil {
			req.Password = s.password
		}
		if a.null {
			req.Password = nil
		}
	}
	switch k.named["ro"].text {
	case "1":
		req.ReadOnly = true
	case "absent":
		req.NoReadOnly = true
	}
	b := req.AppendTo(nil)
	return append(b[:len(b)-int(k.number("cut", 0))], unhex(k.named["add"].text)...)
}

// handshake sends a ConnectRequest and tells of its answer.
func (r *run) handshake(c *client, k call) string {
	c.write(frame(r.connectRequest(k)))
	b, err := c.read(r.patience)
	switch err {
	case nil:
		return r.handshakeDone(c, b)
	case errEnd:
		return "CLOSED"
	}
	return err.Error()
}

// handshakeDone tells of a ConnectResponse.
func (r *run) handshakeDone(c *client, b []byte) string {
	var resp proto.ConnectResponse
	rd := jute.NewReader(b, "ConnectResponse")
	if resp.Decode(&rd); rd.Err() != nil || len(rd.Rest()) > 0 {
		return "not a ConnectResponse: " + hex.EncodeToString(b)
	}
	name, another := "0", false
	switch i := slices.IndexFunc(r.sessions, func(s *session) bool { return s.id == resp.SessionID }); {
	case resp.SessionID == 0:
	case i >= 0:
		c.session = r.sessions[i]
		name, another = c.session.name, !bytes.Equal(c.session.password, resp.Password)
	default:
		name = c.name
		for r.session(name) != nil {
			name += "'"
		}
		c.session = &session{name: name, id: resp.SessionID, password: bytes.Clone(resp.Password)}
		r.sessions = append(r.sessions, c.session)
	}
	return connectText(resp, name, another)
}

// connectText tells of a ConnectResponse that grants the session of a name.
func connectText(resp proto.ConnectResponse, name string, anotherPassword bool) string {
	text := fmt.Sprintf("to=%d sid=%s", resp.Timeout, name)
	if anotherPassword {
		text += " another password"
	}
	if bytes.Equal(resp.Password, make([]byte, len(resp.Password))) {
		text += " pw=0"
	}
	text += fmt.Sprintf("*%d", len(resp.Password))
	if !resp.NoReadOnly {
		text += fmt.Sprintf(" ro=%v", resp.ReadOnly)
	}
	return text
}
