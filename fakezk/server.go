package fakezk

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"sync"
)

// A Server is one member of an ensemble.
type Server struct {
	ensemble *Ensemble
	running  sync.WaitGroup // its goroutines

	// Guarded by the ensemble's lock:
	addr      string
	listener  net.Listener // nil while stopped
	forTLS    net.Listener // nil while stopped, and without TLS
	tlsAddr   string
	conns     map[*conn]struct{}
	closing   map[*conn]struct{} // of no account any more, but their goroutines run
	perHost   map[string]int
	watches   watches
	stats     serverStats
	traceMask int64
}

func newServer(e *Ensemble, addr string) *Server {
	return &Server{
		ensemble: e, addr: addr, tlsAddr: e.cfg.tls.addr, watches: watches{quirks: &e.cfg.quirks},
		conns: map[*conn]struct{}{}, closing: map[*conn]struct{}{}, perHost: map[string]int{},
	}
}

// Addr is where the server listens, also while it is stopped.
func (s *Server) Addr() string {
	s.ensemble.mu.Lock()
	defer s.ensemble.mu.Unlock()
	return s.addr
}

// SecureAddr is where the server listens for TLS, also while it is stopped; ""
// without TLS.
func (s *Server) SecureAddr() string {
	s.ensemble.mu.Lock()
	defer s.ensemble.mu.Unlock()
	if s.ensemble.cfg.tls.config == nil {
		return ""
	}
	return s.tlsAddr
}

func (e *Ensemble) serving() bool { return e.servers[0].listener != nil && !e.closed }

// Start makes a stopped server listen again at its address. Sessions have
// lived on, and begin their timeouts anew, as after a real server's restart.
func (s *Server) Start() error {
	l, forTLS, err := s.listen()
	if err != nil {
		return fmt.Errorf("fakezk: %w", err)
	}
	e := s.ensemble
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed || s.listener != nil {
		closeListeners(l, forTLS)
		if e.closed {
			return fmt.Errorf("fakezk: server %s cannot start: the ensemble is closed", s.addr)
		}
		return nil
	}
	s.addr, s.listener, s.forTLS = l.Addr().String(), l, forTLS
	s.stats, s.traceMask = newServerStats(e.now()), firstMask
	e.nextSession = max(e.nextSession, firstSessionID(e.cfg.serverID, e.wallClock()))
	for _, session := range e.sessions {
		e.touch(session, e.now(), session.timeout)
	}
	s.running.Go(func() { s.accept(l, false) })
	if forTLS != nil {
		s.tlsAddr = forTLS.Addr().String()
		s.running.Go(func() { s.accept(forTLS, true) })
	}
	return nil
}

// listen listens for clients, and for those that speak TLS.
func (s *Server) listen() (plain, forTLS net.Listener, err error) {
	s.ensemble.mu.Lock()
	addr, tlsAddr, running := s.addr, s.tlsAddr, s.listener != nil
	s.ensemble.mu.Unlock()
	if running {
		return nil, nil, fmt.Errorf("server %s is running", addr)
	}
	if plain, err = s.listenAt(addr); err != nil || s.ensemble.cfg.tls.config == nil {
		return plain, nil, err
	}
	if forTLS, err = s.listenAt(tlsAddr); err != nil {
		return nil, nil, errors.Join(err, plain.Close())
	}
	return plain, forTLS, nil
}

func (s *Server) listenAt(addr string) (net.Listener, error) {
	if s.ensemble.network != nil {
		l, err := s.ensemble.network.Listen(addr)
		if err != nil {
			return nil, err // and no interface of a nil pointer
		}
		return l, nil
	}
	if addr == "" {
		addr = "127.0.0.1:0"
	}
	return net.Listen("tcp", addr)
}

func closeListeners(listeners ...net.Listener) {
	for _, l := range listeners {
		if l != nil {
			l.Close()
		}
	}
}

// Stop ends the server's connections and its listening, and returns when that
// is done. Data and sessions stay; no session expires while it is stopped.
func (s *Server) Stop() error {
	e := s.ensemble
	e.mu.Lock()
	l, forTLS := s.listener, s.forTLS
	s.listener, s.forTLS = nil, nil
	var open []net.Conn
	for c := range s.conns {
		open = append(open, c.net)
	}
	for c := range s.closing {
		open = append(open, c.net)
	}
	e.mu.Unlock()
	closeListeners(l, forTLS)
	for _, nc := range open {
		nc.Close()
	}
	s.running.Wait()
	return nil
}

// Restart stops and starts the server.
func (s *Server) Restart() error {
	if err := s.Stop(); err != nil {
		return err
	}
	return s.Start()
}

func (s *Server) accept(l net.Listener, secure bool) {
	for {
		nc, err := l.Accept()
		if err != nil {
			return // closed
		}
		if secure {
			nc = tls.Server(nc, s.ensemble.cfg.tls.config)
		}
		c := newConn(s, nc)
		c.secure = secure
		if !s.admit(l, c) {
			nc.Close()
		}
	}
}

// admit takes a connection on, unless there are too many.
func (s *Server) admit(l net.Listener, c *conn) bool {
	e := s.ensemble
	e.mu.Lock()
	defer e.mu.Unlock()
	tooMany := e.cfg.maxPerHost > 0 && s.perHost[c.host] >= e.cfg.maxPerHost ||
		e.cfg.maxConns > 0 && len(s.conns) >= e.cfg.maxConns
	if tooMany || s.listener != l && s.forTLS != l {
		s.stats.rejected++
		return false
	}
	s.conns[c] = struct{}{}
	s.perHost[c.host]++
	e.touchConn(c, e.now())
	s.running.Go(c.serve)
	return true
}

// forget takes a connection out of the count.
func (s *Server) forget(c *conn) {
	if _, counted := s.conns[c]; !counted {
		return
	}
	delete(s.conns, c)
	s.closing[c] = struct{}{}
	s.stats.ended(c)
	if s.perHost[c.host]--; s.perHost[c.host] == 0 {
		delete(s.perHost, c.host)
	}
}

// clients are the addresses of all connections.
func (s *Server) clients() (addrs []string) {
	s.ensemble.mu.Lock()
	defer s.ensemble.mu.Unlock()
	for c := range s.conns {
		addrs = append(addrs, c.net.RemoteAddr().String())
	}
	return addrs
}
