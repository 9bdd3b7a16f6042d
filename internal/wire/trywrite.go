package wire

import "net"

// A TryWriter writes what it can without waiting. Fewer bytes than given and
// no error mean that more would have to wait.
type TryWriter interface {
	TryWrite(b []byte) (int, error)
}

// TryWriterOf finds the way to write to conn without waiting, or nil. A type
// that wraps a connection passes on its TryWriter to keep it.
func TryWriterOf(conn net.Conn) TryWriter {
	if t, ok := conn.(TryWriter); ok {
		return t
	}
	if c, ok := conn.(*net.TCPConn); ok {
		return tryTCP(c)
	}
	return nil
}
