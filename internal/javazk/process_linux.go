package javazk

import (
	"errors"
	"os/exec"
	"syscall"

	"golang.org/x/sys/unix"
)

// detach leaves no server behind when a test binary is killed, and keeps it
// from hearing the interrupt of the binary's terminal.
func detach(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}

// outlive keeps the signals for this process's group from cmd.
func outlive(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }

// pause returns when all threads of the process have stopped.
func (p *process) pause() error {
	if err := p.signal(syscall.SIGSTOP); err != nil {
		return err
	}
	_, err := retried(func() (int, error) {
		return 0, unix.Waitid(unix.P_PID, p.pid(), nil, unix.WSTOPPED, nil)
	})
	if errors.Is(err, unix.ECHILD) {
		return nil // It has ended meanwhile.
	}
	return err
}

func (p *process) resume() error { return p.signal(syscall.SIGCONT) }
