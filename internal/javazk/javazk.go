// Package javazk boots a real Apache ZooKeeper for tests: ensembles of local
// JVMs behind internal/backend, and a single server for tests of our own.
package javazk

import (
	"context"
	"errors"
	"time"

	"github.com/zookit/zookit/internal/backend"
	"github.com/zookit/zookit/internal/testenv"
)

// Option changes how Start sets a server up.
type Option func(*backend.Spec)

// Config adds lines to zoo.cfg, where the last of two equal keys wins.
func Config(lines ...string) Option {
	return func(s *backend.Spec) { s.Config = append(s.Config, lines...) }
}

// JVM adds flags to the command line of java.
func JVM(flags ...string) Option {
	return func(s *backend.Spec) { s.JVMFlags = append(s.JVMFlags, flags...) }
}

// TickTime sets tickTime, in milliseconds. The default is 200: sessions may
// last from 2 to 20 ticks, and expire up to one tick late.
func TickTime(ms int) Option {
	return func(s *backend.Spec) { s.TickTime = time.Duration(ms) * time.Millisecond }
}

// Version wants a version by its beginning, such as "3.8". A machine that does
// not have it skips the test. The default takes what there is.
func Version(version string) Option {
	return func(s *backend.Spec) { s.Version = version }
}

// Server is a standalone ZooKeeper in a process of its own, on loopback and
// with a folder in memory.
type Server struct {
	t testenv.TB
	m *member
}

// Start boots a server that serves when Start returns and is gone, with its
// folder, when t is over. Without Java or ZooKeeper it skips t.
func Start(t testenv.TB, opts ...Option) *Server {
	t.Helper()
	spec := backend.Spec{Servers: 1}
	for _, opt := range opts {
		opt(&spec)
	}
	c, err := startCluster(context.Background(), spec, chooseNetwork)
	if missing, ok := errors.AsType[*backend.MissingError](err); ok {
		testenv.Missing(t, missing.What, missing.Install)
	}
	if err != nil {
		t.Fatal(err)
	}
	s := &Server{t, c.members[0]}
	t.Cleanup(s.end)
	return s
}

// Addr is the host and port of the server, the same after every restart.
func (s *Server) Addr() string { return hostPort(s.m.site.clientHost, s.m.site.client) }

// TLSAddr is the host and port for TLS, where the spec has it.
func (s *Server) TLSAddr() string { return hostPort(s.m.site.otherHost, s.m.site.tls) }

// Version is that of the running code, such as 3.9.5.
func (s *Server) Version() string { return s.m.c.version }

// Dir holds zoo.cfg, the folder data and server.log.
func (s *Server) Dir() string { return s.m.dir }

// Kill ends the server as a crash does. What it had acknowledged stays.
func (s *Server) Kill() {
	s.t.Helper()
	if err := s.m.Kill(context.Background()); err != nil {
		s.t.Fatalf("javazk: %v", err)
	}
}

// Start boots the server again after Kill, on the same port and folder.
func (s *Server) Start() {
	s.t.Helper()
	if err := s.m.Start(context.Background()); err != nil {
		s.t.Fatalf("javazk: %v", err)
	}
}

func (s *Server) end() {
	if s.t.Failed() {
		s.t.Logf("javazk: %s", s.m.logTail())
	}
	if err := s.m.c.Close(); err != nil {
		s.t.Error(err)
	}
}
