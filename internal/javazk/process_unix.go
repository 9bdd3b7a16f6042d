//go:build unix && !linux

package javazk

import (
	"os/exec"
	"syscall"
)

// detach keeps the interrupt of a terminal from a server. That it dies with
// the test binary is up to the reaper.
func detach(cmd *exec.Cmd) { outlive(cmd) }

// outlive keeps the signals for this process's group from cmd.
func outlive(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }

func (p *process) pause() error  { return p.signal(syscall.SIGSTOP) }
func (p *process) resume() error { return p.signal(syscall.SIGCONT) }
