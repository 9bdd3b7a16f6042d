// Package zk is a client for Apache ZooKeeper, from 3.5 on.
//
//	c, err := zk.Dial(ctx, "zk1:2181,zk2:2181,zk3:2181/app")
//	if err != nil {
//		return err
//	}
//	defer c.Close()
//	path, _, err := c.Create(ctx, "/members/m-", nil, zk.EphemeralSequential)
//
// A [Conn] is safe for concurrent use, and meant to be shared: calls that come
// together travel together, and one connection serves many goroutines.
//
// # Connection and session
//
// A [Session] is what the servers keep for a client: its ephemeral nodes live
// as long as it does. A connection may be lost and replaced, by one to another
// server, without harm to the session, if it takes less than the session's
// timeout. [Conn.State] says where a Conn is:
//
//	Connecting -> Connected <-> Suspended -> Lost -> Connected ...
//
// Suspended means not to know: calls wait, and the session may be alive or
// not. Lost means that it is gone: a server says so, or the client has heard
// of none for as long as the session lives. Ephemeral nodes are gone too, or
// will be. The Conn then begins another session by itself.
//
// [LostAfter] sets the time, [Session.Deadline] foretells it, and [OneSession]
// ends the Conn there instead. [Conn.Detach] ends a Conn without its session,
// for [Attach] in another process.
//
// What must stop when the session is lost is best bound to the context of
// [Session.Context], and what must stop already when it is in doubt to
// [Conn.ConnectedContext]. Who wants to see every state uses [Conn.States] or
// [Conn.OnState], and who wants to see less of them [Conn.SteadyStates].
//
// Servers that have lost their ensemble may serve reads; see [CanBeReadOnly].
//
// # Servers
//
// The connect string of [Dial] lists servers, by name or address, or names SRV
// records. Connecting goes in rounds: all of them, in an order that is drawn
// once, and of a name all addresses, which are looked up anew in each round
// ([Resolve]). [ConnectRetry] decides on pauses between rounds, and on when to
// give up; [AttemptTimeout] bounds the time of one server. However servers
// misbehave, the number of attempts in a minute is bounded.
// [Conn.UpdateServers] replaces the list.
//
// # Calls without a connection
//
// A call made while there is no connection waits for one, and is sent then, in
// the order of the calls. Its context bounds the wait. It fails with
// [ErrSessionExpired] if the session is lost meanwhile, since what was meant
// for one session should not happen in another.
//
// A call that was sent and not answered when the connection is lost fails with
// [ErrConnectionLoss]. The server may have done it or not, and this package
// does not guess: nothing is sent twice. [MayHaveApplied] and [NotSent] tell
// such errors from those of calls that surely did nothing.
//
// What can be done twice [Conn.Retry] tries again, by a [RetryPolicy].
// [Conn.CreateProtected] creates one node whatever is lost, and so do
// [Conn.CreateIdempotent] and its siblings what they do.
// [Conn.DeleteGuaranteed] goes on when its caller does not.
//
// # Calls that do not wait
//
// [Conn.Async] makes calls whose results come later, as a [Future] each. They
// travel in the order of the calls, together, so that one goroutine has
// thousands of them under way. [Conn.Txn] collects operations that happen as a
// whole or not at all, and [Conn.ReadTxn] reads at one moment.
//
// What makes sense in one session only is said to a view of it:
// [Conn.InSession].
//
// # Cancellation
//
// When its context ends a call returns at once, or half a millisecond later if
// it is reading its own answer. If it waited it is not sent.
// If it was sent the server will do it all the same: the error says so by
// MayHaveApplied, the answer is thrown away, and a watch that it was to arm is
// not there. No context but that of [Dial] has to do with the connection, and
// that one only until Dial returns. [RequestTimeout] is for contexts without a
// deadline.
//
// # Watches
//
// A [Watch] of [Conn.GetW], [Conn.ExistsW] or [Conn.ChildrenW] fires once. It
// survives reconnects: the next server is told what the client has seen, and
// fires for what it has missed. A [PersistentWatch] goes on until it is
// closed, but no server says what it has missed between connections: so it
// delivers [EventDisconnected] and [EventResync] among its events. No event
// that a server sends is lost, unless [WatchBuffer] says so, and nothing waits
// for who reads it.
//
// Who wants to know what a node is like, rather than what has happened to it,
// uses [Conn.Follow] or [Conn.FollowChildren], which yield its state now and
// whenever it has changed, over lost connections and sessions:
//
//	for node, err := range c.Follow(ctx, "/config") {
//		if err != nil {
//			return err // it cannot pass by itself
//		}
//		use(node.Data)
//	}
//
// [Conn.OnData], [Conn.OnChildren] and [Conn.OnEvent] call a function instead,
// and [Conn.WaitNode] returns at the first state that is as wanted.
//
// An event is delivered before the result of any later call that could show
// its change.
//
// # Who the client is
//
// [TLS] gives connections a certificate, [SASL] a login, [Auth] and
// [Conn.AddAuth] credentials. All of them are given to every server anew,
// before watches and calls, and none is announced as Connected that has not
// accepted them. A server that refuses one of them by its answer ends the Conn,
// with [ErrAuthFailed]; a handshake of TLS that fails is a failed attempt to
// connect.
//
// # Errors
//
// Every error is an [*Error] with the operation and path. It wraps a [Code],
// so that errors.Is(err, zk.ErrNoNode) holds, and errors.Is(err,
// fs.ErrNotExist) as well. Errors of the network never come bare, but joined
// to ErrConnectionLoss.
//
// # Observability
//
// [Logger] is told of connections and sessions. [Hooks] are told of every call,
// connection and event; packages zk/zkprom and zk/zkotel make metrics and
// traces of them. [Conn.Stats] is a snapshot of numbers.
//
// # Limitations
//
// Credentials stay for the life of the Conn, or until another password of the
// same user takes their place. SASL has no layer that protects what is sent
// later: [TLS] does. Before 3.9 servers keep one kind of watch for a path and
// connection, so that persistent and one-shot watches on the same path disturb
// each other there.
package zk
