//go:build unix

package wire

import (
	"net"
	"os"
	"syscall"
)

// tcpWriter writes to a non-blocking socket once. Its fields carry the
// arguments of one call, so that the call allocates no closure.
type tcpWriter struct {
	raw  syscall.RawConn
	once func(fd uintptr) bool
	b    []byte
	n    int
	err  error
}

func tryTCP(c *net.TCPConn) TryWriter {
	raw, err := c.SyscallConn()
	if err != nil {
		return nil
	}
	w := &tcpWriter{raw: raw}
	w.once = w.writeOnce
	return w
}

// TryWrite is called by one goroutine at a time.
func (w *tcpWriter) TryWrite(b []byte) (int, error) {
	w.b, w.n, w.err = b, 0, nil
	err := w.raw.Write(w.once)
	w.b = nil
	if err == nil {
		err = w.err
	}
	return w.n, err
}

func (w *tcpWriter) writeOnce(fd uintptr) bool {
	for {
		n, err := syscall.Write(int(fd), w.b)
		switch err {
		case nil:
			w.n = n
		case syscall.EINTR:
			continue
		case syscall.EAGAIN:
		default:
			w.err = os.NewSyscallError("write", err)
		}
		return true
	}
}
