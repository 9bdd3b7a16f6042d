package zk

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/internal/proto"
)

// A function may close its own Listener, and the Conn: both are a second
// slower, and come to an end.
func TestListenerThatClosesItself(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, s *script) {
		c, p := s.start()
		go p.answerAll()
		began := time.Now()
		self := make(chan *Listener, 1)
		l := c.OnData("/n", func(Node) bool {
			l := <-self
			require.NoError(t, l.Close())
			require.Equal(t, time.Second, time.Since(began))
			return true
		})
		self <- l
		<-l.Done()
		require.NoError(t, l.Err())

		began = time.Now()
		closed := make(chan error, 1)
		l = c.OnData("/n", func(Node) bool {
			closed <- c.Close()
			return true
		})
		require.NoError(t, <-closed)
		require.Equal(t, time.Second, time.Since(began))
		<-l.Done()
		require.ErrorIs(t, l.Err(), ErrClosed)
	})
}

// Close of a Listener waits for the function, and of the Conn for all of them.
func TestCloseWaitsForListeners(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, s *script) {
		c, p := s.start()
		go p.answerAll()
		n := 0
		slow := func(Node) bool { time.Sleep(time.Second / 2); n++; return true }
		l := c.OnData("/n", slow)
		synctest.Wait()
		require.NoError(t, l.Close())
		require.Equal(t, 1, n)
		c.OnData("/n", slow)
		synctest.Wait()
		require.NoError(t, c.Close())
		require.Equal(t, 2, n)
		after := c.OnData("/n", slow)
		<-after.Done()
		require.ErrorIs(t, after.Err(), ErrClosed)
		require.Equal(t, 2, n)
	})
}

// A read that fails by what passes is tried again, with pauses; a lost reply
// arms nothing.
func TestFollowThroughTrouble(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, s *script) {
		c, p := s.start()
		began := time.Now()
		nodes := make(chan Node, 1)
		l := c.OnData("/n", func(n Node) bool { nodes <- n; return true })
		for range 3 {
			p.reply(p.want(proto.OpGetData).xid, proto.ThrottledOp, nil)
		}
		p.want(proto.OpGetData)
		require.NotEqual(t, began, time.Now(), "there are pauses")
		p.conn.Close()
		p = s.accept("a:2181")
		p.welcome(9 * time.Second)
		r := p.want(proto.OpGetData) // and no setWatches before it
		p.reply(r.xid, 0, &proto.GetDataResponse{Data: []byte("1"), Stat: proto.Stat{Mzxid: 1}})
		require.Equal(t, "1", string((<-nodes).Data))
		p.event(EventNodeDataChanged, "/n")
		p.reply(p.want(proto.OpGetData).xid, proto.NoNode, nil)
		p.reply(p.want(proto.OpExists).xid, 0, &proto.Stat{Mzxid: 2}) // it is there again
		p.wantRemoval("/n", KindAny, 0)
		p.reply(p.want(proto.OpGetData).xid, 0, &proto.GetDataResponse{Data: []byte("1"), Stat: proto.Stat{Mzxid: 1}})
		synctest.Wait()
		require.Empty(t, nodes, "nothing has changed")
		p.event(EventNodeDataChanged, "/n")
		p.reply(p.want(proto.OpGetData).xid, proto.NoAuth, nil)
		<-l.Done()
		require.ErrorIs(t, l.Err(), ErrNoAuth)
		p.wantSilence()
		go p.answerAll()
		require.NoError(t, c.Close())
	})
}

// No call of the server's is waited for by what only ends.
func TestFollowEndsWithoutServer(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, s *script) {
		c, p := s.start()
		l := c.OnChildren("/n", func(Children) bool { return true })
		p.want(proto.OpGetChildren2)
		began := time.Now()
		require.NoError(t, l.Close(), "its read is given up")
		require.Equal(t, began, time.Now())
		p.conn.Close()
		p = s.accept("a:2181")
		p.welcome(9 * time.Second)
		p.wantSilence()
		go p.answerAll()
		require.NoError(t, c.Close())
	})
}
