package zk

import (
	"bytes"
	"context"
	"encoding/binary"
	"io"
	"net"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/internal/memnet"
	"github.com/zookit/zookit/internal/proto"
	"github.com/zookit/zookit/internal/wire"
)

// answerWord takes a connection on which it is asked whether the server is
// read-only.
func (s *script) answerWord(addr, answer string) {
	s.t.Helper()
	conn, err := s.listeners[addr].Accept()
	require.NoError(s.t, err)
	defer conn.Close()
	word := make([]byte, 4)
	_, err = io.ReadFull(conn, word)
	require.NoError(s.t, err)
	require.Equal(s.t, "isro", string(word))
	_, err = io.WriteString(conn, answer)
	require.NoError(s.t, err)
}

const localSession = 0x77

// welcomeReadOnly accepts a new session as a read-only server does.
func (p *peer) welcomeReadOnly() {
	p.t.Helper()
	require.Zero(p.t, p.greet().SessionID, "the session of a read-only server is not asked for again")
	require.True(p.t, p.hello.ReadOnly)
	p.respond(proto.ConnectResponse{Timeout: 9000, SessionID: localSession, Password: make([]byte, 16), ReadOnly: true})
}

// startReadOnly is a client of a, which is read-only.
func (s *script) startReadOnly(connect string, opts ...Option) (*Conn, *peer) {
	s.t.Helper()
	opts = append([]Option{CanBeReadOnly(), Seed(first("a", "b"))}, opts...)
	wait := s.dial(connect, opts...)
	p := s.accept("a:2181")
	p.welcomeReadOnly()
	c, err := wait()
	require.NoError(s.t, err)
	require.Equal(s.t, ReadOnly, c.State())
	return c, p
}

// serveReadOnly is a read-only server that says so.
func (s *script) serveReadOnly(addr string) {
	go func() {
		for {
			conn, err := s.listeners[addr].Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				head := make([]byte, 4)
				if io.ReadFull(conn, head); string(head) == "isro" {
					io.WriteString(conn, "ro")
					return
				}
				p := &peer{t: s.t, conn: conn.(*memnet.Conn), in: wire.NewFrameReader(io.MultiReader(bytes.NewReader(head), conn), 1000)}
				if _, err := p.in.Next(); err == nil {
					p.respond(proto.ConnectResponse{Timeout: 9000, SessionID: localSession, Password: make([]byte, 16), ReadOnly: true})
					p.answerAll()
				}
			}()
		}
	}()
}

func TestReadOnlyClientFindsAnotherServer(t *testing.T) {
	inBubble(t, 2, func(t *testing.T, s *script) {
		began := time.Now()
		var over []*Session
		c, p := s.startReadOnly("a,b", Observe(Hooks{SessionEnd: func(s *Session, _ error) { over = append(over, s) }}))
		states := c.States(bg)
		old := c.Session()
		watch := make(chan *Watch, 1)
		get := async(func() error { _, _, w, err := c.GetW(bg, "/n"); watch <- w; return err })
		p.zxid = 41
		p.reply(p.want(proto.OpGetData).xid, 0, &proto.GetDataResponse{})
		require.NoError(t, get.wait())
		set := async(func() error { _, err := c.Set(bg, "/n", nil, AnyVersion); return err })
		p.reply(p.want(proto.OpSetData).xid, proto.NotReadOnly, nil)
		require.ErrorIs(t, set.wait(), ErrNotReadOnly)

		go func() { // it is asked as well, and may say what it likes
			for {
				conn, err := s.listeners["a:2181"].Accept()
				if err != nil {
					return
				}
				io.WriteString(conn, "ro")
				conn.Close()
			}
		}()
		at := 100 * time.Millisecond
		pause := at
		for _, answer := range []string{"ro", "null", "rwx"} {
			s.answerWord("b:2181", answer)
			require.Equal(t, at, time.Since(began), "after %q", answer)
			pause *= 2
			at += pause
		}
		require.Equal(t, ReadOnly, c.State())
		late := asyncGet(c, bg, "/under/way")
		s.answerWord("b:2181", "rw")
		synctest.Wait()
		waits := asyncGet(c, bg, "/waits")
		r := p.want(proto.OpGetData)
		for r.op != proto.OpExists {
			if r.op == proto.OpGetData {
				p.reply(r.xid, 0, &proto.GetDataResponse{})
			}
			r = p.receive()
		}
		require.NoError(t, late.wait())
		p.reply(r.xid, 0, &proto.Stat{})
		p = s.accept("b:2181")
		require.Zero(t, p.greet().SessionID)
		p.respond(proto.ConnectResponse{Timeout: 9000, SessionID: 5, Password: make([]byte, 16)})
		r = p.want(proto.OpSetWatches)
		require.EqualValues(t, 45, binary.BigEndian.Uint64(r.body), "they are told what they have missed")
		r = p.want(proto.OpGetData)
		require.Equal(t, "/waits", r.path(), "what waited is sent in the new session")
		p.reply(r.xid, 0, &proto.GetDataResponse{})
		require.NoError(t, waits.wait())
		require.Equal(t, Connected, c.State())
		require.EqualValues(t, 5, c.Session().ID())
		require.Equal(t, ErrSessionExpired, context.Cause(old.Context()))
		p.event(EventNodeDataChanged, "/n")
		require.Equal(t, EventNodeDataChanged, (<-(<-watch).C).Type, "watches go over")
		next := c.Session()
		go p.answerAll()
		require.NoError(t, c.Close())
		require.Equal(t, []State{ReadOnly, Suspended, Connected, Closed}, slices.Collect(states))
		require.Equal(t, []*Session{old, next}, over)
	})
}

// All servers are asked each time, not the first one; the pauses grow to a
// minute.
func TestSearchAsksAllServers(t *testing.T) {
	inBubble(t, 4, func(t *testing.T, s *script) {
		asked := make(map[string][]time.Duration)
		began := time.Now()
		n := 0
		dial := func(ctx context.Context, network, addr string) (net.Conn, error) {
			if n++; n > 1 { // the first is the session's
				asked[addr] = append(asked[addr], time.Since(began))
				if len(asked) == 4 && addr == "c:2181" {
					return nil, context.DeadlineExceeded
				}
			}
			return s.net.DialContext(ctx, network, addr)
		}
		for addr, l := range s.listeners {
			if addr != "a:2181" {
				go func() {
					for {
						conn, err := l.Accept()
						if err != nil {
							return
						}
						io.WriteString(conn, "ro")
						conn.Close()
					}
				}()
			}
		}
		seed := uint64(0)
		for {
			if c := newClient(config{seed: seed}, []string{"a:2181", "b:2181", "c:2181", "d:2181"}); c.hosts.list[0] == "a:2181" {
				break
			}
			seed++
		}
		c, p := s.startReadOnly("a,b,c,d", Dialer(dial), Seed(seed))
		go func() {
			for {
				conn, err := s.listeners["a:2181"].Accept()
				if err != nil {
					return
				}
				conn.Close()
			}
		}()
		go p.answerAll()
		time.Sleep(10 * time.Minute)
		require.Equal(t, ReadOnly, c.State())
		require.NoError(t, c.Close())
		require.Len(t, asked, 4)
		for addr, at := range asked {
			require.Equal(t, 100*time.Millisecond, at[0], addr)
			pause := 100 * time.Millisecond
			for i := 1; i < len(at); i++ {
				pause = min(2*pause, time.Minute)
				require.Equal(t, pause, at[i]-at[i-1], addr)
			}
			require.Equal(t, time.Minute, pause)
			require.Less(t, len(at), 22)
		}
	})
}

// A server that says it is read-write and then refuses makes the search rarer,
// not the connections many.
func TestSearchIsNotFooled(t *testing.T) {
	inBubble(t, 2, func(t *testing.T, s *script) {
		n := 0
		go func() {
			for {
				conn, err := s.listeners["b:2181"].Accept()
				if err != nil {
					return
				}
				word := make([]byte, 4)
				if io.ReadFull(conn, word); string(word) == "isro" {
					io.WriteString(conn, "rw")
				} else {
					n++
				}
				conn.Close()
			}
		}()
		s.serveReadOnly("a:2181")
		c, err := Dial(t.Context(), "a,b", s.options(CanBeReadOnly())...)
		require.NoError(t, err)
		time.Sleep(10 * time.Minute)
		synctest.Wait()
		t.Log(n, "handshakes refused")
		require.Less(t, n, 200)
		c.Close()
	})
}

// A session that can write is never shown to a read-only server.
func TestNoDowngrade(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, s *script) {
		c, p := s.start(CanBeReadOnly())
		require.True(t, p.hello.ReadOnly)
		states := c.States(bg)
		p.conn.Close()
		p = s.accept("a:2181")
		require.EqualValues(t, sessionID, p.greet().SessionID)
		require.False(t, p.hello.ReadOnly)
		p.respond(proto.ConnectResponse{Timeout: 9000, SessionID: sessionID, Password: make([]byte, 16), ReadOnly: true})
		p.wantEnd()
		require.Equal(t, Suspended, c.State(), "a server of 3.5 may accept it all the same")
		s.listeners["a:2181"].Close()
		_, err := c.WaitState(bg, Lost)
		require.NoError(t, err)
		l, err := s.net.Listen("a:2181")
		require.NoError(t, err)
		defer l.Close()
		s.listeners["a:2181"] = l
		s.accept("a:2181").welcomeReadOnly()
		_, err = c.WaitState(bg, ReadOnly)
		require.NoError(t, err, "a new session may begin there")
		c.Close()
		require.Equal(t, []State{Connected, Suspended, Lost, ReadOnly, Closed}, slices.Collect(states))
	})
}

// What a read-only server gave is lost when no server is heard for its timeout.
func TestReadOnlySessionIsLost(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, s *script) {
		c, p := s.startReadOnly("a")
		states := c.States(bg)
		began := time.Now()
		s.listeners["a:2181"].Close()
		p.conn.Close()
		_, err := c.WaitState(bg, Lost)
		require.NoError(t, err)
		require.Equal(t, 9*time.Second, time.Since(began))
		require.Zero(t, c.LastZxid())
		c.Close()
		require.Equal(t, []State{ReadOnly, Suspended, Lost, Closed}, slices.Collect(states))
	})
}

// Only "rw" is the word for it: kazoo compares otherwise, and aiozk looks for
// another one.
func TestWritable(t *testing.T) {
	for answer, want := range map[string]bool{
		"rw": true, "ro": false, "null": false, "": false, "r": false, "rw\n": false, "rwx": false, "READ_ONLY": false,
		"isro is not executed because it is not in the whitelist.\n": false,
	} {
		inBubble(t, 1, func(t *testing.T, s *script) {
			c := newClient(config{dial: s.net.DialContext, log: textLog(io.Discard)}, []string{"a:2181"})
			go s.answerWord("a:2181", answer)
			require.Equal(t, want, c.writable(bg, endpoint{addr: "a:2181"}, time.Second), "%q", answer)
			c.cancel()
		})
	}
	inBubble(t, 1, func(t *testing.T, s *script) {
		c := newClient(config{dial: s.net.DialContext, log: textLog(io.Discard)}, []string{"a:2181"})
		began := time.Now()
		require.False(t, c.writable(bg, endpoint{addr: "a:2181"}, time.Second), "mute")
		require.Equal(t, time.Second, time.Since(began))
		require.False(t, c.writable(bg, endpoint{addr: "b:2181"}, time.Second), "refuses")
		c.cancel()
	})
}

func TestUpdateServersWhileReadOnly(t *testing.T) {
	inBubble(t, 2, func(t *testing.T, s *script) {
		c, p := s.startReadOnly("a,nowhere", Seed(first("a", "nowhere")))
		go p.answerAll()
		require.NoError(t, c.UpdateServers("a,b"))
		synctest.Wait()
		require.Equal(t, ReadOnly, c.State())
		go func() {
			for {
				conn, err := s.listeners["a:2181"].Accept()
				if err != nil {
					return
				}
				conn.Close()
			}
		}()
		s.answerWord("b:2181", "rw")
		s.serve("b:2181")
		require.Equal(t, Connected, c.State(), "who has come is asked too")
		require.NoError(t, c.Close())
	})
}

// The search ends with the Conn, whatever it waits for.
func TestCloseEndsTheSearch(t *testing.T) {
	inBubble(t, 2, func(t *testing.T, s *script) {
		c, p := s.startReadOnly("a,b")
		go p.answerAll()
		time.Sleep(time.Second) // b is mute
		began := time.Now()
		require.NoError(t, c.Close())
		require.Zero(t, time.Since(began))
	})
}
