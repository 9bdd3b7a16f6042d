package fakezk

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"strconv"
	"strings"
)

// listenAsIn sets the address from clientPort and clientPortAddress, or from
// the one server line, which wins, as in a real server.
func (c *config) listenAsIn(z *zooCfg) error {
	servers, err := z.members()
	if err != nil {
		return err
	}
	addr, err := z.clientAddr()
	if err != nil {
		return err
	}
	if len(servers) > 1 {
		return fmt.Errorf("fakezk: %s: %d servers: fakezk does not have ensembles yet; leave one server line, or none", servers[1].at, len(servers))
	}
	if s := z.noStandalone; s.key != "" {
		if err := anyBoolean(c, s); err != nil {
			return err
		}
		if strings.EqualFold(s.value, "false") {
			return s.bad("fakezk does not have ensembles yet, not even of one server; leave this out")
		}
	}
	if len(servers) == 1 {
		if addr, err = serverAddr(servers[0], z.port, addr); err != nil {
			return err
		}
	}
	if addr != "" {
		c.addr = addr
	}
	return nil
}

// members are the server lines, of zoo.cfg or of the file that it names.
func (z *zooCfg) members() ([]setting, error) {
	servers := z.servers
	if z.dynamicFile.key != "" {
		if len(servers) > 0 {
			return nil, servers[0].bad("must be in the dynamic configuration file %s", z.dynamicFile.value)
		}
		text, err := os.ReadFile(z.dynamicFile.value)
		if err != nil {
			return nil, z.dynamicFile.bad("%v", err)
		}
		servers = parseProperties(z.dynamicFile.value+":", string(text))
	}
	for _, s := range servers {
		switch {
		case strings.HasPrefix(s.key, "server."):
			if _, err := strconv.ParseInt(s.key[len("server."):], 10, 64); err != nil {
				return nil, s.bad("want a number behind the point of the key")
			}
		case hasAnyPrefix(s.key, "group", "weight"):
			return nil, s.bad("fakezk does not have ensembles yet; leave this out")
		default:
			return nil, s.bad("a dynamic configuration file has lines of servers alone")
		}
	}
	return servers, nil
}

// clientAddr is the address that clientPort and clientPortAddress make, or "".
func (z *zooCfg) clientAddr() (string, error) {
	if z.port.key == "" {
		if z.host.key != "" {
			return "", z.host.bad("clientPortAddress is set, but clientPort is not")
		}
		return "", nil
	}
	port, err := parsePort(z.port.value)
	if err != nil {
		return "", z.port.bad("%v", err)
	}
	return net.JoinHostPort(z.host.value, port), nil
}

func parsePort(text string) (string, error) {
	n, err := strconv.ParseInt(text, 10, 32)
	if err != nil || n < 0 || n > 65535 {
		return "", errors.New("want a port, 0 to 65535, where 0 is one that is free")
	}
	return strconv.FormatInt(n, 10), nil
}

const serverFormat = "want host:port:port[:participant][;[host:]clientPort]"

// serverAddr is the client address of a server line, or configured where it
// has none. The two must not differ, unless configured is of all interfaces.
func serverAddr(s, portKey setting, configured string) (string, error) {
	server, client, ok := strings.Cut(s.value, ";")
	parts := splitHostPorts(server)
	switch {
	case len(parts) < 3 || len(parts) > 4 || strings.Contains(client, ";"):
		return "", s.bad(serverFormat)
	case len(parts) == 4 && strings.EqualFold(parts[3], "observer"):
		return "", s.bad("an observer needs participants")
	case !ok:
		return configured, nil
	}
	host, port := "", client
	if i := strings.LastIndexByte(client, ':'); i >= 0 {
		host, port = strings.Trim(client[:i], "[]"), client[i+1:]
	}
	port, err := parsePort(port)
	if err != nil {
		return "", s.bad("%s: %v", serverFormat, err)
	}
	if ip, err := netip.ParseAddr(host); err == nil && ip.IsUnspecified() {
		host = ""
	}
	addr := net.JoinHostPort(host, port)
	if configured == "" {
		return addr, nil
	}
	configuredHost, configuredPort, _ := net.SplitHostPort(configured)
	if configuredPort != port || configuredHost != "" && configuredHost != host {
		return "", s.bad("its client address is not that of %s=%s (%s)", portKey.key, portKey.value, portKey.at)
	}
	return addr, nil
}

// splitHostPorts splits at colons, but not in the brackets of an IPv6 address.
func splitHostPorts(s string) []string {
	if end := strings.IndexByte(s, ']'); strings.HasPrefix(s, "[") && end > 0 {
		return append([]string{s[1:end]}, strings.Split(strings.TrimPrefix(s[end+1:], ":"), ":")...)
	}
	return strings.Split(s, ":")
}
