//go:build !linux

package wire

import "net"

func newTurn(*net.TCPConn) Turn { return nil }
