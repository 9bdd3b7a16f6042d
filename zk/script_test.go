package zk

import (
	"context"
	"io"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/internal/jute"
	"github.com/zookit/zookit/internal/memnet"
	"github.com/zookit/zookit/internal/proto"
	"github.com/zookit/zookit/internal/testenv"
	"github.com/zookit/zookit/internal/wire"
)

// A script is servers that do what a test says, step by step.
type script struct {
	t         *testing.T
	net       memnet.Network
	listeners map[string]*memnet.Listener
}

// inBubble runs a test with servers of the names a, b, ...
func inBubble(t *testing.T, servers int, f func(t *testing.T, s *script)) {
	synctest.Test(t, func(t *testing.T) {
		s := &script{t: t, listeners: make(map[string]*memnet.Listener)}
		for i := range servers {
			addr := string(rune('a'+i)) + ":2181"
			l, err := s.net.Listen(addr)
			require.NoError(t, err)
			s.listeners[addr] = l
			t.Cleanup(func() { l.Close() })
		}
		f(t, s)
	})
}

// options are what every client of a script has, and more.
func (s *script) options(more ...Option) []Option {
	return append([]Option{
		Dialer(s.net.DialContext),
		SessionTimeout(9 * time.Second),
		Logger(testenv.Logger(s.t, nil)),
		Seed(1),
	}, more...)
}

// textLog is a log of everything.
func textLog(w io.Writer) *slog.Logger {
	return slog.New(slog.NewTextHandler(w, &slog.HandlerOptions{Level: slog.LevelDebug}))
}

// A dialed is what Dial returned.
type dialed struct {
	c   *Conn
	err error
}

// dial begins to dial; the test answers and then waits for the result.
func (s *script) dial(connect string, opts ...Option) func() (*Conn, error) {
	result := make(chan dialed, 1)
	ctx, cancel := context.WithTimeout(s.t.Context(), time.Minute)
	go func() {
		c, err := Dial(ctx, connect, s.options(opts...)...)
		result <- dialed{c, err}
	}()
	return func() (*Conn, error) {
		s.t.Helper()
		defer cancel()
		r := <-result
		if r.c != nil {
			s.t.Cleanup(func() { r.c.Close() })
		}
		return r.c, r.err
	}
}

// start is a client connected to server a, and the server's end.
func (s *script) start(opts ...Option) (*Conn, *peer) {
	s.t.Helper()
	wait := s.dial("a:2181", opts...)
	p := s.accept("a:2181")
	p.welcome(9 * time.Second)
	c, err := wait()
	require.NoError(s.t, err)
	return c, p
}

// A peer is the server's end of a connection.
type peer struct {
	t     *testing.T
	conn  *memnet.Conn
	in    *wire.FrameReader
	hello proto.ConnectRequest
	zxid  int64
}

func (s *script) accept(addr string) *peer {
	s.t.Helper()
	conn, err := s.listeners[addr].Accept()
	require.NoError(s.t, err)
	p := &peer{t: s.t, conn: conn.(*memnet.Conn), in: wire.NewFrameReader(conn, 16<<20)}
	s.t.Cleanup(func() { conn.Close() })
	return p
}

// serve accepts a connection and its session, and answers everything.
func (s *script) serve(addr string) *peer {
	s.t.Helper()
	p := s.accept(addr)
	p.welcome(9 * time.Second)
	go p.answerAll()
	synctest.Wait()
	return p
}

// greet reads the ConnectRequest, which nothing may follow.
func (p *peer) greet() proto.ConnectRequest {
	p.t.Helper()
	frame, err := p.in.Next()
	require.NoError(p.t, err)
	r := jute.NewReader(frame, "")
	p.hello.Decode(&r)
	require.NoError(p.t, r.Err())
	p.hello.Password = append([]byte{}, p.hello.Password...)
	synctest.Wait()
	require.False(p.t, p.in.Buffered(), "nothing follows the ConnectRequest before it is answered")
	return p.hello
}

const sessionID = 0x0100_0000_0000_0001

// welcome accepts the session, or gives one.
func (p *peer) welcome(timeout time.Duration) {
	p.t.Helper()
	p.greet()
	id := p.hello.SessionID
	if id == 0 {
		id = sessionID
	}
	p.respond(proto.ConnectResponse{Timeout: int32(timeout.Milliseconds()), SessionID: id, Password: make([]byte, 16)})
}

func (p *peer) respond(m proto.ConnectResponse) { p.send(m.AppendTo(nil)) }

// send writes a frame.
func (p *peer) send(payload []byte) {
	p.t.Helper()
	b, start := wire.BeginFrame(nil)
	_, err := p.conn.Write(wire.EndFrame(append(b, payload...), start))
	require.NoError(p.t, err)
}

// A received is a request.
type received struct {
	xid  int32
	op   proto.Op
	body []byte
}

func (r received) path() string {
	in := jute.NewReader(r.body, "")
	return in.Text()
}

// receive reads a request.
func (p *peer) receive() received {
	p.t.Helper()
	frame, err := p.in.Next()
	require.NoError(p.t, err)
	in := jute.NewReader(frame, "")
	var h proto.RequestHeader
	h.Decode(&in)
	return received{h.Xid, h.Op, append([]byte{}, in.Rest()...)}
}

// want reads a request of one kind.
func (p *peer) want(op proto.Op) received {
	p.t.Helper()
	r := p.receive()
	require.Equal(p.t, op.String(), r.op.String())
	return r
}

// wantEnd requires that the client closes the connection and sends nothing more.
func (p *peer) wantEnd() {
	p.t.Helper()
	_, err := p.in.Next()
	require.ErrorIs(p.t, err, io.EOF)
}

// wantSilence requires that the client has sent nothing, and will not now.
func (p *peer) wantSilence() {
	p.t.Helper()
	synctest.Wait()
	require.NoError(p.t, p.conn.SetReadDeadline(time.Now().Add(1)))
	_, err := p.in.Peek(1)
	require.Error(p.t, err, "the client has sent something")
	require.NoError(p.t, p.conn.SetReadDeadline(time.Time{}))
}

// reply answers a request with the next zxid.
func (p *peer) reply(xid int32, code proto.Code, body proto.Record) {
	p.t.Helper()
	p.zxid++
	b := proto.ReplyHeader{Xid: xid, Zxid: p.zxid, Err: code}.AppendTo(nil)
	if body != nil {
		b = body.AppendTo(b)
	}
	p.send(b)
}

func (p *peer) event(typ EventType, path string) {
	p.t.Helper()
	b := proto.ReplyHeader{Xid: proto.XidNotify, Zxid: -1}.AppendTo(nil)
	p.send(proto.WatcherEvent{Type: int32(typ), State: proto.StateSyncConnected, Path: path}.AppendTo(b))
}

// answerPings and everything else with success, until the connection ends.
func (p *peer) answerAll() {
	for {
		frame, err := p.in.Next()
		if err != nil {
			return
		}
		in := jute.NewReader(frame, "")
		var h proto.RequestHeader
		h.Decode(&in)
		p.zxid++
		b := proto.ReplyHeader{Xid: h.Xid, Zxid: p.zxid}.AppendTo(nil)
		switch h.Op {
		case proto.OpExists, proto.OpSetData:
			b = proto.Stat{}.AppendTo(b)
		case proto.OpGetData:
			b = proto.GetDataResponse{Data: []byte("data")}.AppendTo(b)
		}
		f, start := wire.BeginFrame(nil)
		if _, err := p.conn.Write(wire.EndFrame(append(f, b...), start)); err != nil {
			return
		}
		if h.Op == proto.OpCloseSession {
			p.conn.Close()
			return
		}
	}
}

// A result is the outcome of a call in a goroutine.
type result struct{ done chan error }

func async(f func() error) *result {
	r := &result{make(chan error, 1)}
	go func() { r.done <- f() }()
	synctest.Wait()
	return r
}

func asyncGet(c *Conn, ctx context.Context, path string) *result {
	return async(func() error {
		_, _, err := c.Get(ctx, path)
		return err
	})
}

// wait is the error of the call.
func (r *result) wait() error { return <-r.done }

// over tells whether the call has returned.
func (r *result) over() bool {
	synctest.Wait()
	return len(r.done) > 0
}

var bg = context.Background()
