package conformance

import "strings"

// properties are those of a case's server, told apart by who takes them. Some
// are not ZooKeeper's own, or need more than a line in zoo.cfg:
//
//	users=bob:bobsecret,eve:x    users of SASL DIGEST-MD5
//	ssl.clientAuth=need          a port for TLS, and whether it wants certificates
//	admin.enableServer=true      a port for the AdminServer
//	reconfigEnabled=true         members in a dynamic configuration
type properties struct {
	config, flags []string // for zoo.cfg, for the command line of a JVM
	users         map[string]string
	tls           string
	admin         bool
	reconfig      bool
}

func parseProperties(lines []string) properties {
	var p properties
	for _, line := range lines {
		key, value, _ := strings.Cut(line, "=")
		switch {
		case key == "users":
			p.users = map[string]string{}
			for user := range strings.SplitSeq(value, ",") {
				name, password, _ := strings.Cut(user, ":")
				p.users[name] = password
			}
		case key == "ssl.clientAuth":
			p.tls = value
		case key == "admin.enableServer":
			p.admin = value == "true"
		case strings.HasPrefix(key, "jute."), strings.HasPrefix(key, "znode.container."), key == "readonlymode.enabled",
			strings.HasPrefix(key, "org.slf4j."):
			p.flags = append(p.flags, "-D"+line)
		default:
			p.reconfig = p.reconfig || line == "reconfigEnabled=true"
			p.config = append(p.config, line)
		}
	}
	return p
}
