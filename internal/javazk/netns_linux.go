package javazk

import (
	"errors"
	"fmt"
	"net"
	"runtime"
	"slices"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// namespaces has each member in a network namespace of its own, with a cable
// to a bridge in one more namespace, the switch. None of them has a name:
// they are held by descriptors and processes, and go with these. A partition
// plugs the cables of each group into a bridge of its own; what is sent to
// the other side is lost without a word, as between machines.
type namespaces struct {
	fronts []int // client ports

	mu      sync.RWMutex // guards the descriptors from being closed in use
	hub     int          // descriptor of the switch; -1 when closed
	members []int        // descriptors

	bridges []int // interface indexes, made when first wanted
	cables  []int // interface indexes of the switch's ends
	group   []int // the bridge of each cable; -1 for none yet
}

const (
	hubName  = "network namespaces"
	cableEnd = "eth0"
)

// newNamespaces makes the namespaces for members whose client ports are
// given. It fails where the process may not: then members live on loopback.
func newNamespaces(fronts []int) (_ network, err error) {
	n := &namespaces{hub: -1, fronts: fronts, group: slices.Repeat([]int{-1}, len(fronts))}
	defer func() {
		if err != nil {
			n.close()
		}
	}()
	if n.hub, err = newNamespace(); err != nil {
		return nil, err
	}
	for range fronts {
		ns, err := newNamespace()
		if err != nil {
			return nil, err
		}
		n.members = append(n.members, ns)
	}
	if err := n.within(&n.hub, n.lay); err != nil {
		return nil, fmt.Errorf("switch: %w", err)
	}
	for i := range n.members {
		if err := n.enter(i, func() error { return n.setUp(i) }); err != nil {
			return nil, fmt.Errorf("namespace of member %d: %w", i+1, err)
		}
	}
	if err := n.within(&n.hub, n.awaitCables); err != nil {
		return nil, err
	}
	return n, n.partition(make([]int, len(fronts)))
}

// lay lays a cable from the switch to each member.
func (n *namespaces) lay() error {
	nl, err := openNetlink()
	if err != nil {
		return err
	}
	defer nl.close()
	for i, ns := range n.members {
		name := fmt.Sprintf("member%d", i+1)
		if err := nl.addCable(name, ns, cableEnd, hardware(i)); err != nil {
			return fmt.Errorf("cable to member %d: %w", i+1, err)
		}
		index, err := nl.index(name)
		if err != nil {
			return err
		}
		n.cables = append(n.cables, index)
	}
	return nil
}

func (n *namespaces) needBridges(nl *netlink, count int) error {
	for len(n.bridges) < count {
		name := fmt.Sprintf("bridge%d", len(n.bridges))
		if err := nl.addBridge(name); err != nil {
			return fmt.Errorf("add bridge: %w", err)
		}
		index, err := nl.index(name)
		if err != nil {
			return err
		}
		n.bridges = append(n.bridges, index)
	}
	return nil
}

// setUp gives a member its addresses. It knows where the others are for good,
// so that while they are away what it sends them is lost, and not refused.
func (n *namespaces) setUp(i int) error {
	nl, err := openNetlink()
	if err != nil {
		return err
	}
	defer nl.close()
	lo, err := nl.index("lo")
	if err != nil {
		return err
	}
	end, err := nl.index(cableEnd)
	if err != nil {
		return err
	}
	if err := errors.Join(nl.setUp(lo), nl.addAddress(end, internet(i)), nl.setUp(end)); err != nil {
		return err
	}
	for j := range n.members {
		if j == i {
			continue
		}
		if err := nl.addNeighbor(end, internet(j), hardware(j)); err != nil {
			return fmt.Errorf("neighbor: %w", err)
		}
	}
	return nil
}

// awaitCables waits until the switch has noticed that the other ends are up,
// which the kernel tells it in the background. What is plugged in earlier
// would lose the first words, and those are said again only after a second.
func (n *namespaces) awaitCables() error {
	const most = 5 * time.Second
	deadline := time.Now().Add(most)
	for _, index := range n.cables {
		for {
			cable, err := net.InterfaceByIndex(index)
			if err != nil {
				return err
			}
			if cable.Flags&net.FlagRunning != 0 {
				break
			}
			if time.Now().After(deadline) {
				return fmt.Errorf("%s is not running after %v", cable.Name, most)
			}
			time.Sleep(time.Millisecond) // until the next look
		}
	}
	return nil
}

func internet(i int) [4]byte { return [4]byte{10, 0, 0, byte(i + 1)} }
func hardware(i int) [6]byte { return [6]byte{2, 0, 0, 0, 0, byte(i + 1)} }

func (n *namespaces) name() string { return hubName }

func (n *namespaces) site(i int) site {
	a := internet(i)
	return site{
		clientHost: "127.0.0.1", client: n.fronts[i],
		otherHost: "127.0.0.2", tls: 2281, admin: 8080,
		peerHost:   fmt.Sprintf("%d.%d.%d.%d", a[0], a[1], a[2], a[3]),
		quorumPort: 2888, electionPort: 3888,
	}
}

func (n *namespaces) peer(_, j int) peerAddr { return n.site(j).self() }

func (n *namespaces) enter(i int, do func() error) error { return n.within(&n.members[i], do) }

// partition pulls all cables that have to move before it plugs one in, so
// that nobody hears a stranger on the way.
func (n *namespaces) partition(group []int) error {
	return n.within(&n.hub, func() error {
		nl, err := openNetlink()
		if err != nil {
			return err
		}
		defer nl.close()
		if err := n.needBridges(nl, slices.Max(group)+1); err != nil {
			return err
		}
		for i, index := range n.cables {
			if n.group[i] != group[i] {
				err = errors.Join(err, nl.setMaster(index, 0))
			}
		}
		for i, index := range n.cables {
			if n.group[i] != group[i] {
				err = errors.Join(err, nl.setMaster(index, n.bridges[group[i]]))
			}
		}
		n.group = slices.Clone(group)
		return err
	})
}

func (n *namespaces) close() error {
	n.mu.Lock()
	defer n.mu.Unlock()
	var errs []error
	for i := range n.members {
		errs = append(errs, closeOnce(&n.members[i]))
	}
	return errors.Join(append(errs, closeOnce(&n.hub))...)
}

func closeOnce(fd *int) (err error) {
	if *fd >= 0 {
		err = unix.Close(*fd)
	}
	*fd = -1
	return err
}

const ownNamespace = "/proc/thread-self/ns/net"

// newNamespace is the descriptor of a new network namespace.
func newNamespace() (fd int, err error) {
	unshare := func() error {
		if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
			return fmt.Errorf("unshare: %w", err)
		}
		return nil
	}
	fd = -1
	err = onThread(unshare, func() (err error) {
		fd, err = openNamespace()
		return err
	})
	return fd, err
}

// openNamespace is the descriptor of the namespace of the caller's thread.
func openNamespace() (int, error) {
	return unix.Open(ownNamespace, unix.O_RDONLY|unix.O_CLOEXEC, 0)
}

// within runs do on a thread that is in a namespace.
func (n *namespaces) within(ns *int, do func() error) error {
	enter := func() error {
		n.mu.RLock()
		defer n.mu.RUnlock()
		if *ns < 0 {
			return errClosed
		}
		if err := unix.Setns(*ns, unix.CLONE_NEWNET); err != nil {
			return fmt.Errorf("setns: %w", err)
		}
		return nil
	}
	return onThread(enter, do)
}

// onThread has the caller's thread leave its namespace by enter, runs do, and
// brings the thread back. If that fails it stays locked to its goroutine, and
// so nobody else gets it.
func onThread(enter, do func() error) error {
	runtime.LockOSThread()
	home, err := openNamespace()
	if err != nil {
		runtime.UnlockOSThread()
		return err
	}
	defer unix.Close(home)
	if err := enter(); err != nil {
		runtime.UnlockOSThread()
		return err
	}
	err = do()
	if back := unix.Setns(home, unix.CLONE_NEWNET); back != nil {
		return errors.Join(err, fmt.Errorf("leave the namespace: %w", back))
	}
	runtime.UnlockOSThread()
	return err
}
