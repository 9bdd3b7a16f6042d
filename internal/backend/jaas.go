package backend

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// userName is what the parser of JAAS files takes for one word.
var userName = regexp.MustCompile(`^[A-Za-z0-9_.$-]+$`)

// CheckUsers refuses what a JAAS file cannot have.
func CheckUsers(users map[string]string) error {
	for _, name := range slices.Sorted(maps.Keys(users)) {
		switch password := users[name]; {
		case !userName.MatchString(name):
			return fmt.Errorf("SASL user %q: a name has letters, digits and _.$- only", name)
		case strings.ContainsAny(password, "\r\n\x00"):
			return fmt.Errorf("SASL user %q: a password is one line", name)
		case strings.Contains(password, "${"):
			return fmt.Errorf("SASL user %q: a JAAS file would expand ${...} in the password", name)
		}
	}
	return nil
}

// JAAS is the file that tells a server of users of DIGEST-MD5.
func JAAS(users map[string]string) string {
	quote := strings.NewReplacer(`\`, `\\`, `"`, `\"`)
	var b strings.Builder
	b.WriteString("Server {\n\torg.apache.zookeeper.server.auth.DigestLoginModule required")
	for _, name := range slices.Sorted(maps.Keys(users)) {
		fmt.Fprintf(&b, "\n\tuser_%s=\"%s\"", name, quote.Replace(users[name]))
	}
	b.WriteString(";\n};\n")
	return b.String()
}
