package wire

import "net"

// A Turn is the right to read a connection, which one goroutine has at a time.
// One of them, the reader, is there for good, and waits until there is
// something to read. Others take the turn while it waits: what arrives then
// wakes them and not the reader, so that nobody has to hand it over.
type Turn interface {
	// Take is false if somebody has the turn.
	Take() bool
	// Give ends a turn. If there is something to read, it is the reader's.
	Give()
	// Await is Give for the reader, and waits until it has the turn again:
	// there is something to read, or the Turn has been closed.
	Await()
	// Close ends the waiting. The connection must have been closed.
	Close()
}

// NewTurn is the turn to read conn, had by the caller, or nil where there is
// no way to wait without reading.
func NewTurn(conn net.Conn) Turn {
	if c, ok := conn.(*net.TCPConn); ok {
		return newTurn(c)
	}
	return nil
}
