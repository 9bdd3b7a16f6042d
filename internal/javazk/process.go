package javazk

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"runtime"
	"syscall"
)

// process is a child that is waited for from its first moment.
type process struct {
	cmd   *exec.Cmd
	ended chan struct{}
	err   error // how it ended; to be read after ended is closed
}

// startProcess starts cmd by means of enter, from a thread that stays until
// cmd has ended: a child that is to die with its parent (see detach) dies
// with the parent's thread.
func startProcess(cmd *exec.Cmd, enter func(do func() error) error) (*process, error) {
	p := &process{cmd: cmd, ended: make(chan struct{})}
	started := make(chan error)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := enter(cmd.Start)
		started <- err
		if cmd.Process != nil {
			p.err = cmd.Wait()
			close(p.ended)
		}
	}()
	err := <-started
	if err != nil && cmd.Process != nil { // started, but the thread is astray
		p.kill()
	}
	return p, err
}

func (p *process) pid() int { return p.cmd.Process.Pid }

func (p *process) running() bool {
	select {
	case <-p.ended:
		return false
	default:
		return true
	}
}

// signal tells a process that has ended nothing.
func (p *process) signal(s syscall.Signal) error {
	if err := p.cmd.Process.Signal(s); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	return nil
}

// kill returns when the process is gone.
func (p *process) kill() {
	p.cmd.Process.Kill() // fails only for a process that has ended
	<-p.ended
}

// terminate asks the process to end, and waits until it has.
func (p *process) terminate(ctx context.Context) error {
	if err := p.signal(syscall.SIGTERM); err != nil {
		return err
	}
	select {
	case <-p.ended:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// here is where this process is.
func here(start func() error) error { return start() }
