package zk

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"
)

// A Config is the configuration of an ensemble, as [Conn.Config] and
// [Conn.Reconfig] tell it. A server alone has an empty one.
type Config struct {
	Members []Member
	Version int64    // 0 when it is not told
	Other   []string // lines that this package does not know, such as "group.1=1:2:3"
}

// A Role is what a member is for.
type Role string

// The roles.
const (
	Participant Role = "participant" // it votes; the default
	Observer    Role = "observer"    // it does not
)

// A PeerAddr is where members find each other.
type PeerAddr struct {
	Host     string // a name or an IP address, without brackets
	Quorum   int    // port for the leader's traffic
	Election int    // port for elections
}

// A Member is a server of an ensemble.
type Member struct {
	ID    int64
	Peers []PeerAddr // more than one where a member has several networks, from 3.6 on
	Role  Role       // "" is Participant
	// ClientHost is the address on which it listens for clients: "" or
	// "0.0.0.0" or "::" for all it has.
	ClientHost string
	ClientPort int // 0 when the config does not tell, as its own zoo.cfg does
	// SecureHost and SecurePort are the same for TLS. Servers up to 3.9 do not
	// tell them.
	SecureHost string
	SecurePort int
}

// ParseConfig reads a config. It needs no line but those that it has.
func ParseConfig(data []byte) (Config, error) {
	var c Config
	for line := range strings.Lines(string(data)) {
		line = strings.TrimSpace(line)
		key, value, _ := strings.Cut(line, "=")
		var err error
		switch {
		case line == "":
		case key == "version":
			var n uint64
			n, err = strconv.ParseUint(value, 16, 64)
			c.Version = int64(n)
		case strings.HasPrefix(key, "server."):
			var m Member
			m, err = ParseMember(line)
			c.Members = append(c.Members, m)
		default:
			c.Other = append(c.Other, line)
		}
		if err != nil {
			return Config{}, fmt.Errorf("zk: config: line %.200q: %w", line, err)
		}
	}
	return c, nil
}

// String is the config as servers write it, but for the order of lines.
func (c Config) String() string {
	var b strings.Builder
	for _, m := range c.Members {
		fmt.Fprintln(&b, m)
	}
	for _, line := range c.Other {
		fmt.Fprintln(&b, line)
	}
	if len(c.Members) > 0 || c.Version != 0 {
		fmt.Fprintf(&b, "version=%x", uint64(c.Version))
	}
	return b.String()
}

// Member is the one of that id. It tells whether there is one.
func (c Config) Member(id int64) (Member, bool) {
	for _, m := range c.Members {
		if m.ID == id {
			return m, true
		}
	}
	return Member{}, false
}

// ConnectString is where clients reach the members, as [Dial] takes it, without
// those that do not tell; "" if none does.
func (c Config) ConnectString() string { return c.connectString(Member.ClientAddr) }

func (c Config) connectString(addr func(Member) string) string {
	var all []string
	for _, m := range c.Members {
		if a := addr(m); a != "" {
			all = append(all, a)
		}
	}
	return strings.Join(all, ",")
}

// ParseMember reads a line of a config, such as
// "server.1=zk1:2888:3888:participant;2181".
func ParseMember(line string) (Member, error) {
	key, value, ok := strings.Cut(line, "=")
	number, server := strings.CutPrefix(strings.TrimSpace(key), "server.")
	if !ok || !server {
		return Member{}, errors.New("there is no server.id= before it")
	}
	var m Member
	var err error
	if m.ID, err = strconv.ParseInt(number, 10, 64); err != nil {
		return Member{}, fmt.Errorf("id %q is no number", number)
	}
	parts := strings.Split(strings.TrimSpace(value), ";")
	if len(parts) > 3 {
		return Member{}, errors.New("there are more than three parts in it")
	}
	if err := m.parsePeers(parts[0]); err != nil {
		return Member{}, err
	}
	if len(parts) > 1 && parts[1] != "" {
		if m.ClientHost, m.ClientPort, err = parseListen(parts[1]); err != nil {
			return Member{}, err
		}
	}
	if len(parts) > 2 && parts[2] != "" {
		if m.SecureHost, m.SecurePort, err = parseListen(parts[2]); err != nil {
			return Member{}, err
		}
	}
	return m, nil
}

// parsePeers reads "host:quorum:election|...:role".
func (m *Member) parsePeers(text string) error {
	m.Role = Participant
	for _, role := range []Role{Participant, Observer} {
		n := len(text) - len(role) - 1
		if n >= 0 && strings.EqualFold(text[n:], ":"+string(role)) {
			text, m.Role = text[:n], role
			break
		}
	}
	for peer := range strings.SplitSeq(text, "|") {
		rest, election, ok := cutPort(peer)
		if !ok {
			return fmt.Errorf("peer %q is not of the form host:port:port", peer)
		}
		host, quorum, ok := cutPort(rest)
		if host = unbracket(host); !ok || host == "" {
			return fmt.Errorf("peer %q is not of the form host:port:port", peer)
		}
		m.Peers = append(m.Peers, PeerAddr{Host: host, Quorum: quorum, Election: election})
	}
	return nil
}

// cutPort splits behind the last colon.
func cutPort(s string) (rest string, port int, ok bool) {
	i := strings.LastIndexByte(s, ':')
	if i < 0 {
		return s, 0, false
	}
	n, err := strconv.ParseUint(s[i+1:], 10, 16)
	return s[:i], int(n), err == nil
}

// parseListen reads "port" or "host:port".
func parseListen(s string) (host string, port int, err error) {
	host, port, ok := cutPort(":" + strings.TrimSpace(s))
	if !ok || port == 0 {
		return "", 0, fmt.Errorf("client address %q has no port", s)
	}
	return unbracket(strings.TrimPrefix(host, ":")), port, nil
}

func unbracket(host string) string {
	return strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
}

// String is the line of a config, which [Reconfiguration] takes for a member
// that joins.
func (m Member) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "server.%d=", m.ID)
	for i, p := range m.Peers {
		if i > 0 {
			b.WriteByte('|')
		}
		fmt.Fprintf(&b, "%s:%d", net.JoinHostPort(p.Host, strconv.Itoa(p.Quorum)), p.Election)
	}
	role := m.Role
	if role == "" {
		role = Participant
	}
	b.WriteString(":" + string(role))
	if m.ClientPort != 0 || m.SecurePort != 0 {
		b.WriteString(";" + listen(m.ClientHost, m.ClientPort))
	}
	if m.SecurePort != 0 {
		b.WriteString(";" + listen(m.SecureHost, m.SecurePort))
	}
	return b.String()
}

// listen is the inverse of parseListen; "" for no port.
func listen(host string, port int) string {
	switch {
	case port == 0:
		return ""
	case host == "":
		return strconv.Itoa(port)
	}
	return net.JoinHostPort(host, strconv.Itoa(port))
}

// ClientAddr is where clients reach the member, without TLS, or "" if the
// config does not tell. A member that listens on all addresses is reached at
// the first of those by which the others know it.
func (m Member) ClientAddr() string { return m.reach(m.ClientHost, m.ClientPort) }

// SecureAddr is [Member.ClientAddr] for TLS.
func (m Member) SecureAddr() string { return m.reach(m.SecureHost, m.SecurePort) }

func (m Member) reach(host string, port int) string {
	if port == 0 {
		return ""
	}
	if ip, err := netip.ParseAddr(host); host == "" || err == nil && ip.IsUnspecified() {
		if len(m.Peers) == 0 {
			return ""
		}
		host = m.Peers[0].Host
	}
	return net.JoinHostPort(host, strconv.Itoa(port))
}
