package fakezk

import (
	"cmp"
	"net"
	"strings"
)

// AdminSettings is what a configuration says of the admin server, which speaks
// HTTP. Package admin is one; fakezk itself starts none.
type AdminSettings struct {
	Enabled    bool   // asked for, by its port or by admin.enableServer
	Addr       string // the default is 127.0.0.1:8080
	CommandURL string // the default is /commands

	DefaultPort bool // nobody has set the port
}

// AdminSettings are those of Config, ConfigFile and JVMFlags.
func (s *Server) AdminSettings() AdminSettings {
	a := s.ensemble.cfg.admin
	host, port := cmp.Or(a.host, "127.0.0.1"), cmp.Or(a.port, "8080")
	url := "/" + strings.Trim(cmp.Or(a.url, "/commands"), "/")
	return AdminSettings{
		Enabled: !a.off && (a.on || a.port != ""), Addr: net.JoinHostPort(host, port), CommandURL: url, DefaultPort: a.port == "",
	}
}

// adminOptions are the settings as they stand.
type adminOptions struct {
	on, off         bool
	host, port, url string
}

// adminProps are system properties; see systemProperties.
var adminProps = map[string]set{
	"zookeeper.admin.enableServer":  boolean(func(c *config, on bool) { c.admin.on, c.admin.off = on, !on }),
	"zookeeper.admin.serverAddress": text(func(c *config, v string) { c.admin.host = v }),
	"zookeeper.admin.commandURL":    text(func(c *config, v string) { c.admin.url = v }),
	"zookeeper.admin.serverPort": func(c *config, s setting) error {
		port, err := parsePort(s.value)
		if err != nil {
			return s.bad("%v", err)
		}
		c.admin.port = port
		return nil
	},
	"zookeeper.admin.portUnification": only("false"),
	"zookeeper.admin.forceHttps":      only("false"),
}
