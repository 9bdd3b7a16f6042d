// Package archtest keeps the rules of which package may import which.
package archtest

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const module = "github.com/zookit/zookit"

// A listed is what `go list -json` tells of a package of ours.
type listed struct {
	ImportPath   string
	Imports      []string // not of its tests
	TestImports  []string // of *_test.go in the package
	XTestImports []string // of *_test.go in the package's _test twin
	Deps         []string // Imports and theirs, and so on
}

// A dep is an imported package. The path of one of ours is that within the
// module.
type dep struct {
	path      string
	ours, std bool
}

func depOf(path string) dep {
	if name, ok := strings.CutPrefix(path, module+"/"); ok {
		return dep{path: name, ours: true}
	}
	host, _, _ := strings.Cut(path, "/")
	return dep{path: path, std: !strings.Contains(host, ".")}
}

func within(path, dir string) bool { return path == dir || strings.HasPrefix(path, dir+"/") }

// A rule says what some packages of ours may not import.
type rule struct {
	text   string
	of     func(pkg string) bool
	looks  func(listed) []string
	breaks func(dep) bool
}

// What a rule is about.
func only(name string) func(string) bool { return func(pkg string) bool { return pkg == name } }
func below(dir string) func(string) bool { return func(pkg string) bool { return within(pkg, dir) } }
func outside(dir string) func(string) bool {
	return func(pkg string) bool { return !within(pkg, dir) }
}

// What it looks at.
func direct(p listed) []string     { return p.Imports }
func transitive(p listed) []string { return p.Deps }
func withTests(p listed) []string  { return slices.Concat(p.Imports, p.TestImports, p.XTestImports) }

// What breaks it. Package std is always allowed by allow.
func allow(ours ...string) func(dep) bool {
	return func(d dep) bool { return !d.std && !(d.ours && slices.Contains(ours, d.path)) }
}

func forbid(dirs ...string) func(dep) bool {
	return func(d dep) bool {
		return slices.ContainsFunc(dirs, func(dir string) bool { return within(d.path, dir) })
	}
}

// The packages of a rule need not exist yet.
var rules = []rule{
	{"internal/jute imports package std only", only("internal/jute"), transitive, allow()},
	{"internal/wire imports package std only", only("internal/wire"), transitive, allow()},
	{"internal/memnet imports package std only", only("internal/memnet"), transitive, allow()},
	{"internal/testenv imports package std only", only("internal/testenv"), transitive, allow()},
	{"internal/backend imports package std only", only("internal/backend"), transitive, allow()},
	{"internal/proto imports internal/jute and package std only",
		only("internal/proto"), transitive, allow("internal/jute")},
	{"zk imports internal/proto, jute, wire and package std only; what is heavy sits in sub-packages",
		only("zk"), transitive, allow("internal/proto", "internal/jute", "internal/wire")},
	{"zk/admin imports zk, internal/wire and package std only: whoever has the client can carry it",
		only("zk/admin"), direct, allow("zk", "internal/wire")},
	{"only zk/gssapi imports Kerberos, and there is no other package for it",
		outside("zk/gssapi"), withTests, forbid("github.com/jcmturner")},
	{"only zk/tlsfiles imports a library of encrypted keys",
		outside("zk/tlsfiles"), withTests, forbid("github.com/youmark")},
	{"zk/gssapi and zk/tlsfiles import zk at most, and what is theirs alone", func(pkg string) bool { return pkg == "zk/gssapi" || pkg == "zk/tlsfiles" },
		direct, func(d dep) bool {
			return !d.std && !(d.ours && d.path == "zk") && !within(d.path, "github.com/jcmturner/gokrb5") && !within(d.path, "github.com/youmark/pkcs8")
		}},
	{"only zk/zkprom imports Prometheus, so that users of the client do not",
		outside("zk/zkprom"), withTests, forbid("github.com/prometheus")},
	{"only zk/zkotel imports OpenTelemetry, so that users of the client do not",
		outside("zk/zkotel"), withTests, forbid("go.opentelemetry.io")},
	{"zk/zkotel imports the APIs of OpenTelemetry, and its SDK in tests only",
		only("zk/zkotel"), transitive, forbid("go.opentelemetry.io/otel/sdk")},
	{"zk/zkprom and zk/zkotel import zk only of ours",
		func(pkg string) bool { return pkg == "zk/zkprom" || pkg == "zk/zkotel" }, direct,
		func(d dep) bool { return d.ours && d.path != "zk" }},
	{"fakezk never imports zk, or the fake would be tested by its own twin",
		below("fakezk"), transitive, forbid("zk")},
	{"fakezk imports nothing from outside but google/btree",
		below("fakezk"), transitive, func(d dep) bool {
			return !d.std && !d.ours && d.path != "github.com/google/btree"
		}},
	{"fakezk itself imports no net/http, which is fakezk/admin's, and heavy",
		func(pkg string) bool { return pkg == "fakezk" || within(pkg, "fakezk/internal") }, transitive,
		func(d dep) bool { return d.path == "net/http" }},
	{"recipes imports zk and package std only", below("recipes"), direct, func(d dep) bool {
		return !d.std && !(d.ours && (d.path == "zk" || within(d.path, "recipes")))
	}},
	{"chaos works below client and fake, and imports neither",
		below("chaos"), transitive, forbid("zk", "fakezk", "harness")},
	{"internal/javazk imports internal/backend, testenv, package std and golang.org/x/sys only: harness carries it into users' tests",
		below("internal/javazk"), transitive, func(d dep) bool {
			return !d.std && !within(d.path, "golang.org/x/sys") && !within(d.path, "internal/javazk") &&
				!(d.ours && slices.Contains([]string{"internal/backend", "internal/testenv"}, d.path))
		}},
	{"only harness/docker imports testcontainers, with which a test compiles twice as many packages",
		outside("harness/docker"), withTests, forbid("github.com/testcontainers", "github.com/moby")},
	{"harness/docker imports internal/backend and packages from outside only: it is no part of the harness",
		below("harness/docker"), direct, func(d dep) bool { return d.ours && d.path != "internal/backend" }},
	{"only conformance and tests import testing; everything else takes testenv.TB",
		outside("conformance"), direct, func(d dep) bool { return d.path == "testing" }},
	{"only tests and examples import testify", outside("examples"), direct, forbid("github.com/stretchr/testify")},
}

// check tells where packages of ours break a rule.
func check(pkgs []listed) (broken []string) {
	for _, p := range pkgs {
		name := depOf(p.ImportPath).path
		for _, r := range rules {
			if !r.of(name) {
				continue
			}
			for _, path := range r.looks(p) {
				if r.breaks(depOf(path)) {
					broken = append(broken, fmt.Sprintf("%s imports %s, but the rule is: %s", name, path, r.text))
				}
			}
		}
	}
	return broken
}

func TestImports(t *testing.T) {
	pkgs := list(t)
	require.True(t, slices.ContainsFunc(pkgs, func(p listed) bool { return p.ImportPath == module+"/internal/proto" }),
		"go list lists the packages of this module")
	for _, b := range check(pkgs) {
		t.Error(b)
	}
}

func list(t *testing.T) (pkgs []listed) {
	root := filepath.Join("..", "..")
	touch(t, root)
	cmd := exec.Command("go", "list", "-e", "-json=ImportPath,Imports,TestImports,XTestImports,Deps", "./...")
	cmd.Dir = root
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	require.NoError(t, err, "go list: %s", &stderr)
	for d := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p listed
		err := d.Decode(&p)
		if errors.Is(err, io.EOF) {
			return pkgs
		}
		require.NoError(t, err)
		pkgs = append(pkgs, p)
	}
}

// touch opens every folder of the module, so that `go test` does not take an
// old result for a new one: it does not see what go list reads.
func touch(t *testing.T, root string) {
	require.NoError(t, filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.IsDir() && d.Name() == ".git" {
			return fs.SkipDir
		}
		return err
	}))
}

// The check itself can fail: each rule is broken by some import, and kept by
// another.
func TestCheckFails(t *testing.T) {
	const outside = "example.com/outside"
	ours := func(name string) string { return module + "/" + name }
	tested := map[string]bool{}
	for _, tc := range []struct {
		pkg, rule string
		bad, good []string
	}{
		{"internal/jute", "internal/jute imports", []string{ours("internal/wire"), outside}, []string{"fmt", "unsafe"}},
		{"internal/wire", "internal/wire imports", []string{ours("internal/jute"), outside}, []string{"net"}},
		{"internal/memnet", "internal/memnet imports", []string{ours("internal/wire"), outside}, []string{"net"}},
		{"internal/testenv", "internal/testenv imports", []string{ours("internal/wire"), outside}, []string{"log/slog"}},
		{"internal/backend", "internal/backend imports", []string{ours("harness"), outside}, []string{"net"}},
		{"internal/proto", "internal/proto imports", []string{ours("internal/wire"), outside}, []string{ours("internal/jute")}},
		{"zk", "zk imports", []string{ours("internal/memnet"), ours("fakezk"), ours("zk/metrics"), outside},
			[]string{"context", ours("internal/proto"), ours("internal/jute"), ours("internal/wire"), "vendor/golang.org/x/net/idna"}},
		{"zk/metrics", "", nil, []string{outside, ours("zk")}},
		{"zk/metrics", "only zk/gssapi", []string{"github.com/jcmturner/gokrb5/v8/client"}, nil},
		{"zk/gssapi", "only zk/tlsfiles", []string{"github.com/youmark/pkcs8"}, nil},
		{"zk/gssapi", "zk/gssapi and zk/tlsfiles", []string{outside, ours("fakezk")},
			[]string{ours("zk"), "net", "github.com/jcmturner/gokrb5/v8/messages"}},
		{"zk/tlsfiles", "zk/gssapi and zk/tlsfiles", []string{outside, ours("internal/proto")}, []string{"github.com/youmark/pkcs8"}},
		{"zk/admin", "zk/admin imports", []string{ours("harness"), outside}, []string{"net/http", ours("zk"), ours("internal/wire")}},
		{"zk", "only zk/zkprom", []string{"github.com/prometheus/client_golang/prometheus"}, nil},
		{"harness", "only zk/zkotel", []string{"go.opentelemetry.io/otel/trace"}, nil},
		{"zk/zkotel", "zk/zkotel imports the APIs", []string{"go.opentelemetry.io/otel/sdk/trace"},
			[]string{"go.opentelemetry.io/otel", "go.opentelemetry.io/otel/metric"}},
		{"zk/zkprom", "zk/zkprom and zk/zkotel", []string{ours("internal/proto")},
			[]string{"github.com/prometheus/client_golang/prometheus", ours("zk")}},
		{"fakezk", "fakezk never", []string{ours("zk"), ours("zk/metrics")}, []string{ours("internal/memnet")}},
		{"fakezk/admin", "fakezk never", []string{ours("zk")}, []string{ours("fakezk")}},
		{"fakezk/admin", "fakezk imports nothing", []string{outside}, []string{"github.com/google/btree"}},
		{"fakezk", "fakezk itself", []string{"net/http"}, []string{"net"}},
		{"fakezk/admin", "", nil, []string{"net/http"}},
		{"recipes", "recipes imports", []string{ours("internal/proto"), ours("fakezk"), outside}, []string{ours("zk"), "time"}},
		{"chaos", "chaos works", []string{ours("zk"), ours("fakezk"), ours("harness")}, []string{ours("internal/memnet"), outside}},
		{"internal/javazk", "internal/javazk imports", []string{ours("zk"), outside}, []string{ours("internal/backend"), "golang.org/x/sys/unix"}},
		{"harness", "only harness/docker", []string{"github.com/testcontainers/testcontainers-go"}, []string{ours("harness/docker")}},
		{"harness/docker", "harness/docker imports", []string{ours("harness"), ours("zk")},
			[]string{ours("internal/backend"), "github.com/testcontainers/testcontainers-go"}},
		{"harness", "only conformance", []string{"testing"}, []string{"testing/fstest"}},
		{"conformance", "", nil, []string{"testing"}},
		{"harness", "only tests and examples", []string{"github.com/stretchr/testify/require"}, nil},
		{"examples/lock", "", nil, []string{"github.com/stretchr/testify/require"}},
	} {
		pkg := func(deps ...string) []listed {
			return []listed{{ImportPath: ours(tc.pkg), Imports: deps, Deps: deps}}
		}
		require.Empty(t, check(pkg(tc.good...)), "%s may import %v", tc.pkg, tc.good)
		for _, bad := range tc.bad {
			broken := check(pkg(bad))
			require.Len(t, slices.DeleteFunc(broken, func(b string) bool {
				return !strings.HasPrefix(b, fmt.Sprintf("%s imports %s, but the rule is: %s", tc.pkg, bad, tc.rule))
			}), 1, "%s may not import %s", tc.pkg, bad)
		}
		for _, r := range rules {
			if tc.rule != "" && strings.HasPrefix(r.text, tc.rule) {
				tested[r.text] = true
			}
		}
	}
	for _, r := range rules {
		require.True(t, tested[r.text], "no case breaks the rule: %s", r.text)
	}
}

// Rules look where they say.
func TestCheckLooks(t *testing.T) {
	zk, docker := module+"/zk", "github.com/testcontainers/testcontainers-go"
	require.Empty(t, check([]listed{{ImportPath: module + "/fakezk", XTestImports: []string{zk, "testing"}}}),
		"tests of fakezk may use zk and testing")
	require.NotEmpty(t, check([]listed{{ImportPath: module + "/fakezk", Deps: []string{zk}}}), "fakezk imports zk by way of another")
	require.NotEmpty(t, check([]listed{{ImportPath: zk, XTestImports: []string{docker}}}), "nor do tests import testcontainers")
	require.Empty(t, check([]listed{{ImportPath: module + "/chaos", Deps: []string{"testing"}}}), "what others import is theirs")
}
