package fakezk_test

import (
	"crypto/tls"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/fakezk"
	"github.com/zookit/zookit/internal/javazk"
	"github.com/zookit/zookit/internal/jute"
	"github.com/zookit/zookit/internal/proto"
)

// A target is a server under test: the fake, or a real one.
type target struct{ name, plain, secure string }

// A setup is how both are configured.
type setup struct {
	lines, flags []string
	secure       bool // with a secure port
}

// onFakeAndJava runs the same on a fake and on a real server that are
// configured alike, and wants the same transcripts.
func onFakeAndJava(t *testing.T, s setup, run func(*testing.T, target) map[string]string) {
	got := run(t, s.fake(t))
	want := run(t, s.java(t))
	for _, name := range slices.Sorted(maps.Keys(want)) {
		if got[name] != want[name] {
			t.Errorf("%s\nreal:\n%s\nfake:\n%s", name, want[name], got[name])
		}
	}
	require.Len(t, got, len(want))
}

func (s setup) fake(t *testing.T) target {
	t.Helper()
	lines := s.lines
	if s.secure {
		lines = append(lines, "secureClientPort=0", "secureClientPortAddress=127.0.0.1")
	}
	e := fakeLikeJava(t, fakezk.JVMFlags(s.flags...), fakezk.Config(lines...))
	return target{"fake", e.ConnectString(), e.Servers()[0].SecureAddr()}
}

func (s setup) java(t *testing.T) target {
	t.Helper()
	lines, secure := s.lines, ""
	if s.secure {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		require.NoError(t, err)
		secure = l.Addr().String()
		l.Close()
		_, port, _ := net.SplitHostPort(secure)
		lines = append(lines, "secureClientPort="+port, "secureClientPortAddress=127.0.0.1")
	}
	java := javazk.Start(t, javazk.Version("3.9.5"), javazk.Config(lines...), javazk.JVM(s.flags...))
	if s.secure { // which listens a moment later
		require.Eventually(t, func() bool {
			nc, err := net.Dial("tcp", secure)
			if err == nil {
				nc.Close()
			}
			return err == nil
		}, 10*time.Second, 10*time.Millisecond)
	}
	return target{"java", java.Addr(), secure}
}

// A speaker is a client that writes down all that happens to it.
type speaker struct {
	t     *testing.T
	nc    net.Conn
	xid   int32
	lines strings.Builder
	nonce string
	proof string // what the server has to prove
	proto.ConnectResponse
}

func speak(t *testing.T, addr string) *speaker { return speakOver(t, addr, nil) }

// speakOver begins a session, by TLS where there is a configuration.
func speakOver(t *testing.T, addr string, config *tls.Config) *speaker {
	t.Helper()
	s := &speaker{t: t, nc: dialOver(t, addr, config)}
	s.connect(0, make([]byte, proto.PasswordLen))
	return s
}

func dialOver(t *testing.T, addr string, config *tls.Config) net.Conn {
	t.Helper()
	nc, err := net.Dial("tcp", addr)
	require.NoError(t, err)
	t.Cleanup(func() { nc.Close() })
	require.NoError(t, nc.SetDeadline(time.Now().Add(20*time.Second)))
	if config != nil {
		nc = tls.Client(nc, config)
	}
	return nc
}

func (s *speaker) connect(session int64, password []byte) {
	s.t.Helper()
	frame, end := s.exchange(proto.ConnectRequest{Timeout: 4000, SessionID: session, Password: password}.AppendTo(nil))
	if frame == nil {
		s.say("no session: %s", end)
		return
	}
	r := jute.NewReader(frame, "ConnectResponse")
	s.Decode(&r)
	require.NoError(s.t, r.Err())
	s.Password = slices.Clone(s.Password)
}

func (s *speaker) say(format string, args ...any) { fmt.Fprintf(&s.lines, format+"\n", args...) }

// exchange sends a frame and reads one, or tells what there was instead.
func (s *speaker) exchange(payload []byte) (frame []byte, end string) {
	s.t.Helper()
	if _, err := s.nc.Write(append(binary.BigEndian.AppendUint32(nil, uint32(len(payload))), payload...)); err != nil {
		return nil, "CLOSED"
	}
	return s.receive()
}

func (s *speaker) receive() (frame []byte, end string) {
	s.t.Helper()
	var length [4]byte
	_, err := io.ReadFull(s.nc, length[:])
	if err == nil {
		frame = make([]byte, binary.BigEndian.Uint32(length[:]))
		_, err = io.ReadFull(s.nc, frame)
	}
	if err != nil {
		require.False(s.t, errors.Is(err, os.ErrDeadlineExceeded), "no answer, and no end")
		return nil, "CLOSED"
	}
	return frame, ""
}

// do sends a request and writes down the reply's code, and returns its body.
func (s *speaker) do(what string, op proto.Op, body []byte) []byte {
	s.t.Helper()
	s.xid++
	xid := s.xid
	switch op {
	case proto.OpAuth:
		xid = proto.XidAuth
	case proto.OpPing:
		xid = proto.XidPing
	}
	frame, end := s.exchange(append(proto.RequestHeader{Xid: xid, Op: op}.AppendTo(nil), body...))
	if frame == nil {
		s.say("%s: %s", what, end)
		return nil
	}
	r := jute.NewReader(frame, "reply")
	var h proto.ReplyHeader
	h.Decode(&r)
	require.NoError(s.t, r.Err())
	require.Equal(s.t, xid, h.Xid)
	if h.Zxid <= 0 {
		what += fmt.Sprintf(" (zxid %d)", h.Zxid)
	}
	s.say("%s: %d", what, h.Err)
	return frame[16:]
}

// ended writes down that the server ends the connection.
func (s *speaker) ended() {
	s.t.Helper()
	frame, end := s.receive()
	s.say("then %s%q", end, frame)
}

func (s *speaker) whoAmI() {
	s.t.Helper()
	body := s.do("whoAmI", proto.OpWhoAmI, nil)
	if len(body) == 0 {
		return
	}
	r := jute.NewReader(body, "WhoAmIResponse")
	var resp proto.WhoAmIResponse
	resp.Decode(&r)
	require.NoError(s.t, r.Err())
	var ids []string
	for _, info := range resp.Info {
		ids = append(ids, strconv.Quote(info.Scheme+":"+info.User))
	}
	slices.Sort(ids)
	s.say("\t%s", strings.Join(ids, " "))
}

func (s *speaker) auth(scheme, credential string) {
	s.t.Helper()
	s.do("auth "+scheme, proto.OpAuth, proto.AuthPacket{Scheme: scheme, Auth: []byte(credential)}.AppendTo(nil))
}

// create makes a znode with one entry in its ACL.
func (s *speaker) create(path, scheme, id string) {
	s.t.Helper()
	s.do(fmt.Sprintf("create %s %s:%q", path, scheme, id), proto.OpCreate, proto.CreateRequest{
		Path: path, ACL: []proto.ACL{{Perms: proto.PermAll, Scheme: scheme, ID: id}},
	}.AppendTo(nil))
}

func (s *speaker) get(path string) {
	s.t.Helper()
	s.do("get "+path, proto.OpGetData, proto.PathWatch{Path: path}.AppendTo(nil))
}

func (s *speaker) acl(path string) {
	s.t.Helper()
	body := s.do("acl "+path, proto.OpGetACL, proto.PathRecord{Path: path}.AppendTo(nil))
	if len(body) == 0 {
		return
	}
	r := jute.NewReader(body, "GetACLResponse")
	var resp proto.GetACLResponse
	resp.Decode(&r)
	require.NoError(s.t, r.Err())
	for _, a := range resp.ACL {
		s.say("\t%d %s:%s", a.Perms, a.Scheme, a.ID)
	}
}

func (s *speaker) String() string { return s.lines.String() }
