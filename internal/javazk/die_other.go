//go:build !linux

package javazk

import "os/exec"

// dieWithParent is a wish that only Linux grants.
func dieWithParent(*exec.Cmd) {}
