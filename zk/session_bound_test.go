package zk

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/internal/proto"
)

// What is bound to a session ends with it: what waits, what is made before the
// next session, and what is made in that one. What is not bound goes on.
func TestInSession(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, s *script) {
		c, p := s.start()
		other := c.newSession(8, nil) // as if of another Conn
		first := c.Session()
		bound := c.InSession(first)
		ended := func(err error) {
			t.Helper()
			require.ErrorIs(t, err, ErrSessionExpired)
			require.True(t, NotSent(err))
		}
		get := asyncGet(bound, bg, "/n")
		p.wantPaths("/n")
		require.NoError(t, get.wait(), "as ever while it lives")
		_, _, err := c.InSession(other).Get(bg, "/n")
		ended(err)

		p.conn.Close()
		synctest.Wait()
		waits, later := asyncGet(bound, bg, "/n"), bound.Async().Get("/n")
		foreign := asyncGet(c.InSession(other), bg, "/n")
		p = s.accept("a:2181")
		p.welcome(9 * time.Second)
		ended(foreign.wait())
		p.wantPaths("/n", "/n") // it is the same session
		require.NoError(t, waits.wait())
		wantGot(t, later, "/n")

		p.conn.Close()
		synctest.Wait()
		waits, later = asyncGet(bound, bg, "/n"), bound.Async().Get("/n")
		_, err = c.WaitState(bg, Lost)
		require.NoError(t, err)
		ended(waits.wait())
		_, err = later.Wait(bg)
		ended(err)
		_, _, err = bound.Get(bg, "/n")
		ended(err)
		free := asyncGet(c, bg, "/free")
		for p = s.accept("a:2181"); p.greet().SessionID != 0; p = s.accept("a:2181") {
			p.wantEnd()
		}
		p.respond(proto.ConnectResponse{Timeout: 9000, SessionID: 8, Password: make([]byte, 16)})
		p.wantPaths("/free")
		require.NoError(t, free.wait())

		ended(bound.Chroot("/app").Delete(bg, "/n", AnyVersion))
		ended(bound.Txn().Commit(bg))
		_, err = bound.Async().Config().Wait(bg)
		ended(err)
		_, _, _, err = bound.GetW(bg, "/n")
		ended(err)
		_, err = bound.AddWatch(bg, "/n", WatchRecursive)
		ended(err)
		p.wantSilence()
		get = asyncGet(c.InSession(c.Session()), bg, "/n")
		p.wantPaths("/n")
		require.NoError(t, get.wait())
		go p.answerAll()
		require.NoError(t, c.Close())
	})
}

// The ACL of creates without one is that of the option, in whatever form.
func TestDefaultACL(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, s *script) {
		mine := []ACL{AuthACL(PermAll), WorldACL(PermRead)}
		c, p := s.start(DefaultACL(mine...))
		mine[1] = WorldACL(PermAll)
		tx := c.Txn()
		tx.Create("/n", nil, Persistent)
		calls := []func(acl ...ACL){
			func(acl ...ACL) {
				async(func() error { _, _, err := c.Create(bg, "/n", nil, Ephemeral, acl...); return err })
			},
			func(acl ...ACL) { c.Chroot("/app").Async().Create("/n", nil, Container, acl...) },
			func(acl ...ACL) { c.Async().CreateTTL("/n", nil, Persistent, time.Second, acl...) },
			func(acl ...ACL) { c.Async().Multi(CreateOp("/n", nil, Persistent, acl...)) },
			func(acl ...ACL) {
				tx := c.Txn()
				tx.Create("/n", nil, Persistent, acl...)
				c.Async().Commit(tx)
			},
		}
		for _, call := range calls {
			call()
			body := string(p.receive().body)
			require.Contains(t, body, "\x00\x00\x00\x02\x00\x00\x00\x1f\x00\x00\x00\x04auth\x00\x00\x00\x00\x00\x00\x00\x01\x00\x00\x00\x05world\x00\x00\x00\x06anyone")
			call(DigestACL(PermRead, "bob", "secret"))
			body = string(p.receive().body)
			require.Contains(t, body, "\x00\x00\x00\x01\x00\x00\x00\x01\x00\x00\x00\x06digest")
			require.NotContains(t, body, "world")
		}
		p.conn.Close()
		c.Close()
	})
}
