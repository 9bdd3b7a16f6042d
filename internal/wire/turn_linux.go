package wire

import (
	"net"
	"os"
	"syscall"
)

// A tcpTurn has an epoll of its own with the socket in it, for which the
// reader waits in the runtime's poller. It is armed while nobody has the turn.
type tcpTurn struct {
	free  chan struct{} // one slot, filled while nobody has the turn
	file  *os.File      // the epoll
	epoll syscall.RawConn
	sock  syscall.RawConn

	// Arguments of one call, of who has the turn, so that it allocates no closure.
	op     int
	event  syscall.EpollEvent
	err    error
	sockFD int
	onSock func(fd uintptr)
	modify func(fd uintptr)
	ready  func(fd uintptr) bool
	events [1]syscall.EpollEvent // of the reader
}

func newTurn(conn *net.TCPConn) Turn {
	fd, err := syscall.EpollCreate1(syscall.EPOLL_CLOEXEC)
	if err != nil {
		return nil
	}
	syscall.SetNonblock(fd, true) // so that the runtime's poller takes it
	t := &tcpTurn{free: make(chan struct{}, 1), file: os.NewFile(uintptr(fd), "epoll")}
	t.onSock, t.modify, t.ready = t.setSock, t.setEpoll, t.collect
	if t.epoll, err = t.file.SyscallConn(); err == nil {
		if t.sock, err = conn.SyscallConn(); err == nil {
			err = t.set(syscall.EPOLL_CTL_ADD, 0)
		}
	}
	if err != nil {
		t.file.Close()
		return nil
	}
	return t
}

func (t *tcpTurn) Take() bool {
	select {
	case <-t.free:
		t.set(syscall.EPOLL_CTL_MOD, 0)
		return true
	default:
		return false
	}
}

func (t *tcpTurn) Give() {
	t.set(syscall.EPOLL_CTL_MOD, syscall.EPOLLIN|syscall.EPOLLONESHOT)
	t.free <- struct{}{}
}

func (t *tcpTurn) Await() {
	t.Give()
	t.epoll.Read(t.ready) // fails when it is closed
	<-t.free
}

func (t *tcpTurn) Close() { t.file.Close() }

// set says of what the epoll is to tell.
func (t *tcpTurn) set(op int, events uint32) error {
	t.op, t.event.Events, t.err = op, events, nil
	if err := t.sock.Control(t.onSock); err != nil {
		return err
	}
	return t.err
}

func (t *tcpTurn) setSock(fd uintptr) {
	t.sockFD = int(fd)
	t.epoll.Control(t.modify)
}

func (t *tcpTurn) setEpoll(fd uintptr) {
	t.err = syscall.EpollCtl(int(fd), t.op, t.sockFD, &t.event)
}

// collect tells whether there is something to read, and disarms the epoll if so.
func (t *tcpTurn) collect(fd uintptr) bool {
	n, _ := syscall.EpollWait(int(fd), t.events[:], 0)
	return n > 0
}
