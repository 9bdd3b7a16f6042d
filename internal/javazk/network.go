package javazk

import (
	"context"
	"fmt"
	"net"
	"strconv"

	"github.com/zookit/zookit/internal/backend"
)

// A network is where the members of one ensemble live and hear each other.
// Members are told by their place from 0.
type network interface {
	name() string // also why it is no better one
	site(i int) site
	// peer is the host and ports at which member i finds member j.
	peer(i, j int) peerAddr
	// enter runs do on a thread that is in the network of member i.
	enter(i int, do func() error) error
	// partition cuts between members of different groups; group[i] is that of
	// member i, from 0.
	partition(group []int) error
	close() error
}

// A site is where one member listens. None of its ports can be somebody
// else's.
type site struct {
	clientHost, otherHost    string // for clients; for TLS and AdminServer
	client, tls, admin       int
	peerHost                 string
	quorumPort, electionPort int
}

// A peerAddr is what a line server.N says of where a member is.
type peerAddr struct {
	host             string
	quorum, election int
}

func (s site) self() peerAddr { return peerAddr{s.peerHost, s.quorumPort, s.electionPort} }

func hostPort(host string, port int) string { return net.JoinHostPort(host, strconv.Itoa(port)) }

// dialIn connects to addr, a literal address, in the network of member i.
// Package net makes the socket of such a call on the caller's own thread.
func dialIn(ctx context.Context, n network, i int, addr string) (conn net.Conn, err error) {
	err = n.enter(i, func() (err error) {
		var d net.Dialer
		conn, err = d.DialContext(ctx, "tcp", addr)
		return err
	})
	return conn, err
}

// errCannotPart says why the members cannot be parted.
func errCannotPart(n network) error {
	return fmt.Errorf("%w: the partitioner here is %s", backend.ErrUnsupported, n.name())
}
