package wire

import "net"

// tryWriterOf finds the way to write to conn without waiting, or nil.
func tryWriterOf(conn net.Conn) tryWriter {
	if t, ok := conn.(tryWriter); ok {
		return t
	}
	if c, ok := conn.(*net.TCPConn); ok {
		return tryTCP(c)
	}
	return nil
}
