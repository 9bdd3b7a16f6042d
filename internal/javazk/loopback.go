package javazk

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"runtime"
)

// A block of ports is claimed by listening on its first one for as long as
// the others are in use. Blocks start at multiples of their size, so that two
// test binaries cannot have parts of the same one. They lie below the ports
// that systems give to outgoing connections.
const (
	blockSize  = 8
	firstBlock = 10000 / blockSize
	lastBlock  = 32000 / blockSize
	claimTries = 100
)

// A claim is a loopback address and a block of ports on it that no other
// claim has.
type claim struct {
	held net.Listener
	host string
	base int
}

// newClaim takes a random address and block. On Linux all of 127/8 is the
// machine's own; elsewhere there is one address.
func newClaim() (claim, error) {
	var last error
	for range claimTries {
		host := "127.0.0.1"
		if runtime.GOOS == "linux" {
			host = fmt.Sprintf("127.%d.%d.%d", 1+rand.IntN(254), rand.IntN(256), 1+rand.IntN(254))
		}
		base := (firstBlock + rand.IntN(lastBlock-firstBlock)) * blockSize
		held, err := net.Listen("tcp4", hostPort(host, base))
		if err != nil {
			last = err
			continue
		}
		if last = allFree(host, base); last == nil {
			return claim{held, host, base}, nil
		}
		held.Close()
	}
	return claim{}, fmt.Errorf("no free ports on loopback in %d tries: %w", claimTries, last)
}

// allFree looks for strangers, who may listen on all addresses.
func allFree(host string, base int) error {
	for port := base + 1; port < base+blockSize; port++ {
		l, err := net.Listen("tcp4", hostPort(host, port))
		if err != nil {
			return err
		}
		l.Close()
	}
	return nil
}

func (c claim) site() site {
	return site{
		clientHost: c.host, otherHost: c.host, peerHost: c.host,
		client: c.base + 1, tls: c.base + 2, admin: c.base + 3,
		quorumPort: c.base + 4, electionPort: c.base + 5,
	}
}

// loopback has each member at a claimed address of the machine's own network,
// where members reach each other by way of relays.
type loopback struct {
	claims []claim
	relays *relays // nil when members reach each other directly
	why    string  // there are no network namespaces
}

// newLoopback claims an address for each of n members. With direct, nothing
// stands between them, and so they cannot be parted.
func newLoopback(n int, direct bool, why string) (_ *loopback, err error) {
	l := &loopback{why: why}
	defer func() {
		if err != nil {
			l.close()
		}
	}()
	for range n {
		c, err := newClaim()
		if err != nil {
			return nil, err
		}
		l.claims = append(l.claims, c)
	}
	if !direct && n > 1 {
		l.relays, err = newRelays(l.claims)
	}
	return l, err
}

func (l *loopback) name() string {
	switch {
	case len(l.claims) == 1:
		return "none: one member has nobody to be parted from"
	case l.relays == nil:
		return "none: members that can be reconfigured tell each other their addresses, so no relay can stand between them; and " + l.why
	default:
		return "relays between the members; " + l.why
	}
}

func (l *loopback) site(i int) site { return l.claims[i].site() }

func (l *loopback) peer(i, j int) peerAddr {
	if i == j || l.relays == nil {
		return l.site(j).self()
	}
	return l.relays.addr(i, j)
}

func (l *loopback) enter(_ int, do func() error) error { return do() }

func (l *loopback) partition(group []int) error {
	if l.relays == nil {
		return errCannotPart(l)
	}
	l.relays.partition(group)
	return nil
}

func (l *loopback) close() error {
	var errs []error
	if l.relays != nil {
		l.relays.close()
	}
	for _, c := range l.claims {
		errs = append(errs, c.held.Close())
	}
	l.claims = nil
	return errors.Join(errs...)
}
