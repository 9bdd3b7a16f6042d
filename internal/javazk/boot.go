package javazk

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"time"
)

const (
	bootTime  = 30 * time.Second
	bootTries = 5
)

var errPortTaken = errors.New("the port was taken")

// boot starts the process and waits until it serves. A Java server cannot be
// handed a listening socket, so somebody else may get the port first: then all
// is done again, with another port unless this is a restart.
func (s *Server) boot() error {
	restart := s.port != 0
	deadline := time.Now().Add(bootTime)
	for try := 1; ; try++ {
		if !restart {
			port, err := freePort()
			if err != nil {
				return fmt.Errorf("find a free port: %w", err)
			}
			s.port = port
		}
		err := s.bootOnce(deadline)
		if err == nil {
			return nil
		}
		if !errors.Is(err, errPortTaken) || try == bootTries {
			return fmt.Errorf("boot ZooKeeper %s at %s, try %d: %w", s.version, s.Addr(), try, err)
		}
	}
}

func (s *Server) bootOnce(deadline time.Time) error {
	if err := s.writeConfig(); err != nil {
		return err
	}
	log, err := os.Create(s.logFile())
	if err != nil {
		return err
	}
	defer log.Close() // The process has its own descriptor.
	p, err := startProcess(s.command(), log)
	if err != nil {
		return err
	}
	if err := s.awaitServing(p, deadline); err != nil {
		p.kill()
		return err
	}
	s.running = p
	return nil
}

// awaitServing asks until the answer names a mode. That the port is open, or
// that ruok says imok, means nothing yet.
func (s *Server) awaitServing(p *process, deadline time.Time) error {
	for {
		answer, err := srvr(s.Addr())
		if strings.Contains(answer, "Mode: ") {
			return nil
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("not serving within %v; last answer to srvr: %q, %v", bootTime, answer, err)
		}
		select {
		case <-p.ended:
			if strings.Contains(s.logTail(), "Address already in use") {
				return errPortTaken
			}
			return fmt.Errorf("java ended: %v", p.err)
		case <-time.After(10 * time.Millisecond): // until the next question
		}
	}
}

// process is a child that is waited for from its first moment.
type process struct {
	cmd   *exec.Cmd
	ended chan struct{}
	err   error // how it ended; to be read after ended is closed
}

// startProcess starts cmd from a thread that stays until cmd has ended, since
// a child that is to die with its parent dies with the parent's thread.
func startProcess(cmd *exec.Cmd, output *os.File) (*process, error) {
	cmd.Stdout, cmd.Stderr = output, output
	dieWithParent(cmd)
	p := &process{cmd: cmd, ended: make(chan struct{})}
	started := make(chan error)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		started <- err
		if err == nil {
			p.err = cmd.Wait()
			close(p.ended)
		}
	}()
	return p, <-started
}

// kill returns when the process is gone.
func (p *process) kill() {
	p.cmd.Process.Kill() // fails only for a process that has ended
	<-p.ended
}

// freePort is a port that was free a moment ago.
func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}

// srvr asks the server for its state.
func srvr(addr string) (string, error) { return ask(addr, "srvr") }

// ask sends a four letter word on a connection of its own. A booting server
// may accept a connection and then never answer it, so the patience is short.
func ask(addr, word string) (string, error) {
	const patience = 150 * time.Millisecond
	conn, err := net.DialTimeout("tcp", addr, patience)
	if err != nil {
		return "", err
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		return "", err
	}
	if _, err := conn.Write([]byte(word)); err != nil {
		return "", err
	}
	answer, err := io.ReadAll(conn)
	return string(answer), err
}
