package zk

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A Resolver looks up names, as [net.Resolver] does.
type Resolver interface {
	LookupHost(ctx context.Context, host string) (addrs []string, err error)
	LookupSRV(ctx context.Context, service, proto, name string) (cname string, records []*net.SRV, err error)
}

// Resolve makes r look up the names of servers, anew in every round over them:
// all addresses of a name are tried, in random order, and a name that is not
// known is passed by until the next round. The default is
// [net.DefaultResolver].
//
// A [Dialer] is given names as they are written, unless there is a Resolver
// too, whose addresses it is given then. SRV records are looked up in any case.
func Resolve(r Resolver) Option { return func(c *config) { c.resolver, c.resolves = r, true } }

// An endpoint is a server to connect to.
type endpoint struct {
	entry string // of the connect string
	name  string // host and port as written, there or in a SRV record
	addr  string // what is dialed: an IP address and port, or name where the Dialer resolves
}

// String is the name, and the address if there is another.
func (e endpoint) String() string {
	if e.addr == e.name {
		return e.name
	}
	return e.name + " (" + e.addr + ")"
}

// next is the endpoint to try. It is false when all of the round have been
// tried. Names are looked up when their turn comes.
func (c *client) next() (endpoint, bool) {
	h := &c.hosts
	if e := c.favoured; e != (endpoint{}) {
		c.favoured = endpoint{}
		h.tried[e.addr] = true
		return e, true
	}
	for c.ctx.Err() == nil {
		for len(h.ready) > 0 {
			e := h.ready[0]
			h.ready = h.ready[1:]
			if !h.tried[e.addr] {
				h.tried[e.addr] = true
				return e, true
			}
		}
		entry, ok := h.next()
		if !ok {
			break
		}
		found, err := lookUp{&c.cfg, h.draw, h.last, c.budget()}.entry(c.ctx, entry)
		if err != nil {
			c.noteFailure(endpoint{entry: entry, name: entry, addr: entry}, err)
			continue
		}
		h.ready = found
	}
	return endpoint{}, false
}

// lookUp is how names are looked up.
type lookUp struct {
	cfg    *config
	draw   *rand.Rand
	last   string // the address that was lost last, or ""
	budget time.Duration
}

// entry is all endpoints of an entry in the order in which to try them.
func (u lookUp) entry(ctx context.Context, entry string) ([]endpoint, error) {
	ctx, cancel := context.WithTimeout(ctx, u.budget)
	defer cancel()
	names := []string{entry}
	if isSRV(entry) {
		_, records, err := u.cfg.resolver.LookupSRV(ctx, "", "", entry)
		if err == nil && len(records) == 0 {
			err = errors.New("no record")
		}
		if err != nil {
			return nil, fmt.Errorf("looking up SRV: %w", err)
		}
		names = orderSRV(records, u.draw)
	}
	var all []endpoint
	var errs []error
	for _, name := range names {
		addrs, err := u.addresses(ctx, name)
		if err != nil {
			errs = append(errs, err)
		}
		for _, addr := range addrs {
			all = append(all, endpoint{entry: entry, name: name, addr: addr})
		}
	}
	if len(all) == 0 {
		return nil, errors.Join(errs...)
	}
	return all, nil
}

// addresses is what to dial for a host and port, in random order.
func (u lookUp) addresses(ctx context.Context, name string) ([]string, error) {
	host, port, err := net.SplitHostPort(name)
	if err != nil {
		return nil, err
	}
	if _, err := netip.ParseAddr(host); err == nil || u.cfg.byName && !u.cfg.resolves {
		return []string{name}, nil
	}
	addrs, err := u.cfg.resolver.LookupHost(ctx, host)
	if err == nil && len(addrs) == 0 {
		err = errors.New("no address")
	}
	if err != nil {
		return nil, fmt.Errorf("looking up %s: %w", host, err)
	}
	addrs = slices.Compact(slices.Sorted(slices.Values(addrs))) // sorted, so that runs repeat
	u.draw.Shuffle(len(addrs), func(i, j int) { addrs[i], addrs[j] = addrs[j], addrs[i] })
	for i, addr := range addrs {
		addrs[i] = net.JoinHostPort(addr, port)
	}
	if i := slices.Index(addrs, u.last); i >= 0 { // it comes last now
		addrs = append(slices.Delete(addrs, i, i+1), u.last)
	}
	return addrs, nil
}

// orderSRV draws the order of RFC 2782: by priority, and among equals each
// record comes first as often as its share of the weights. It gives hosts with
// their ports.
func orderSRV(records []*net.SRV, draw *rand.Rand) []string {
	left := slices.Clone(records)
	slices.SortFunc(left, func(a, b *net.SRV) int { // all of it, so that runs repeat
		return cmp.Or(cmp.Compare(a.Priority, b.Priority), cmp.Compare(a.Weight, b.Weight),
			cmp.Compare(a.Target, b.Target), cmp.Compare(a.Port, b.Port))
	})
	var names []string
	for len(left) > 0 {
		equals, sum := 0, 0
		for equals < len(left) && left[equals].Priority == left[0].Priority {
			sum += int(left[equals].Weight)
			equals++
		}
		at := 0
		if sum == 0 {
			at = draw.IntN(equals)
		}
		for lot := draw.IntN(sum + 1); lot > int(left[at].Weight); at++ {
			lot -= int(left[at].Weight)
		}
		r := left[at]
		left = slices.Delete(left, at, at+1)
		names = append(names, net.JoinHostPort(strings.TrimSuffix(r.Target, "."), strconv.Itoa(int(r.Port))))
	}
	return names
}
