package zk

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/internal/jute"
	"github.com/zookit/zookit/internal/proto"
)

// wantRemoval reads a removeWatches and answers it.
func (p *peer) wantRemoval(path string, kind WatchKind, code proto.Code) {
	p.t.Helper()
	r := p.want(proto.OpRemoveWatches)
	in := jute.NewReader(r.body, "")
	var m proto.PathKind
	m.Decode(&in)
	require.Equal(p.t, path+" "+kind.String(), m.Path+" "+WatchKind(m.Kind).String())
	p.reply(r.xid, code, nil)
}

func TestCloseKeepsWhatOthersNeed(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, s *script) {
		c, p := s.start()
		_, _, one, err := armed(c, p, "/n")
		require.NoError(t, err)
		_, _, two, err := armed(c, p, "/n")
		require.NoError(t, err)
		require.NoError(t, one.Close(), "without asking the server, since two needs it")
		require.Equal(t, EventWatchRemoved, (<-one.C).Type)
		p.wantSilence()
		require.NoError(t, two.Close())
		p.wantRemoval("/n", KindAny, 0)
		require.NoError(t, two.Close(), "again")
		p.wantSilence()

		_, _, other, err := armed(c, p, "/other")
		require.NoError(t, err)
		lasting := addWatch(t, c, p, "/other", WatchPersistent)
		require.NoError(t, other.Close(), "before 3.9 it would take half of the persistent one along")
		p.wantSilence()
		require.NoError(t, lasting.Close())
		p.wantRemoval("/other", KindAny, 0) // what is left of both
		p.wantSilence()
		go p.answerAll()
		require.NoError(t, c.Close())
	})
}

// A watch that is closed while a request for another on its path is in flight
// is removed when that one has come to nothing, or to its end.
func TestCloseWhileAnotherIsInFlight(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, s *script) {
		c, p := s.start()
		for _, code := range []proto.Code{proto.OK, proto.NoAuth} {
			_, _, one, err := armed(c, p, "/n")
			require.NoError(t, err)
			var two *Watch
			get := async(func() (err error) {
				_, _, two, err = c.GetW(bg, "/n")
				return err
			})
			r := p.want(proto.OpGetData)
			require.NoError(t, one.Close())
			p.wantSilence()
			if code == proto.OK {
				p.reply(r.xid, code, &proto.GetDataResponse{})
				require.NoError(t, get.wait())
				p.wantSilence()
				require.NoError(t, two.Close())
			} else {
				p.reply(r.xid, code, nil)
				require.ErrorIs(t, get.wait(), ErrNoAuth)
			}
			p.wantRemoval("/n", KindAny, 0)
		}
		p.wantSilence()
		go p.answerAll()
		require.NoError(t, c.Close())
	})
}

// A persistent watch beside a one-shot one: from 3.9 on it goes alone, before
// only together with that, when it has fired.
func TestClosePersistentBesideOneShot(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, s *script) {
		c, p := s.start()
		for _, code := range []proto.Code{proto.OK, proto.MarshallingError} {
			lasting := addWatch(t, c, p, "/n", WatchPersistent)
			_, _, one, err := armed(c, p, "/n")
			require.NoError(t, err)
			require.NoError(t, lasting.Close())
			p.wantRemoval("/n", KindPersistent, code)
			p.wantSilence()
			p.event(EventNodeDataChanged, "/n")
			require.Equal(t, EventNodeDataChanged, (<-one.C).Type)
			if code != proto.OK {
				p.wantRemoval("/n", KindAny, 0)
			}
			p.wantSilence()
		}
		go p.answerAll()
		require.NoError(t, c.Close())
	})
}

// Whoever gives up a call for a watch does not have it at the server either.
func TestCanceledWatchIsRemoved(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, s *script) {
		c, p := s.start()
		for _, code := range []proto.Code{proto.OK, proto.NoNode} { // of exists: a watch, both times
			f := c.Async().ExistsW("/n")
			r := p.want(proto.OpExists)
			require.True(t, f.Cancel())
			p.reply(r.xid, code, &proto.Stat{})
			p.wantRemoval("/n", KindAny, 0)
		}
		f := c.Async().GetW("/n")
		r := p.want(proto.OpGetData)
		require.True(t, f.Cancel())
		p.reply(r.xid, proto.NoNode, nil)
		p.wantSilence()
		go p.answerAll()
		require.NoError(t, c.Close())
	})
}

func TestCloseWithoutServer(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, s *script) {
		c, p := s.start()
		_, _, gone, err := armed(c, p, "/gone")
		require.NoError(t, err)
		_, _, lost, err := armed(c, p, "/lost")
		require.NoError(t, err)
		require.NoError(t, lost.Close())
		p.want(proto.OpRemoveWatches)
		p.conn.Close()
		p = s.accept("a:2181")
		require.NoError(t, gone.Close(), "there is nobody to tell")
		p.welcome(9 * time.Second)
		p.wantSilence()
		require.Equal(t, EventWatchRemoved, (<-gone.C).Type)
		go p.answerAll()
		require.NoError(t, c.Close())
		require.NoError(t, gone.Close())
	})
}

// Watches that no server restores end, with the reason; the session does not.
func TestRefusedWatches(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, s *script) {
		c, p := s.start()
		_, _, w, err := armed(c, p, "/n")
		require.NoError(t, err)
		_, _, waited, err := armed(c, p, "/n")
		require.NoError(t, err)
		lasting := addWatch(t, c, p, "/n", WatchPersistent)
		nodes := make(chan Node, 2)
		c.OnData("/n", func(n Node) bool { nodes <- n; return true })
		p.reply(p.want(proto.OpGetData).xid, 0, &proto.GetDataResponse{})
		<-nodes
		c.mu.Lock()
		c.watches.refuse(ErrMarshallingError)
		c.mu.Unlock()
		require.Equal(t, Event{Type: EventWatchLost, Path: "/n", Zxid: -1, Err: ErrMarshallingError}, <-w.C)
		_, err = waited.Wait(bg)
		require.EqualError(t, err, "zk: watch /n: "+ErrMarshallingError.Error())
		_, err = waited.Wait(bg)
		require.ErrorIs(t, err, ErrNoWatcher)
		for _, err := range lasting.Events(bg) {
			require.ErrorIs(t, err, ErrMarshallingError)
		}
		p.reply(p.want(proto.OpGetData).xid, 0, &proto.GetDataResponse{Stat: proto.Stat{Version: 1}})
		require.Equal(t, EventWatchLost, (<-nodes).Event.Type, "a loop looks again")
		go p.answerAll()
		require.NoError(t, c.Close())
	})
}
