package zk

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
)

// errUpdated is why a connection is left for another.
var errUpdated = errors.New("the list of servers has changed")

// UpdateServers replaces the servers of the connect string, which may come
// without the chroot or with the one of [Dial]. It does not wait.
//
// If the server that the Conn is connected to is no longer among them, the Conn
// moves to another, and its session with it. If it is, the Conn may move all
// the same: with the probability that keeps the load of the servers even when
// all clients are told of the change, as Java's client does. Calls under way
// are answered before it moves.
func (c *Conn) UpdateServers(connect string) error {
	list, chroot, err := parseConnect(connect)
	if err == nil && chroot != "" && chroot != c.cfg.chroot {
		err = fmt.Errorf("chroot %q is not %q, which stays", chroot, c.cfg.chroot)
	}
	if err != nil {
		return &Error{Op: "update servers", Path: connect, Err: badArguments(err), fate: unsent}
	}
	c.mu.Lock()
	err = c.fatal
	c.update = list
	c.mu.Unlock()
	if err != nil {
		return &Error{Op: "update servers", Path: connect, Err: err, fate: unsent}
	}
	select {
	case c.updated <- struct{}{}:
	default: // it is told already
	}
	return nil
}

// adopt takes the list that UpdateServers has left, if there is one, and tells
// whether to leave the server at hand. That one, or the latest where there is
// none, may be known by its entry and by its address.
func (c *client) adopt(entry, addr string) (leave bool) {
	c.mu.Lock()
	list := c.update
	c.update = nil
	for known := range c.causes {
		if list != nil && !slices.Contains(list, known) {
			delete(c.causes, known)
		}
	}
	c.mu.Unlock()
	if list == nil {
		return false
	}
	if !slices.Contains(list, entry) && slices.Contains(list, addr) {
		entry = addr
	}
	order, leave := rebalance(c.hosts.list, list, entry, c.hosts.draw)
	c.log.Info("servers updated", "servers", order, "leave", leave)
	c.hosts.replace(order)
	return leave
}

// address is where the link leads to, by which a list may know the server: that
// of the socket where there is one, since a Dialer may be given names.
func (l *link) address() string {
	if remote := l.conn.RemoteAddr(); remote != nil {
		return remote.String()
	}
	return l.at.addr
}

// rebalance is the order in which a client tries the servers of a new list, and
// whether it is to leave the current one for them. If every client of evenly
// loaded servers does so, the new ones are evenly loaded; the rule is that of
// ZOOKEEPER-1355:
//
// Where servers come, a client stays with the probability old/new, if its
// server does, and moves to one of those that came else. Where servers go and
// others may come, a client stays if its server does; else it goes to one that
// was there before with the probability that gives each what it lacks.
func rebalance(old, list []string, current string, draw *rand.Rand) (order []string, leave bool) {
	list = slices.Sorted(slices.Values(list)) // so that the order of arguments does not count
	draw.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
	if current == "" {
		return list, false
	}
	var stay, came []string
	for _, s := range list {
		if slices.Contains(old, s) {
			stay = append(stay, s)
		} else {
			came = append(came, s)
		}
	}
	was, is, both := float64(len(old)), float64(len(list)), float64(len(stay))
	at := slices.Index(list, current)
	toOld := 0.0
	switch {
	case at >= 0 && (is <= was || draw.Float64() < was/is):
		return slices.Concat(list[at+1:], list[:at+1]), false // the current one comes last
	case at < 0 && is <= was && both < was:
		toOld = both * (was - is) / (is * (was - both))
	}
	for len(stay)+len(came) > 0 {
		from := &came
		if len(came) == 0 || len(stay) > 0 && draw.Float64() < toOld {
			from = &stay
		}
		order = append(order, (*from)[0])
		*from = (*from)[1:]
	}
	return order, true
}
