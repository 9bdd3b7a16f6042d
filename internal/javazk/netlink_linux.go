package javazk

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"

	"golang.org/x/sys/unix"
)

// netlink asks the kernel for changes of the network of the thread that
// opened it.
type netlink struct {
	fd  int
	seq uint32
}

func openNetlink() (*netlink, error) {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.NETLINK_ROUTE)
	if err != nil {
		return nil, fmt.Errorf("netlink: %w", err)
	}
	return &netlink{fd: fd}, nil
}

func (nl *netlink) close() { unix.Close(nl.fd) }

// index is that of an interface, by its name, in the thread's namespace.
func (nl *netlink) index(name string) (int, error) {
	i, err := net.InterfaceByName(name)
	if err != nil {
		return 0, err
	}
	return i.Index, nil
}

const create = unix.NLM_F_CREATE | unix.NLM_F_EXCL

func (nl *netlink) addBridge(name string) error {
	return nl.do(unix.RTM_NEWLINK, create, link(0, unix.IFF_UP),
		attr(unix.IFLA_IFNAME, []byte(name)),
		attr(unix.IFLA_LINKINFO, attr(unix.IFLA_INFO_KIND, []byte("bridge"))))
}

// addCable adds a pair of interfaces; the peer is born in the namespace.
func (nl *netlink) addCable(name string, ns int, peer string, peerAddr [6]byte) error {
	const vethInfoPeer = 1
	other := attr(vethInfoPeer, link(0, 0),
		attr(unix.IFLA_IFNAME, []byte(peer)),
		attr(unix.IFLA_ADDRESS, peerAddr[:]),
		attr(unix.IFLA_NET_NS_FD, binary.NativeEndian.AppendUint32(nil, uint32(ns))))
	return nl.do(unix.RTM_NEWLINK, create, link(0, unix.IFF_UP),
		attr(unix.IFLA_IFNAME, []byte(name)),
		attr(unix.IFLA_LINKINFO, attr(unix.IFLA_INFO_KIND, []byte("veth")), attr(unix.IFLA_INFO_DATA, other)))
}

func (nl *netlink) setUp(index int) error {
	return nl.do(unix.RTM_NEWLINK, 0, link(index, unix.IFF_UP))
}

// setMaster makes an interface a port of a bridge; 0 is no bridge.
func (nl *netlink) setMaster(index, bridge int) error {
	return nl.do(unix.RTM_NEWLINK, 0, link(index, unix.IFF_UP),
		attr(unix.IFLA_MASTER, binary.NativeEndian.AppendUint32(nil, uint32(bridge))))
}

// addAddress gives an interface an address in a network of 256.
func (nl *netlink) addAddress(index int, a [4]byte) error {
	head := []byte{unix.AF_INET, 24, 0, 0} // family, prefix, flags, scope
	head = binary.NativeEndian.AppendUint32(head, uint32(index))
	return nl.do(unix.RTM_NEWADDR, create, head, attr(unix.IFA_LOCAL, a[:]), attr(unix.IFA_ADDRESS, a[:]))
}

// addNeighbor says for good which hardware address an address has.
func (nl *netlink) addNeighbor(index int, a [4]byte, hardware [6]byte) error {
	head := binary.NativeEndian.AppendUint32([]byte{unix.AF_INET, 0, 0, 0}, uint32(index))
	head = binary.NativeEndian.AppendUint16(head, unix.NUD_PERMANENT)
	head = append(head, 0, 0) // flags, type
	return nl.do(unix.RTM_NEWNEIGH, create, head, attr(unix.NDA_DST, a[:]), attr(unix.NDA_LLADDR, hardware[:]))
}

// link is the head of a message about an interface, which turns flags on.
func link(index int, flags uint32) []byte {
	head := binary.NativeEndian.AppendUint32([]byte{unix.AF_UNSPEC, 0, 0, 0}, uint32(index))
	head = binary.NativeEndian.AppendUint32(head, flags)
	return binary.NativeEndian.AppendUint32(head, flags) // the mask of what changes
}

// attr is an attribute: length, kind, content, padded to 4 bytes.
func attr(kind uint16, parts ...[]byte) []byte {
	b := []byte{0, 0}
	b = binary.NativeEndian.AppendUint16(b, kind)
	for _, p := range parts {
		b = append(b, p...)
	}
	binary.NativeEndian.PutUint16(b, uint16(len(b)))
	return pad(b)
}

func pad(b []byte) []byte {
	for len(b)%4 != 0 {
		b = append(b, 0)
	}
	return b
}

// do sends one request and waits for its answer.
func (nl *netlink) do(kind uint16, flags int, parts ...[]byte) error {
	nl.seq++
	b := make([]byte, unix.SizeofNlMsghdr)
	for _, p := range parts {
		b = append(b, p...)
	}
	binary.NativeEndian.PutUint32(b[0:], uint32(len(b)))
	binary.NativeEndian.PutUint16(b[4:], kind)
	binary.NativeEndian.PutUint16(b[6:], uint16(unix.NLM_F_REQUEST|unix.NLM_F_ACK|flags))
	binary.NativeEndian.PutUint32(b[8:], nl.seq)
	if err := unix.Sendto(nl.fd, b, 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
		return fmt.Errorf("netlink: %w", err)
	}
	return nl.answer()
}

// answer is a message with an error number, 0 for success.
func (nl *netlink) answer() error {
	b := make([]byte, 4096)
	n, err := retried(func() (int, error) { return unix.Read(nl.fd, b) })
	if err != nil {
		return fmt.Errorf("netlink: %w", err)
	}
	const kindAt, numberAt = 4, unix.SizeofNlMsghdr
	if n < numberAt+4 || binary.NativeEndian.Uint16(b[kindAt:]) != unix.NLMSG_ERROR {
		return errors.New("netlink: an answer that is none")
	}
	if number := int32(binary.NativeEndian.Uint32(b[numberAt:])); number != 0 {
		return unix.Errno(-number)
	}
	return nil
}

// retried does again what a signal interrupts.
func retried(do func() (int, error)) (int, error) {
	for {
		if n, err := do(); err != unix.EINTR {
			return n, err
		}
	}
}
