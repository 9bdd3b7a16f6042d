package zk

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/internal/proto"
)

// protectedCreate begins a protected create.
func protectedCreate(c *Conn, ctx context.Context, path string, mode CreateMode) (*result, *string) {
	made := new(string)
	return async(func() (err error) {
		*made, _, err = c.CreateProtected(ctx, path, nil, mode)
		return err
	}), made
}

// expired reconnects the client to another session than that of sessionID.
func (s *script) expired(id int64) *peer {
	s.t.Helper()
	p := s.accept("a:2181")
	p.greet()
	p.respond(proto.ConnectResponse{Password: make([]byte, 16)})
	p = s.accept("a:2181")
	p.greet()
	p.respond(proto.ConnectResponse{Timeout: 9000, SessionID: id, Password: make([]byte, 16)})
	return p
}

// A node that is found but belongs to a session that is gone is not ours: it
// would vanish under us. (CURATOR-498)
func TestProtectedNodeOfAnOlderSession(t *testing.T) {
	for _, mode := range []CreateMode{Ephemeral, EphemeralSequential} {
		t.Run(mode.String(), func(t *testing.T) {
			inBubble(t, 1, func(t *testing.T, s *script) {
				c, p := s.start()
				create, made := protectedCreate(c, bg, "/locks/n-", mode)
				first := p.want(proto.OpCreate2).path()
				p.conn.Close()
				p = s.expired(7) // before the next try
				require.Equal(t, "/locks", p.sync())
				found := first
				if mode.sequential() {
					found += "0000000003"
					p.reply(p.want(proto.OpGetChildren).xid, 0, &proto.StringsRecord{Strings: []string{"n-0000000001", found[len("/locks/"):]}})
				}
				r := p.want(proto.OpExists)
				require.Equal(t, found, r.path())
				p.reply(r.xid, 0, &proto.Stat{EphemeralOwner: sessionID})
				r = p.want(proto.OpDelete)
				require.Equal(t, found, r.path())
				p.conn.Close() // it is deleted behind our back, and that must not hit what is made now
				p = s.accept("a:2181")
				p.welcome(9 * time.Second)
				second, deletions := "", 0
				for range 2 { // whichever of the two goroutines comes first
					if r = p.receive(); r.op == proto.OpDelete {
						require.Equal(t, found, r.path())
						p.reply(r.xid, proto.NoNode, nil)
						deletions++
						continue
					}
					require.Equal(t, proto.OpCreate2, r.op)
					second = r.path()
					require.NotEqual(t, first, second, "another UUID (CURATOR-79)")
					p.reply(r.xid, 0, &proto.Create2Response{Path: second})
				}
				require.NoError(t, create.wait())
				require.Equal(t, second, *made)
				require.Equal(t, 1, deletions)
				p.wantSilence()
				go p.answerAll()
				require.NoError(t, c.Close())
			})
		})
	}
}

// sync answers a sync and returns its path.
func (p *peer) sync() string {
	p.t.Helper()
	r := p.want(proto.OpSync)
	p.reply(r.xid, 0, &proto.PathRecord{Path: r.path()})
	return r.path()
}

// A create that the caller no longer waits for is undone, however often that
// takes, under the UUID that nobody uses any more. (CURATOR-45)
func TestProtectedCreateIsUndone(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, s *script) {
		c, p := s.start()
		ctx, cancel := context.WithCancel(bg)
		create, made := protectedCreate(c, ctx, "/n-", PersistentSequential)
		r := p.want(proto.OpCreate2)
		id := r.path()[1:]
		cancel()
		err := create.wait()
		require.ErrorIs(t, err, context.Canceled)
		require.True(t, MayHaveApplied(err))
		require.Empty(t, *made)
		p.reply(r.xid, 0, &proto.Create2Response{Path: r.path() + "0000000005"})
		require.Equal(t, "/", p.sync())
		p.want(proto.OpGetChildren)
		p.conn.Close()
		p = s.expired(7)
		p.sync()
		p.reply(p.want(proto.OpGetChildren).xid, 0, &proto.StringsRecord{Strings: []string{"other", id + "0000000005"}})
		r = p.want(proto.OpDelete)
		require.Equal(t, "/"+id+"0000000005", r.path())
		p.reply(r.xid, 0, nil)
		p.wantSilence()
		go p.answerAll()
		require.NoError(t, c.Close())
	})
}

// Close does not wait for a server that never answers.
func TestCloseWhileACreateIsUndone(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, s *script) {
		c, p := s.start(CommandRetry(RetryNever()))
		create, _ := protectedCreate(c, bg, "/n", Persistent)
		p.want(proto.OpCreate2)
		p.conn.Close()
		require.ErrorIs(t, create.wait(), ErrConnectionLoss)
		synctest.Wait()
		began := time.Now()
		c.Close()
		require.LessOrEqual(t, time.Since(began), time.Second)
	})
}

// Errors that a server gives, and bad arguments, leave nothing to undo.
func TestProtectedCreateThatFails(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, s *script) {
		c, p := s.start()
		create, _ := protectedCreate(c, bg, "/a/n", Persistent)
		p.reply(p.want(proto.OpCreate2).xid, proto.NoNode, nil)
		require.EqualError(t, create.wait(), "zk: create /a/n: node does not exist")
		for _, path := range []string{"", "n", "/", "/a//n", "/a/"} {
			_, _, err := c.CreateProtected(bg, path, nil, Ephemeral)
			require.ErrorIs(t, err, ErrBadArguments, path)
			require.True(t, NotSent(err))
		}
		_, _, err := c.CreateProtectedTTL(bg, "/n", nil, Ephemeral, time.Second)
		require.ErrorIs(t, err, ErrBadArguments)
		_, _, err = c.CreateProtected(bg, "/n", nil, CreateMode(9))
		require.ErrorIs(t, err, ErrBadArguments)
		p.wantSilence()
		create, made := protectedCreate(c, bg, "/a/", PersistentSequential) // digits alone
		r := p.want(proto.OpCreate2)
		p.reply(r.xid, 0, &proto.Create2Response{Path: r.path() + "0000000000"})
		require.NoError(t, create.wait())
		_, rest, ok := SplitProtected((*made)[len("/a/"):])
		require.True(t, ok)
		require.Equal(t, "0000000000", rest)
		go p.answerAll()
		require.NoError(t, c.Close())
	})
}

// Two clients with one seed, as tests have them, draw different UUIDs, and the
// same ones in the next run.
func TestUUIDsRepeatBySeed(t *testing.T) {
	draw := func(session int64) (all []string) {
		inBubble(t, 1, func(t *testing.T, s *script) {
			wait := s.dial("a")
			p := s.accept("a:2181")
			p.greet()
			p.respond(proto.ConnectResponse{Timeout: 9000, SessionID: session, Password: make([]byte, 16)})
			c, err := wait()
			require.NoError(t, err)
			for range 100 {
				id := c.newUUID()
				require.Regexp(t, "^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$", id)
				require.NotContains(t, all, id)
				all = append(all, id)
			}
			go p.answerAll()
			require.NoError(t, c.Close())
		})
		return all
	}
	one, two := draw(1), draw(2)
	require.Equal(t, one, draw(1))
	for _, id := range one {
		require.NotContains(t, two, id)
	}
}

// What goes on behind the caller's back is not bound to the caller's session.
func TestGuaranteedDeletionOutlivesTheSessionOfItsView(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, s *script) {
		c, p := s.start()
		deletion := async(func() error { return c.InSession(c.Session()).DeleteGuaranteed(bg, "/n", AnyVersion) })
		p.want(proto.OpDelete)
		p.conn.Close()
		require.ErrorIs(t, deletion.wait(), ErrConnectionLoss)
		p = s.expired(7)
		p.reply(p.want(proto.OpDelete).xid, 0, nil)
		p.wantSilence()
		go p.answerAll()
		require.NoError(t, c.Close())
	})
}
