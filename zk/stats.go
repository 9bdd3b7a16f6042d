package zk

import (
	"sync/atomic"
	"time"
)

// Stats are what a Conn knows of itself. The numbers of what there is are of
// the moment; the others count from [Dial] on.
type Stats struct {
	State   State
	Server  string // that it is connected to, or ""
	Session int64  // id of the session, 0 before the first

	Waiting  int // calls that wait for a connection
	InFlight int // calls that were sent and are not answered

	// Paths that are watched, by kind of watch.
	DataWatches       int
	ExistWatches      int // of nodes that are not there
	ChildWatches      int
	PersistentWatches int
	RecursiveWatches  int

	// Requests and pings, and what servers send, but for handshakes; and the
	// bytes of them, without those of TLS.
	PacketsSent     uint64
	PacketsReceived uint64
	BytesSent       uint64
	BytesReceived   uint64

	Connections uint64 // on which a server has accepted the session
	Failures    uint64 // attempts at connecting that have failed
	Sessions    uint64 // that have begun

	RoundTrip time.Duration // of the latest ping, 0 before the first
	Silence   time.Duration // since something was heard of the server, 0 while not connected
}

// counters are what Stats count. What has no comment is guarded by client.mu.
type counters struct {
	packetsSent, bytesSent         uint64
	packetsReceived, bytesReceived uint64
	connections, failures          uint64
	sessions                       uint64
	roundTrip                      atomic.Int64 // ns
}

// Stats is a snapshot. It costs no more than a call's bookkeeping.
func (c *Conn) Stats() Stats {
	s := Stats{State: c.State(), RoundTrip: time.Duration(c.counters.roundTrip.Load())}
	if session := c.Session(); session != nil {
		s.Session = session.ID()
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	s.Server = c.server
	s.Waiting = c.waiting.n
	if l := c.link; l != nil {
		s.InFlight = l.ring.n
		s.Silence = max(0, c.now()-time.Duration(l.heard.Load()))
	}
	w := &c.watches
	s.DataWatches, s.ExistWatches, s.ChildWatches = len(w.oneShots[dataTable]), len(w.oneShots[existTable]), len(w.oneShots[childTable])
	s.PersistentWatches, s.RecursiveWatches = len(w.lasting[WatchPersistent]), len(w.lasting[WatchRecursive])
	n := &c.counters
	s.PacketsSent, s.BytesSent = n.packetsSent, n.bytesSent
	s.PacketsReceived, s.BytesReceived = n.packetsReceived, n.bytesReceived
	s.Connections, s.Failures, s.Sessions = n.connections, n.failures, n.sessions
	return s
}

// sent counts a packet. The caller holds client.mu.
func (n *counters) sent(bytes int) {
	n.packetsSent++
	n.bytesSent += uint64(bytes)
}

// received counts a packet by the length of its frame. The caller holds
// client.mu.
func (n *counters) received(frame int) {
	n.packetsReceived++
	n.bytesReceived += uint64(frame) + 4
}

// receivedAside counts a packet that is no answer to a call.
func (c *client) receivedAside(frame int) {
	c.mu.Lock()
	c.counters.received(frame)
	c.mu.Unlock()
}

// pong takes the answer to a ping.
func (l *link) pong() {
	c := l.client
	took := c.now() - time.Duration(l.pinged.Load())
	c.counters.roundTrip.Store(int64(took))
	c.cfg.hooks.pong(l.at.name, took)
}
