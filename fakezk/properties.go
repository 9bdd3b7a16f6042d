package fakezk

import (
	"errors"
	"fmt"
	"os"
	"strings"
)

// Config takes lines of a zoo.cfg, such as "tickTime=200", and means by each
// key what a real server means by it. What a fake has no use for, such as
// dataDir, is passed over; what it cannot do and a client would notice, such
// as a second server, is an error; the rest is a warning to Logger. Options
// that come later win.
//
// As in a real server, a few settings are system properties and do nothing
// here: see JVMFlags.
func Config(lines ...string) Option {
	return func(c *config) { c.readConfig("line ", strings.Join(lines, "\n")) }
}

// ConfigFile is Config for the lines of a file. Without a clientPort, in it or
// in its one server line, the server listens where it would without the file.
func ConfigFile(path string) Option {
	return func(c *config) {
		text, err := os.ReadFile(path)
		if err != nil {
			c.errs = append(c.errs, fmt.Errorf("fakezk: read the configuration: %w", err))
			return
		}
		c.readConfig(path+":", string(text))
	}
}

// JVMFlags takes flags of java, and of these the system properties that set a
// ZooKeeper server up, such as "-Djute.maxbuffer=4194304". A flag may be
// several, with spaces between, as in the variable SERVER_JVMFLAGS. For a real
// server a property in zoo.cfg wins over one in a flag: put Config behind
// JVMFlags to have it so here.
func JVMFlags(flags ...string) Option {
	return func(c *config) {
		last := map[string]setting{}
		var order []string
		for _, flag := range strings.Fields(strings.Join(flags, " ")) {
			property, ok := strings.CutPrefix(flag, "-D")
			if !ok {
				continue
			}
			key, value, _ := strings.Cut(property, "=")
			if _, again := last[key]; !again {
				order = append(order, key)
			}
			last[key] = setting{key: key, value: value, at: "JVM flag"}
			c.keepProperty(key, value)
		}
		for _, key := range order {
			c.setProperty(key, last[key])
		}
	}
}

// keepProperty is for the AdminServer, which tells of them.
func (c *config) keepProperty(name, value string) {
	if c.properties == nil {
		c.properties = map[string]string{}
	}
	c.properties[name] = value
}

// A setting is a key, its value, and where it stands, for error messages.
type setting struct{ key, value, at string }

// bad is an error about the setting's value.
func (s setting) bad(format string, args ...any) error {
	return fmt.Errorf("fakezk: %s: %s=%s: %s", s.at, s.key, s.value, fmt.Sprintf(format, args...))
}

func (c *config) fail(err error) {
	if err != nil {
		c.errs = append(c.errs, err)
	}
}

func (c *config) warn(s setting, why string) {
	c.warnings = append(c.warnings, fmt.Sprintf("%s: %s=%s: %s", s.at, s.key, s.value, why))
}

// zooCfg is what is put together from several keys of one zoo.cfg.
type zooCfg struct {
	port, host, dynamicFile setting
	securePort, secureHost  setting
	servers                 []setting
	noStandalone            setting
}

// readConfig applies a zoo.cfg. A line's number behind where is where it is.
func (c *config) readConfig(where, text string) {
	var z zooCfg
	c.zooCfg += strings.TrimSuffix(text, "\n") + "\n"
	for _, s := range parseProperties(where, text) {
		switch set := configKeys[s.key]; {
		case set != nil:
			c.fail(set(c, s))
		case z.take(s):
		case hasAnyPrefix(s.key, "zookeeper.", "jute.", "znode.container.", "readonlymode."):
			c.warn(s, "has no effect in a zoo.cfg, where a real server takes it for zookeeper."+s.key+"; it belongs into the JVM's flags")
		default:
			// As in a real server, what is not a key is a system property.
			c.keepProperty("zookeeper."+s.key, s.value)
			c.setProperty("zookeeper."+s.key, s)
		}
	}
	c.fail(c.listenAsIn(&z))
	c.fail(c.secureListenAsIn(&z))
}

// take keeps a key that has its meaning together with others.
func (z *zooCfg) take(s setting) bool {
	switch {
	case s.key == "clientPort":
		z.port = s
	case s.key == "clientPortAddress":
		z.host = s
	case s.key == "secureClientPort":
		z.securePort = s
	case s.key == "secureClientPortAddress":
		z.secureHost = s
	case s.key == "dynamicConfigFile":
		z.dynamicFile = s
	case s.key == "standaloneEnabled":
		z.noStandalone = s
	case hasAnyPrefix(s.key, "server.", "group", "weight"):
		z.servers = append(z.servers, s)
	default:
		return false
	}
	return true
}

// setProperty applies a system property, from a flag or a line that may name
// it otherwise.
func (c *config) setProperty(name string, s setting) {
	set := propertyNamed(name)
	switch {
	case set != nil:
		c.fail(set(c, s))
	case name == "zookeeper.superUser" || hasAnyPrefix(name, "zookeeper.superUser."):
		SuperUser(s.value)(c)
	case hasAnyPrefix(name, "zookeeper.authProvider."):
		c.fail(authProvider(c, s))
	case hasAnyPrefix(name, propertiesUnderLoad...):
		c.warn(s, "is ignored: a fake throttles nothing")
	case hasAnyPrefix(name, "zookeeper.") && !hasAnyPrefix(name, propertiesOfNoUse...):
		c.warn(s, "is not known, and is ignored")
	}
}

// propertyNamed is what a system property sets, or nil.
func propertyNamed(name string) set {
	for _, table := range []map[string]set{systemProperties, saslProperties, tlsProperties, adminProps} {
		if set := table[name]; set != nil {
			return set
		}
	}
	return nil
}

// hasAnyPrefix tells whether key begins with one of the prefixes.
func hasAnyPrefix(key string, prefixes ...string) bool {
	for _, p := range prefixes {
		if strings.HasPrefix(key, p) {
			return true
		}
	}
	return false
}

// combineEnforced makes one of the keys about enforced authentication. Real
// servers want a provider of SASL to be configured for requireSASL.
func (c *config) combineEnforced() error {
	switch {
	case c.requireSASL:
		c.enforceAuth = []string{schemeSASL}
	case c.enforceConfigured && len(c.enforceSchemes) == 0:
		return errors.New("fakezk: enforce.auth.enabled is true, but enforce.auth.schemes is not set; it is a list of digest, ip, sasl")
	case c.enforceConfigured:
		c.enforceAuth = c.enforceSchemes
	}
	return nil
}
