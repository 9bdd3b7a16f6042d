package zk

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/zookit/zookit/internal/proto"
)

const defaultPort = "2181"

// parseConnect splits a connect string into hosts, each with its port, and
// the chroot, which is empty for the root.
func parseConnect(connect string) (list []string, chroot string, err error) {
	servers := connect
	if i := strings.IndexByte(connect, '/'); i >= 0 {
		servers, chroot = connect[:i], connect[i:]
		if err := proto.CheckPath(chroot); err != nil {
			return nil, "", fmt.Errorf("chroot: %w", err)
		}
		if chroot == "/" {
			chroot = ""
		}
	}
	for server := range strings.SplitSeq(servers, ",") {
		host, err := parseHost(strings.TrimSpace(server))
		if err != nil {
			return nil, "", err
		}
		list = append(list, host)
	}
	return list, chroot, nil
}

func parseHost(s string) (string, error) {
	if s == "" {
		return "", errors.New("a host is empty")
	}
	if _, err := netip.ParseAddr(s); err == nil {
		return net.JoinHostPort(s, defaultPort), nil // an IPv6 address may come bare
	}
	if bare := strings.TrimSuffix(strings.TrimPrefix(s, "["), "]"); len(bare) == len(s)-2 || !strings.Contains(s, ":") {
		return net.JoinHostPort(bare, defaultPort), nil
	}
	host, port, err := net.SplitHostPort(s)
	if err != nil {
		return "", fmt.Errorf("host %q: %w", s, err)
	}
	if host == "" {
		return "", fmt.Errorf("host %q has no name", s)
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
		return "", fmt.Errorf("host %q: port %q is not between 1 and 65535", s, port)
	}
	return net.JoinHostPort(host, port), nil
}

// hosts are tried round robin, in an order drawn once. The life-cycle
// goroutine owns them.
type hosts struct {
	list []string
	at   int // the next
}

func newHosts(list []string, draw *rand.Rand) hosts {
	draw.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
	return hosts{list: list}
}

func (h *hosts) next() string {
	host := h.list[h.at]
	h.at = (h.at + 1) % len(h.list)
	return host
}

const (
	leastPause = 10 * time.Millisecond
	mostPause  = time.Second
	longLife   = 5 * time.Second // a connection that lived so long was no failure
)

// A pace spaces attempts to connect, whatever servers do: after one attempt at
// each host there is a pause, with decorrelated jitter. Only a connection that
// has lived for longLife makes the next pause short again, since a server may
// accept a session and close.
type pace struct {
	draw  *rand.Rand
	hosts int
	tries int           // since the last pause
	last  time.Duration // that pause, 0 when there was none
	eager bool          // the next loss is answered at once, however soon it comes
}

func newPace(draw *rand.Rand, hosts int) pace { return pace{draw: draw, hosts: hosts, eager: true} }

// pause is how long to wait before the next attempt.
func (p *pace) pause() time.Duration {
	if p.tries++; p.tries <= p.hosts {
		return 0
	}
	p.tries = 1
	most := max(3*p.last, 5*leastPause)
	p.last = min(leastPause+time.Duration(p.draw.Int64N(int64(most-leastPause))), mostPause)
	return p.last
}

// lost notes the end of a connection.
func (p *pace) lost(lived time.Duration) {
	if lived >= longLife {
		p.tries, p.last, p.eager = 0, 0, true
	} else if p.eager {
		p.tries, p.eager = 0, false
	}
}
