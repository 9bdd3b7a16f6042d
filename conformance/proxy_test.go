package conformance

import (
	"bytes"
	"context"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// A proxyTest is a Proxy on servers of two targets, with what it has told.
type proxyTest struct {
	*Proxy
	addr string
	end  func() // ends it

	mu   sync.Mutex
	told []string
}

func startProxy(t *testing.T, oracle, candidate Target, properties ...string) *proxyTest {
	t.Helper()
	properties = append(properties, diffProperties...)
	of := func(s Server) func(context.Context) (net.Conn, error) {
		return func(ctx context.Context) (net.Conn, error) { return s.Dial(ctx, 0, ClientPort) }
	}
	p := &proxyTest{Proxy: &Proxy{Oracle: of(oracle.Start(t, properties)), Candidate: of(candidate.Start(t, properties))}}
	p.Differ = func(text string) {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.told = append(p.told, text)
	}
	p.serve(t)
	return p
}

func (p *proxyTest) serve(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	p.addr = l.Addr().String()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- p.Serve(ctx, l) }()
	p.end = sync.OnceFunc(func() {
		cancel()
		require.NoError(t, <-done)
	})
	t.Cleanup(p.end)
}

func (p *proxyTest) all() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return strings.Join(p.told, "\n")
}

// play runs a program through the proxy.
func (p *proxyTest) play(t *testing.T, root string, steps ...string) (texts []string) {
	pl := player{run: newRun(t, atAddr(p.addr), root), minor: 9}
	require.NoError(t, pl.run.begin())
	defer pl.run.end()
	for _, line := range steps {
		require.NoError(t, pl.step(line))
	}
	for _, s := range pl.done {
		texts = append(texts, s.text)
	}
	return texts
}

var proxyProgram = []string{
	"c1: connect to=20000", "c2: connect to=20000",
	`create ~ "{y*100}"`, "c2: exists ~/a watch", "c2: addWatch ~ mode=1",
	"create ~/a x flags=1", "c2: flush", "c2: getData ~/a watch", "setData ~/a z", "c2: flush", "c2: connect sid=c2", "c2: setWatches rel=+0 data=~/a",
	"multi create ~/s x flags=2 | setData ~ y | check ~ v=1 | delete ~/none", "multi create ~/s x flags=2 | setData ~ y | check ~ v=1",
	"multiRead getData ~ | getChildren ~ | getData ~/none", "c2: getChildren2 ~", "auth digest u:p", "create ~/p x acl=31:auth:", "c2: getACL ~/p",
	"raw 99", "c1: connect sid=c1 pw=wrong", "c1: connect sid=c1", "closeSession", "c2: flush", "c2: exists ~/a",
}

func TestProxyOfTwoFakesTellsNothing(t *testing.T) {
	p := startProxy(t, Fake(""), Fake(""))
	texts := p.play(t, "/x", proxyProgram...)
	require.Contains(t, strings.Join(texts, ""), "event Created ~/a")
	p.end()
	require.Empty(t, p.all())
	require.GreaterOrEqual(t, p.Requests(), int64(len(proxyProgram)))
}

func TestProxyPassesRandomPrograms(t *testing.T) {
	p := startProxy(t, Fake(""), Fake(""), diffConfigs[0].properties...)
	direct := Fake("").Start(t, append(append([]string{}, diffConfigs[0].properties...), diffProperties...))
	for i := range 30 {
		d := newDrawer(uint64(i), 9, diffConfigs[0])
		steps := withoutLuck(d.program(40))
		through := player{run: newRun(t, atAddr(p.addr), "/x"), minor: 9}
		beside := player{run: newRun(t, direct, "/x"), minor: 9}
		for _, pl := range []*player{&through, &beside} {
			pl.run.random = true
			require.NoError(t, pl.run.begin())
			require.NoError(t, pl.program(steps))
			pl.run.end()
		}
		require.Equal(t, beside.done, through.done)
	}
	p.end()
	require.Empty(t, p.all())
}

// withoutLuck leaves out what a proxy changes: words, which go to one server
// only, and connections that are gone without a word, after which nothing says
// when their servers have noticed.
func withoutLuck(steps []string) (left []string) {
	for _, line := range steps {
		if !strings.Contains(line, "own ") {
			left = append(left, line)
		}
	}
	return left
}

func TestProxyTellsATamperedAnswer(t *testing.T) {
	p := startProxy(t, Fake(""), tampering(Fake(""), "spoiled", "SPOILED"))
	texts := p.play(t, "/x", "c1: connect to=20000", "create ~ spoiled", "c2: getData ~ watch", "setData ~ fine", "c2: flush")
	require.Contains(t, texts[2], "spoiled", "the client gets the oracle's answer")
	p.end()
	require.Contains(t, p.all(), "oracle    +5 ok spoiled")
	require.Contains(t, p.all(), "candidate +5 ok SPOILED")
	require.EqualValues(t, 1, p.Differences(), p.all())
}

func TestProxyTellsAMissingEvent(t *testing.T) {
	p := startProxy(t, Fake(""), tampering(Fake(""), "/x\x01", "/x\x00")) // the watch flag
	texts := p.play(t, "/x", "c1: connect to=20000", "create ~", "c2: getData ~ watch", "setData ~ a", "c2: flush")
	require.Contains(t, texts[4], "event DataChanged ~")
	p.end()
	require.Contains(t, p.all(), "an event that only one has\n\toracle    +6 event DataChanged /x")
	require.EqualValues(t, 1, p.Differences(), p.all())
}

// An event for a connection that asks for nothing more is missed after a while.
func TestProxyTellsALateEvent(t *testing.T) {
	p := startProxy(t, Fake(""), tampering(Fake(""), "/x\x01", "/x\x00"))
	r := newRun(t, atAddr(p.addr), "/x")
	require.NoError(t, r.begin())
	defer r.end()
	for _, line := range []string{"create ~", "getData ~ watch", "c2: setData ~ a"} {
		s, err := parseStep(line)
		require.NoError(t, err)
		_, err = r.step(s)
		require.NoError(t, err)
	}
	require.Eventually(t, func() bool { return p.Differences() == 1 }, 20*time.Second, 50*time.Millisecond)
	require.Contains(t, p.all(), "an event that only one has")
}

func TestProxyTellsAnotherConfiguration(t *testing.T) {
	candidate := Fake("")
	candidate.Start = func(t testing.TB, properties []string) Server {
		return Fake("").Start(t, append(properties, "extendedTypesEnabled=false"))
	}
	p := startProxy(t, Fake(""), candidate, "extendedTypesEnabled=true")
	texts := p.play(t, "/x", "c1: connect to=20000", "create ~", "createTTL ~/t ttl=500", "setData ~/t x")
	require.Contains(t, texts[3], " ok {", "the client goes on with the oracle")
	p.end()
	require.Contains(t, p.all(), "candidate +5 Unimplemented")
	require.Contains(t, p.all(), "createTTL")
}

func TestProxyTellsARefusedSession(t *testing.T) {
	p := startProxy(t, Fake(""), Fake(""))
	p.play(t, "/x", "c1: connect to=20000", "create ~ a")
	candidate, calls := p.Candidate, 0
	p.turn.Lock()
	p.Candidate = func(ctx context.Context) (net.Conn, error) {
		if calls++; calls == 1 {
			return nil, io.ErrUnexpectedEOF
		}
		return candidate(ctx)
	}
	p.turn.Unlock()
	nc, err := net.Dial("tcp", p.addr)
	require.NoError(t, err)
	defer nc.Close()
	c := newClient("c1", nc)
	r := newRun(t, atAddr(p.addr), "/x")
	require.Contains(t, r.handshake(c, newCall("connect", nil)), "sid=c1")
	p.end()
	require.Contains(t, p.all(), "cannot connect to the candidate")
}

// What went another way once is told once, and the rest still compares.
func TestProxyTellsOnceThatZxidsDiffer(t *testing.T) {
	p := startProxy(t, Fake(""), Fake(""))
	p.play(t, "/x", "c1: connect to=20000", "create ~ a")
	_, err := zxidNow(t.Context(), p.Candidate) // behind the proxy's back
	require.NoError(t, err)
	p.play(t, "/x", "c1: connect to=20000", "c1: setData ~ a", "c1: getData ~", "c1: create ~/b", "c2: getChildren2 ~")
	p.end()
	require.EqualValues(t, 1, p.Differences(), p.all())
}

func TestProxySaysWhichServerDoesNotAnswer(t *testing.T) {
	fake := Fake("").Start(t, nil)
	up := func(ctx context.Context) (net.Conn, error) { return fake.Dial(ctx, 0, ClientPort) }
	down := func(context.Context) (net.Conn, error) { return nil, io.ErrUnexpectedEOF }
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.ErrorContains(t, (&Proxy{Oracle: up, Candidate: down}).Serve(t.Context(), l), "the candidate")
	l, err = net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.ErrorContains(t, (&Proxy{Oracle: down, Candidate: up}).Serve(t.Context(), l), "the oracle")
}

// TestProxyOfRealAndFake compares a real server and the fake under random
// programs, and under our own program.
func TestProxyOfRealAndFake(t *testing.T) {
	p := startProxy(t, Java(*version, 1), Fake(*version), "extendedTypesEnabled=true")
	p.play(t, "/x", proxyProgram...)
	p.end()
	require.Empty(t, p.all())
}

// tampering is a target whose connections have some bytes replaced, both ways.
func tampering(tg Target, old, new string) Target {
	start := tg.Start
	tg.Start = func(t testing.TB, properties []string) Server {
		return tamperedServer{start(t, properties), []byte(old), []byte(new)}
	}
	return tg
}

type tamperedServer struct {
	Server
	old, new []byte
}

func (s tamperedServer) Dial(ctx context.Context, member int, port Port) (net.Conn, error) {
	nc, err := s.Server.Dial(ctx, member, port)
	return tamperedConn{nc, s}, err
}

type tamperedConn struct {
	net.Conn
	s tamperedServer
}

// Read spoils what comes in one piece, as a short frame does.
func (c tamperedConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	copy(b[:n], bytes.ReplaceAll(b[:n], c.s.old, c.s.new))
	return n, err
}

func (c tamperedConn) Write(b []byte) (int, error) {
	return c.Conn.Write(bytes.ReplaceAll(b, c.s.old, c.s.new))
}

// atAddr is a server at an address.
type atAddr string

func (s atAddr) Dial(ctx context.Context, _ int, _ Port) (net.Conn, error) {
	return new(net.Dialer).DialContext(ctx, "tcp", string(s))
}
