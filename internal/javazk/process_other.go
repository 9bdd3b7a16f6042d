//go:build !unix

package javazk

import (
	"os/exec"

	"github.com/zookit/zookit/internal/backend"
)

func detach(*exec.Cmd)  {}
func outlive(*exec.Cmd) {}

func (p *process) pause() error  { return backend.ErrUnsupported }
func (p *process) resume() error { return backend.ErrUnsupported }
