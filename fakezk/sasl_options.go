package fakezk

import (
	"cmp"
	"fmt"
	"maps"
	"os"
	"strings"
)

// SASL lets clients log in by SASL's DIGEST-MD5, each user with its password,
// and makes ACLs know the scheme sasl. Users add up over several options. A
// user without a name is an error.
func SASL(passwords map[string]string) Option {
	return func(c *config) {
		c.sasl.addUsers(passwords)
		c.sasl.acls = true
		if _, unnamed := passwords[""]; unnamed {
			c.fail(fmt.Errorf("fakezk: SASL has a user without a name; Java cannot let it in"))
		}
	}
}

// AllowFailedSASL lets clients stay that fail to log in, without an identity;
// by default their connections end.
func AllowFailedSASL() Option { return func(c *config) { c.sasl.allowFailed = true } }

// SuperUser makes users of SASL super users, whom no ACL holds, as the
// properties zookeeper.superUser and zookeeper.superUser.N do.
func SuperUser(users ...string) Option {
	return func(c *config) { c.sasl.superUsers = append(c.sasl.superUsers, users...) }
}

func (s *saslConfig) addUsers(passwords map[string]string) {
	if s.passwords == nil {
		s.passwords = map[string]string{}
	}
	maps.Copy(s.passwords, passwords)
}

// readJAAS lets the users in whom a JAAS file names. As for a real server a
// file without the section means that there is no SASL.
func (c *config) readJAAS() error {
	file := c.sasl.file
	if file.key == "" {
		return nil
	}
	// "==" before the path tells Java to read no other file.
	path := strings.TrimPrefix(strings.TrimPrefix(file.value, "="), "file:")
	text, err := os.ReadFile(path)
	if err != nil {
		return file.bad("%v", err)
	}
	sections, err := parseJAAS(path, string(text))
	if err != nil {
		return fmt.Errorf("fakezk: %s: %s: %w", file.at, file.key, err)
	}
	modules := sections[cmp.Or(c.sasl.section.value, "Server")]
	for _, m := range modules {
		if m.class != "org.apache.zookeeper.server.auth.DigestLoginModule" {
			return file.bad("line %d: fakezk knows no login module but org.apache.zookeeper.server.auth.DigestLoginModule", m.line)
		}
		users := map[string]string{}
		for key, password := range m.options {
			if name, ok := strings.CutPrefix(key, "user_"); ok {
				users[name] = password
			}
		}
		c.sasl.addUsers(users)
	}
	return nil
}

// saslProperties are system properties; see systemProperties.
var saslProperties = map[string]set{
	"java.security.auth.login.config":  func(c *config, s setting) error { c.sasl.file = s; return nil },
	"zookeeper.sasl.serverconfig":      func(c *config, s setting) error { c.sasl.section = s; return nil },
	"zookeeper.allowSaslFailedClients": boolean(func(c *config, on bool) { c.sasl.allowFailed = on }),
	"zookeeper.letAnySaslUserDoX":      text(func(c *config, v string) { c.sasl.anybody = v }),
}
