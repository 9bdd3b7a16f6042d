package zk

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/zookit/zookit/internal/proto"
)

const defaultPort = "2181"

// parseConnect splits a connect string into entries, which are hosts with
// their ports or names of SRV records, and the chroot, which is empty for the
// root.
func parseConnect(connect string) (list []string, chroot string, err error) {
	servers := connect
	if i := strings.IndexByte(connect, '/'); i >= 0 {
		servers, chroot = connect[:i], connect[i:]
	}
	n := 0
	for server := range strings.SplitSeq(servers, ",") {
		n++
		entry, err := parseEntry(strings.TrimSpace(server))
		if err != nil {
			return nil, "", fmt.Errorf("server %d of the connect string: %w", n, err)
		}
		if !slices.Contains(list, entry) {
			list = append(list, entry)
		}
	}
	if chroot == "" || chroot == "/" {
		return list, "", nil
	}
	if err := proto.CheckPath(chroot); err != nil {
		return nil, "", fmt.Errorf("chroot: %w", err)
	}
	return list, chroot, nil
}

func parseEntry(s string) (string, error) {
	if s == "" {
		return "", errors.New("it is empty")
	}
	if strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || strings.ContainsRune("@?#\\\"'\u007f", r) }) {
		return "", fmt.Errorf("host %q has a character that no host has", s)
	}
	if isSRV(s) {
		if strings.Contains(s, ":") {
			return "", fmt.Errorf("host %q is a SRV record, which has ports of its own", s)
		}
		return s, nil
	}
	if _, err := netip.ParseAddr(s); err == nil {
		return net.JoinHostPort(s, defaultPort), nil // an IPv6 address may come bare
	}
	if bare := strings.TrimSuffix(strings.TrimPrefix(s, "["), "]"); len(bare) == len(s)-2 || !strings.ContainsAny(s, ":[]") {
		if err := checkBracketed(s, bare); err != nil {
			return "", err
		}
		return net.JoinHostPort(bare, defaultPort), nil
	}
	host, port, err := net.SplitHostPort(s)
	if err != nil {
		return "", fmt.Errorf("host %q: %w", s, err)
	}
	if host == "" {
		return "", fmt.Errorf("host %q has no name", s)
	}
	if err := checkBracketed(s, host); err != nil {
		return "", err
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
		return "", fmt.Errorf("host %q: port %q is not between 1 and 65535", s, port)
	}
	return net.JoinHostPort(host, port), nil
}

// checkBracketed sees that only addresses stand in brackets.
func checkBracketed(s, host string) error {
	if _, err := netip.ParseAddr(host); strings.HasPrefix(s, "[") && err != nil {
		return fmt.Errorf("host %q: no address of IPv6 in the brackets", s)
	}
	return nil
}

// isSRV tells whether an entry is the name of a SRV record, such as
// "_zookeeper._tcp.example.com".
func isSRV(entry string) bool {
	service, rest, _ := strings.Cut(entry, ".")
	return strings.HasPrefix(service, "_") && strings.HasPrefix(strings.ToLower(rest), "_tcp.")
}

// hosts are the entries of the connect string and the place in the round over
// them. A round tries every address of every entry once. The life-cycle
// goroutine owns them.
type hosts struct {
	draw  *rand.Rand
	list  []string        // in the order of the rounds, which is drawn once
	at    int             // the entry whose turn is next
	left  int             // entries of this round whose turn is yet to come
	ready []endpoint      // of the entry whose turn it is, not tried yet
	tried map[string]bool // by address, in this round
	last  string          // the address of the latest connection
}

func newHosts(list []string, draw *rand.Rand) hosts {
	list = slices.Clone(list)
	draw.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
	h := hosts{draw: draw, list: list}
	h.again()
	return h
}

// again begins a round.
func (h *hosts) again() {
	h.left, h.ready, h.tried = len(h.list), nil, make(map[string]bool)
}

// next is the entry whose turn it is. It is false when the round is over.
func (h *hosts) next() (string, bool) {
	if h.left == 0 {
		return "", false
	}
	entry := h.list[h.at]
	h.at = (h.at + 1) % len(h.list)
	h.left--
	return entry, true
}

// untried is how many hosts are still to be tried in this round, as far as
// they are known.
func (h *hosts) untried() int { return len(h.ready) + h.left }

// replace makes list, whose order stays, that of the next round, which begins.
func (h *hosts) replace(list []string) {
	h.list, h.at = list, 0
	h.again()
}
