package docker

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
)

var userName = regexp.MustCompile(`^[A-Za-z0-9_.$*-]+$`)

// checkUsers refuses what a JAAS file cannot have.
func checkUsers(users map[string]string) error {
	for user, password := range users {
		if !userName.MatchString(user) {
			return fmt.Errorf("user %q: a JAAS file takes letters, digits and _.$*- only", user)
		}
		if strings.Contains(password, "${") {
			return fmt.Errorf("the password of user %q: a JAAS file would expand ${...} in it", user)
		}
	}
	return nil
}

func jaas(users map[string]string) string {
	var b strings.Builder
	b.WriteString("Server {\n  org.apache.zookeeper.server.auth.DigestLoginModule required")
	for _, user := range slices.Sorted(maps.Keys(users)) {
		fmt.Fprintf(&b, "\n  user_%s=%s", user, quoted(users[user]))
	}
	b.WriteString(";\n};\n")
	return b.String()
}

// quoted is a string as a JAAS file has it.
func quoted(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`, "\r", `\r`).Replace(s) + `"`
}
