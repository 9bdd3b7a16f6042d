package record

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"sync"
)

// recording is the text of golden.txt while it grows.
type recording struct {
	mu    sync.Mutex // guards what follows
	text  strings.Builder
	grown chan struct{} // closed at the next line
}

func newRecording() *recording { return &recording{grown: make(chan struct{})} }

func (r *recording) line(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	fmt.Fprintf(&r.text, format+"\n", args...)
	close(r.grown)
	r.grown = make(chan struct{})
}

// String is the text so far, and grown is closed when there is more.
func (r *recording) String() string {
	text, _ := r.state()
	return text
}

func (r *recording) state() (text string, grown <-chan struct{}) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.text.String(), r.grown
}

// proxy passes frames on between clients and server, and records each before
// it passes it on, so that a reply always stands below its request.
type proxy struct {
	server   string
	rec      *recording
	listener net.Listener
	running  sync.WaitGroup

	mu    sync.Mutex // guards what follows
	shut  bool       // new connections are refused
	conns []net.Conn
}

func startProxy(server string, rec *recording) (*proxy, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	p := &proxy{server: server, rec: rec, listener: l}
	p.running.Go(p.accept)
	return p, nil
}

func (p *proxy) addr() string { return p.listener.Addr().String() }

func (p *proxy) close() {
	p.listener.Close()
	p.cut()
	p.running.Wait()
}

// cut ends all connections, and refuses new ones until open.
func (p *proxy) cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.shut = true
	for _, c := range p.conns {
		c.Close()
	}
	p.conns = nil
}

func (p *proxy) open() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.shut = false
}

// admit notes connections for cut, unless it was there first.
func (p *proxy) admit(conns ...net.Conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.shut {
		return false
	}
	p.conns = append(p.conns, conns...)
	return true
}

func (p *proxy) accept() {
	for {
		client, err := p.listener.Accept()
		if err != nil {
			return // closed
		}
		p.running.Go(func() { p.serve(client) })
	}
}

func (p *proxy) serve(client net.Conn) {
	defer client.Close()
	server, err := net.Dial("tcp", p.server)
	if err != nil {
		p.rec.line("# the proxy cannot reach the server: %v", err)
		return
	}
	defer server.Close()
	if !p.admit(client, server) {
		return
	}
	p.rec.line("# a new connection")
	n := &namer{ops: make(map[int32]string)}
	var both sync.WaitGroup
	both.Go(func() { p.pass(client, server, ">", n.request) })
	both.Go(func() { p.pass(server, client, "<", n.reply) })
	both.Wait()
}

// pass ends both connections when one is over.
func (p *proxy) pass(from, to net.Conn, direction string, name func([]byte) (int32, string)) {
	defer from.Close()
	defer to.Close()
	for {
		frame, err := readFrame(from)
		if err != nil {
			if !errors.Is(err, io.EOF) && !errors.Is(err, net.ErrClosed) {
				p.rec.line("# lost: %v", err)
			}
			return
		}
		payload := frame[4:]
		xid, op := name(payload)
		p.rec.line("%s %d %s %x", direction, xid, op, payload)
		if _, err := to.Write(frame); err != nil {
			return
		}
	}
}

// readFrame returns a frame with its length.
func readFrame(r io.Reader) ([]byte, error) {
	frame := make([]byte, 4)
	if _, err := io.ReadFull(r, frame); err != nil {
		return nil, err
	}
	size := int(binary.BigEndian.Uint32(frame))
	frame = slices.Grow(frame, size)[:4+size]
	_, err := io.ReadFull(r, frame[4:])
	return frame, err
}
