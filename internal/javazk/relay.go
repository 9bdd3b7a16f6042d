package javazk

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"slices"
	"sync"
	"time"
)

// relays stand between members that share the machine's network: for each
// member, a listener for every port of every other one. Between members that
// are parted they go silent and lose nothing, as a network does whose cable is
// pulled and plugged in again before anybody gave up.
type relays struct {
	targets []site
	routes  map[[2]int]route // from member, to member

	done    chan struct{}
	running sync.WaitGroup

	mu      sync.Mutex
	group   []int                 // of each member
	changed chan struct{}         // closed when group changes
	conns   map[net.Conn]struct{} // nil when closed
}

type route struct{ quorum, election net.Listener }

func newRelays(claims []claim) (*relays, error) {
	r := &relays{
		routes: map[[2]int]route{}, group: make([]int, len(claims)),
		done: make(chan struct{}), changed: make(chan struct{}), conns: map[net.Conn]struct{}{},
	}
	for _, c := range claims {
		r.targets = append(r.targets, c.site())
	}
	for i, from := range claims {
		for j := range claims {
			if i == j {
				continue
			}
			if err := r.open(from.host, i, j); err != nil {
				r.close()
				return nil, fmt.Errorf("relay from member %d to %d: %w", i+1, j+1, err)
			}
		}
	}
	for between, route := range r.routes {
		target := r.targets[between[1]]
		r.running.Add(2)
		go r.serve(between, route.quorum, hostPort(target.peerHost, target.quorumPort), nil)
		go r.serve(between, route.election, hostPort(target.peerHost, target.electionPort), r.announceRelay)
	}
	return r, nil
}

func (r *relays) open(host string, i, j int) error {
	quorum, err := net.Listen("tcp4", hostPort(host, 0))
	if err != nil {
		return err
	}
	election, err := net.Listen("tcp4", hostPort(host, 0))
	if err != nil {
		quorum.Close()
		return err
	}
	r.routes[[2]int{i, j}] = route{quorum, election}
	return nil
}

// addr is where member i finds member j.
func (r *relays) addr(i, j int) peerAddr {
	to := r.routes[[2]int{i, j}]
	quorum, election := to.quorum.Addr().(*net.TCPAddr), to.election.Addr().(*net.TCPAddr)
	return peerAddr{quorum.IP.String(), quorum.Port, election.Port}
}

func (r *relays) partition(group []int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.group = slices.Clone(group)
	close(r.changed)
	r.changed = make(chan struct{})
}

// pass waits until two members hear each other, and tells false when there is
// nothing to wait for any more.
func (r *relays) pass(between [2]int) bool {
	for {
		r.mu.Lock()
		open, changed := r.group[between[0]] == r.group[between[1]], r.changed
		r.mu.Unlock()
		if open {
			return true
		}
		select {
		case <-changed:
		case <-r.done:
			return false
		}
	}
}

// A greeting rewrites what the side that connects says first.
type greeting func(between [2]int, from io.Reader, to io.Writer) error

func (r *relays) serve(between [2]int, l net.Listener, target string, greet greeting) {
	defer r.running.Done()
	for {
		conn, err := l.Accept()
		if err != nil {
			return // closed
		}
		if r.add(conn) {
			r.running.Add(1)
			go r.relay(between, conn, target, greet)
		}
	}
}

func (r *relays) relay(between [2]int, conn net.Conn, target string, greet greeting) {
	defer r.running.Done()
	defer r.remove(conn)
	if !r.pass(between) {
		return
	}
	patience := time.Duration(0)
	if greet == nil {
		patience = leaderPatience
	}
	server, err := r.dial(target, patience)
	if err != nil || !r.add(server) {
		return
	}
	defer r.remove(server)
	if greet != nil && greet(between, conn, server) != nil {
		return
	}
	back := make(chan struct{})
	go func() {
		defer close(back)
		r.pump(between, server, conn)
	}()
	r.pump(between, conn, server)
	<-back
}

// leaderPatience is how long a new leader may take to listen for followers. A
// follower calls it again that is refused, but a relay cannot refuse: it has
// accepted, and a connection that breaks sends the follower back to vote
// while the leader waits for it.
const leaderPatience = 2 * time.Second

func (r *relays) dial(target string, patience time.Duration) (net.Conn, error) {
	for deadline := time.Now().Add(patience); ; {
		conn, err := net.DialTimeout("tcp4", target, time.Second)
		if err == nil || time.Now().After(deadline) {
			return conn, err
		}
		select {
		case <-r.done:
			return nil, err
		case <-time.After(10 * time.Millisecond): // until the next try
		}
	}
}

// pump copies until either side ends, and then ends both.
func (r *relays) pump(between [2]int, from, to net.Conn) {
	defer from.Close()
	defer to.Close()
	b := make([]byte, 32<<10)
	for {
		n, err := from.Read(b)
		if !r.pass(between) {
			return
		}
		if _, failed := to.Write(b[:n]); failed != nil || err != nil {
			return
		}
	}
}

// add remembers a connection, or closes it when all is over.
func (r *relays) add(conn net.Conn) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.conns == nil {
		conn.Close()
		return false
	}
	r.conns[conn] = struct{}{}
	return true
}

func (r *relays) remove(conn net.Conn) {
	conn.Close()
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.conns, conn)
}

// close ends all connections, and waits for the last goroutine.
func (r *relays) close() {
	for _, route := range r.routes {
		route.quorum.Close()
		route.election.Close()
	}
	r.mu.Lock()
	if r.conns != nil {
		close(r.done)
	}
	for conn := range r.conns {
		conn.Close()
	}
	r.conns = nil
	r.mu.Unlock()
	r.running.Wait()
}

// A member that calls another one for an election says first who it is and,
// since 3.5, at which addresses it can be called back. These are those it
// listens on, without a relay; announceRelay puts the relay's in their place.
//
//	3.4         id int64
//	since 3.5   version int64 (negative), id int64, length int32, addresses
func (r *relays) announceRelay(between [2]int, from io.Reader, to io.Writer) error {
	const mostAddresses = 4 << 10
	head := make([]byte, 8, 20)
	if _, err := io.ReadFull(from, head); err != nil {
		return err
	}
	if int64(binary.BigEndian.Uint64(head)) >= 0 {
		_, err := to.Write(head)
		return err
	}
	head = head[:20]
	if _, err := io.ReadFull(from, head[8:]); err != nil {
		return err
	}
	length := binary.BigEndian.Uint32(head[16:])
	if length > mostAddresses {
		return fmt.Errorf("addresses of %d bytes", length)
	}
	addresses := make([]byte, length)
	if _, err := io.ReadFull(from, addresses); err != nil {
		return err
	}
	caller, called := between[0], between[1]
	back := r.addr(called, caller)
	own := r.targets[caller]
	addresses = bytes.ReplaceAll(addresses,
		[]byte(hostPort(own.peerHost, own.electionPort)), []byte(hostPort(back.host, back.election)))
	message := binary.BigEndian.AppendUint32(head[:16], uint32(len(addresses)))
	_, err := to.Write(append(message, addresses...))
	return err
}
