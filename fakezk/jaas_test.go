package fakezk

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestParseJAAS(t *testing.T) {
	sections, err := parseJAAS("jaas.conf", `
		Server { a.B required x="1" y=z; c.D OPTIONAL; }; // two modules
		"in quotes" { };`)
	require.NoError(t, err)
	require.Equal(t, map[string][]jaasModule{
		"Server":    {{"a.B", map[string]string{"x": "1", "y": "z"}, 2}, {"c.D", map[string]string{}, 2}},
		"in quotes": {},
	}, sections)
}

func TestBadJAAS(t *testing.T) {
	for text, want := range map[string]string{
		"Server":                                "jaas.conf:1: want \"{\", not \"\"",
		"Server {":                              "jaas.conf:1: want a login module, not \"\"",
		"Server {};\nServer {};":                "jaas.conf:2: a second section Server",
		"Server { a.B\n maybe; };":              `jaas.conf:2: "maybe" is not required`,
		"Server { a.B required x=\"\n\"; };":    "jaas.conf:1: a text in quotes without end",
		"Server { a.B required x='1'; };":       "want the value of x",
		"Server { a.B required x=1; };":         "begins as a number",
		"Server { a.B required x=\"${a}\"; };":  "a property, ${...}",
		"Server { a.B required\n\n # no; };":    "jaas.conf:3: want the name of an option, or a semicolon, not \"#\"",
		"/* no end":                             "a comment without end",
		"Server { a.B required x=\"1\" }; ":     "want the name of an option, or a semicolon, not \"}\"",
		"Server { a.B required x=\"1\"; } next": `want ";", not "next"`,
	} {
		_, err := parseJAAS("jaas.conf", text)
		require.ErrorContains(t, err, want, text)
	}
}

// TestJAASOfOthers tells what a fake cannot do.
func TestJAASOfOthers(t *testing.T) {
	file := filepath.Join(t.TempDir(), "jaas.conf")
	require.NoError(t, os.WriteFile(file, []byte("Server {\n com.sun.security.auth.module.Krb5LoginModule required; };"), 0o600))
	_, err := newConfig([]Option{JVMFlags("-Djava.security.auth.login.config=" + file)})
	require.ErrorContains(t, err, "line 2: fakezk knows no login module but")
	_, err = newConfig([]Option{JVMFlags("-Djava.security.auth.login.config=/none")})
	require.ErrorContains(t, err, "no such file")
	_, err = newConfig([]Option{SASL(map[string]string{"": "x"})})
	require.ErrorContains(t, err, "a user without a name")
	c, err := newConfig([]Option{JVMFlags("-Djava.security.auth.login.config=="+file, "-Dzookeeper.sasl.serverconfig=Nobody")})
	require.NoError(t, err)
	require.Nil(t, c.sasl.passwords)
}

func FuzzParseJAAS(f *testing.F) {
	f.Add(`Server { a.B required x="1\101\"" y=z; c.D OPTIONAL; }; /* */ // /`)
	f.Fuzz(func(t *testing.T, text string) {
		sections, err := parseJAAS("f", text)
		if (sections == nil) == (err == nil) {
			t.Fatalf("sections %v, error %v", sections, err)
		}
	})
}

func FuzzDirectives(f *testing.F) {
	f.Add(`charset=utf-8,username="b\"b", realm = x,,foo`)
	f.Fuzz(func(t *testing.T, text string) {
		for name := range mustOrNil(parseDirectives(text)) {
			if !digestDirectives[name] {
				t.Fatalf("directive %q", name)
			}
		}
	})
}

func mustOrNil(directives map[string]string, ok bool) map[string]string {
	if !ok {
		return nil
	}
	return directives
}

func FuzzDN(f *testing.F) {
	for _, name := range []string{`CN="a\"b",1.2=#0401ff;O=\,\41+OU=x`, "CN=\\", ""} {
		f.Add(name)
	}
	f.Fuzz(func(t *testing.T, name string) {
		validDN(name)
		subjectOf([]byte(name))
	})
}
