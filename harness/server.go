package harness

import (
	"context"
	"errors"
	"fmt"
	"net"
	"regexp"
	"strings"
	"sync/atomic"
	"time"

	"github.com/zookit/zookit/internal/backend"
)

// roleTime is how long a server may take to tell its role.
const roleTime = 500 * time.Millisecond

// A Server is one member of an ensemble. What it is told to do it has done when
// a method returns; if it cannot the test fails, and if the backend has no such
// thing the test is skipped: Pause and Resume on the fake, all but Role on an
// external ensemble.
type Server struct {
	ensemble *Ensemble
	member   backend.Member
	addr     string
	plain    string // its front without TLS; "" on the fake
	admin    string // address of its AdminServer, "" without
	paused   atomic.Bool
}

// ID is its number in the ensemble, from 1.
func (s *Server) ID() int { return s.member.ID() }

// Addr is where clients reach it, the same all its life.
func (s *Server) Addr() string { return s.addr }

// AdminAddr is the host and port of its AdminServer, which the option
// AdminServer asks for.
func (s *Server) AdminAddr() string {
	if s.admin == "" {
		s.ensemble.t.Helper()
		s.ensemble.t.Fatal("harness: there is no AdminServer: give New the option AdminServer")
	}
	return s.admin
}

func (s *Server) String() string { return fmt.Sprintf("server %d at %s", s.ID(), s.addr) }

// Stop ends it as an administrator does. Its data stays.
func (s *Server) Stop() { s.ensemble.t.Helper(); s.must("stop", s.member.Stop); s.paused.Store(false) }

// Kill ends it as a crash does. What it has acknowledged stays.
func (s *Server) Kill() { s.ensemble.t.Helper(); s.must("kill", s.member.Kill); s.paused.Store(false) }

// Start starts it after Stop or Kill, at the same address and with its data. It
// returns when the server serves, or cannot for want of a quorum.
func (s *Server) Start() { s.ensemble.t.Helper(); s.must("start", s.member.Start) }

// Restart is Stop and Start.
func (s *Server) Restart() { s.ensemble.t.Helper(); s.Stop(); s.Start() }

// Pause stops it in its tracks, until Resume: its connections stay, and
// nothing answers.
func (s *Server) Pause() {
	s.ensemble.t.Helper()
	s.paused.Store(true)
	s.ensemble.avoidPaused()
	s.must("pause", s.member.Pause)
}

// Resume lets a paused server go on.
func (s *Server) Resume() {
	s.ensemble.t.Helper()
	s.must("resume", s.member.Resume)
	s.paused.Store(false)
}

// Logs is what it has logged since it was started last. The fake logs to the
// test's output instead, and an external server elsewhere.
func (s *Server) Logs() string { return s.member.Logs() }

// Role is "standalone", "leader", "follower", "observer" or "read-only"; "" when
// it does not serve, or does not say so before ctx ends or 500 ms have passed.
func (s *Server) Role(ctx context.Context) string {
	ctx, cancel := context.WithTimeout(ctx, roleTime)
	defer cancel()
	answer, err := s.ask(ctx, "srvr")
	if mode := modeLine.FindStringSubmatch(answer); err == nil && mode != nil {
		return mode[1]
	}
	return ""
}

var modeLine = regexp.MustCompile(`(?m)^Mode: ([a-z-]+)`)

// ask asks the server itself, past its front, a four-letter word.
func (s *Server) ask(ctx context.Context, word string) (string, error) {
	return backend.AskPatiently(ctx, s.member, word)
}

// must does what the test needs done.
func (s *Server) must(what string, do func(context.Context) error) {
	t := s.ensemble.t
	t.Helper()
	ctx, cancel := s.ensemble.patient()
	defer cancel()
	if err := do(ctx); errors.Is(err, backend.ErrUnsupported) {
		s.ensemble.unsupported(what+" a server", err.Error())
	} else if err != nil {
		t.Fatalf("harness: %s %v: %v", what, s, err)
	}
}

// dial connects for the harness's own sake, past the front, and not to a
// server that would not answer.
func (s *Server) dial(ctx context.Context) (net.Conn, error) {
	if s.paused.Load() {
		return nil, fmt.Errorf("%v is paused", s)
	}
	return s.member.Dial(ctx, backend.PortClient)
}

// Servers are the members, voting ones first.
func (e *Ensemble) Servers() []*Server { return e.servers }

// Leader is the member that leads, or stands alone. It waits for one until ctx
// ends, 30 s at most, and then fails the test.
func (e *Ensemble) Leader(ctx context.Context) *Server {
	e.t.Helper()
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for pause := time.Millisecond; ; pause = min(2*pause, 50*time.Millisecond) {
		if s := e.leader(ctx); s != nil {
			return s
		}
		select {
		case <-ctx.Done():
			e.t.Fatalf("harness: no member leads: %s", e.roles(context.WithoutCancel(ctx)))
		case <-time.After(pause):
		}
	}
}

func (e *Ensemble) leader(ctx context.Context) *Server {
	for _, s := range e.servers {
		if s.paused.Load() {
			continue
		}
		if role := s.Role(ctx); role == "leader" || role == "standalone" {
			return s
		}
	}
	return nil
}

func (e *Ensemble) roles(ctx context.Context) string {
	var roles []string
	for _, s := range e.servers {
		roles = append(roles, fmt.Sprintf("%v: %q", s, s.Role(ctx)))
	}
	return strings.Join(roles, ", ")
}

// Partition cuts the members into groups that do not hear each other, until
// Heal; a member in no group is alone. Clients still reach all.
func (e *Ensemble) Partition(groups ...[]*Server) {
	e.t.Helper()
	if e.cluster == nil {
		e.unsupported("Partition", "it has one member so far")
	}
	var ids [][]int
	for _, group := range groups {
		var members []int
		for _, s := range group {
			members = append(members, s.ID())
		}
		ids = append(ids, members)
	}
	e.partitioned("partition", e.cluster.Partition(ids...))
}

// Heal joins what Partition has cut.
func (e *Ensemble) Heal() {
	e.t.Helper()
	if e.cluster != nil {
		e.partitioned("heal", e.cluster.Heal())
	}
}

// Partitioner says how Partition is done, such as "network namespaces", or why
// it cannot be.
func (e *Ensemble) Partitioner() string {
	if e.cluster == nil {
		return "the fake has one member so far"
	}
	return e.cluster.Partitioner()
}

func (e *Ensemble) partitioned(what string, err error) {
	e.t.Helper()
	if errors.Is(err, backend.ErrUnsupported) {
		e.unsupported(what, e.cluster.Partitioner())
	} else if err != nil {
		e.t.Fatalf("harness: %s: %v", what, err)
	}
}
