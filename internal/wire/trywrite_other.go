//go:build !unix

package wire

import "net"

func tryTCP(*net.TCPConn) TryWriter { return nil }
