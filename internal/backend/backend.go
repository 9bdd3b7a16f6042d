// Package backend is the seam between the harness and what runs its real
// ensembles: local JVMs, containers, an ensemble that somebody else runs.
package backend

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"time"
)

// ErrUnsupported is what a member answers to a control that its backend does
// not have.
var ErrUnsupported = errors.New("not supported by this backend")

// A MissingError says that a backend cannot run on this machine: a tool is not
// there. A test is skipped, unless ZK_HARNESS_REQUIRE=1 makes that a failure.
type MissingError struct {
	What    string // with all that was tried
	Install string // how to get it
}

func (e *MissingError) Error() string {
	return fmt.Sprintf("%s is missing; get it with: %s", e.What, e.Install)
}

// A Spec is the ensemble that is asked for. Zero values are the backend's
// defaults.
type Spec struct {
	Servers   int           // voting members, 1 or more; they have the ids from 1
	Observers int           // with the ids behind those of the voting members
	Version   string        // its beginning, such as "3.9" or "3.8.6"
	TickTime  time.Duration // the grain of session expiry, whole milliseconds

	Config   []string // lines of zoo.cfg; they come last, and so win
	JVMFlags []string

	// Reconfig has the members in a dynamic configuration file, and lets
	// clients change it.
	Reconfig bool
	// ReadOnly lets a member without quorum serve reads.
	ReadOnly bool
	// AdminServer makes each member serve HTTP commands; see PortAdmin.
	AdminServer bool
	// TLS, unless nil, opens a port for it on each member; see PortTLS.
	TLS *TLS
	// Users are names and passwords of SASL DIGEST-MD5; a JAAS file has them.
	Users map[string]string

	// Fronts are the addresses where the harness listens already for each
	// member. A backend whose members have a network of their own makes these
	// the client addresses that members tell of each other.
	Fronts []string
	// Output is where a backend tells of what it does.
	Output io.Writer
}

// A TLS is what a member proves itself by, and by whom it has clients proved.
// All are PEM.
type TLS struct {
	Cert, Key, CA []byte
	// ClientAuth is "need" (the default), "want" or "none".
	ClientAuth string
}

// A Starter starts an ensemble, which serves when Start returns, and ends all
// that it began when it fails. ctx bounds the start only.
type Starter func(ctx context.Context, s Spec) (Cluster, error)

// A Port is one of a member's.
type Port int

const (
	PortClient Port = iota
	PortTLS
	PortAdmin
)

// A Cluster is an ensemble that runs. Its methods, and those of its members,
// are safe for concurrent use.
type Cluster interface {
	Version() string   // of the running code, such as "3.9.5"; "" when it is not known
	Members() []Member // by id, from 1
	// Partition cuts the members into groups that do not hear each other; a
	// member in no group is alone. Clients still reach all of them.
	Partition(groups ...[]int) error
	// Heal joins them again.
	Heal() error
	// Partitioner says how Partition is done, such as "network namespaces",
	// or why it cannot be.
	Partitioner() string
	// Close ends everything: processes, folders, ports. It can be called more
	// than once.
	Close() error
}

// A Member is one server. All that takes a context returns when it is done:
// Start when the member serves, or has an open port where it cannot serve for
// want of a quorum.
type Member interface {
	ID() int
	Dial(ctx context.Context, port Port) (net.Conn, error)
	Start(ctx context.Context) error  // again, after Stop or Kill, at the same addresses and with its data
	Stop(ctx context.Context) error   // as an administrator does
	Kill(ctx context.Context) error   // as a crash does
	Pause(ctx context.Context) error  // stop it in its tracks; its connections stay
	Resume(ctx context.Context) error // after Pause
	Running() bool                    // started, and neither stopped, killed nor ended by itself
	Logs() string                     // all of the latest start
}
