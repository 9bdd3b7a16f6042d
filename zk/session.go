package zk

import (
	"bytes"
	"context"
	"fmt"
	"sync/atomic"
	"time"
)

// A Session is what the server keeps for a client: its ephemeral nodes live as
// long as it does. It survives lost connections. A Conn has one session at a
// time, and begins another when it is lost, but for [OneSession].
type Session struct {
	client   *client
	id       int64
	password []byte
	readOnly bool                         // given by a read-only server, and worth nothing to others
	timeout  atomic.Int64                 // nanoseconds
	heard    atomic.Pointer[atomic.Int64] // of the latest connection; see link
	ctx      context.Context
	lose     context.CancelCauseFunc
}

func (c *client) newSession(id int64, password []byte) *Session {
	s := &Session{client: c, id: id, password: password}
	s.ctx, s.lose = context.WithCancelCause(context.Background())
	return s
}

// String is the id as servers print it, such as "0x100dc0e21130000".
func (s *Session) String() string { return fmt.Sprintf("%#x", uint64(s.id)) }

// ID is never 0.
func (s *Session) ID() int64 { return s.id }

// Password is what [Attach] needs beside the id, 16 bytes.
func (s *Session) Password() []byte { return bytes.Clone(s.password) }

// Timeout is how long the server keeps the session without hearing from the
// client, as granted at the latest connection.
func (s *Session) Timeout() time.Duration { return time.Duration(s.timeout.Load()) }

// Context ends when the session is lost, not when the connection is; for that
// see [Conn.ConnectedContext]. Its cause ([context.Cause]) is
// [ErrSessionExpired], or what has ended the Conn. The client counts a session
// as lost when a server says so, and at its [Session.Deadline].
func (s *Session) Context() context.Context { return s.ctx }

// InSession is a view of the Conn for what makes sense in one session only,
// such as a series of calls that rely on an ephemeral node: once s is lost, or
// if it never was this Conn's, calls fail with [ErrSessionExpired] instead of
// going on in the next session. They were not sent then ([NotSent]). Usually s
// is c.Session(); nil binds to none. The view shares all else with c; AddAuth
// and what removes watches are not bound.
func (c *Conn) InSession(s *Session) *Conn {
	view := *c
	view.bound = s
	return &view
}

// Session is the session now, or the last one where the next is yet to come.
func (c *Conn) Session() *Session { return c.session.Load() }
