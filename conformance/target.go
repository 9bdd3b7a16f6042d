package conformance

import (
	"context"
	"net"
	"testing"
)

// A Target makes the servers that cases are played on.
type Target struct {
	// Name is what reports call it.
	Name string
	// Version is that of its servers, one of Versions or the beginning of one:
	// cases compare with what a real server of this version answered. The
	// default is the newest.
	Version string
	// Members is how many voting members its ensembles have; 0 is 1. Cases
	// that need more are skipped.
	Members int
	// Features are what its servers have beside the client port. Cases that
	// need another are skipped.
	Features []Feature
	// Virtual says that servers live in memory: each case is played in a
	// testing/synctest bubble on a server of its own.
	Virtual bool
	// Start starts a server with the properties, "key=value" as in zoo.cfg, or
	// as in -D flags of its JVM for those that zoo.cfg does not have. It ends
	// with t, and it fails or skips t when there is none.
	Start func(t testing.TB, properties []string) Server
}

// A Server is what cases are played on: an ensemble of Target.Members.
type Server interface {
	// Dial connects to a port of a member; members count from 0.
	Dial(ctx context.Context, member int, port Port) (net.Conn, error)
}

// A Controller is a Server with members that can be controlled. Cases that
// need it are skipped where there is none, or where it answers ErrUnsupported.
type Controller interface {
	Server
	// Members is how many there are.
	Members() int
	// Control does something to a member, and returns when it is done.
	Control(ctx context.Context, member int, do Action) error
	// Leader is the member that leads, or -1 where one stands alone.
	Leader(ctx context.Context) (int, error)
	// Partition cuts members into groups that do not hear each other; none
	// heals.
	Partition(groups ...[]int) error
}

// A Port is one of a member's.
type Port string

const (
	ClientPort Port = "client"
	AdminPort  Port = "admin" // of the AdminServer
	TLSPort    Port = "tls"
)

// A Feature is something that a target may not have.
type Feature string

const (
	Admin Feature = "admin" // an AdminServer, when the properties enable it
	// Snapshots says that the AdminServer can send one.
	Snapshots Feature = "snapshots"
	// Loopback says that servers see their clients at 127.0.0.1.
	Loopback Feature = "loopback"
	SASL     Feature = "sasl" // users of DIGEST-MD5
	TLS      Feature = "tls"  // a port for TLS
)

// An Action is what a Controller does to a member.
type Action string

const (
	Stop   Action = "stop" // in order
	Kill   Action = "kill" // as a crash
	Start  Action = "start"
	Pause  Action = "pause"
	Resume Action = "resume"
)
