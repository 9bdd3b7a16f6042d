package peers_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/zookit/zookit/internal/testenv"
)

// A python is an interpreter that can run a suite.
type python struct {
	name    string
	env     []string
	version string // of the suite
}

// python finds an interpreter. Debian's packages are for Debian's, which need
// not be the first in PATH.
func (s suite) python(t *testing.T) python {
	path := "testdata"
	if s.pip != "" {
		dir, err := s.fetched()
		if err != nil {
			testenv.Missing(t, fmt.Sprintf("%v\n%s", err, s.name), "apt-get install "+s.apt)
		}
		path += string(os.PathListSeparator) + dir
	}
	env := append(neutral(os.Environ()), "PYTHONPATH="+path, "PYTHONDONTWRITEBYTECODE=1", "PYTHONUNBUFFERED=1")
	check := fmt.Sprintf("import %s, %s, importlib.metadata; print(importlib.metadata.version(%q))", s.tests, s.needs, s.name)
	var said []byte
	for _, name := range []string{"/usr/bin/python3", "python3"} {
		cmd := exec.CommandContext(t.Context(), name, "-c", check)
		cmd.Env = env
		var err error
		if said, err = cmd.CombinedOutput(); err == nil {
			return python{name, env, strings.TrimSuffix(lastLine(said), ".dev0")} // as Debian calls kazoo 2.8.0
		}
	}
	testenv.Missing(t, "a Python for the tests of "+s.name+" ("+lastLine(said)+")", "apt-get install "+s.apt)
	return python{}
}

// neutral is env without what kazoo's tests skip and compare by.
func neutral(env []string) []string {
	return slices.DeleteFunc(env, func(v string) bool {
		name, _, _ := strings.Cut(v, "=")
		return name == "CI" || name == "TRAVIS" || strings.HasPrefix(name, "ZOOKEEPER_") || strings.HasPrefix(name, "KRB5_")
	})
}

// fetched is a folder with the package, which pip fetches once per machine.
func (s suite) fetched() (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	dir := filepath.Join(cache, "zookit", s.name+"-"+s.pip)
	if _, err := os.Stat(dir); err == nil {
		return dir, nil
	}
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		return "", err
	}
	work, err := os.MkdirTemp(filepath.Dir(dir), "fetch-*")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(work)
	cmd := exec.Command("python3", "-m", "pip", "install", "--quiet", "--no-deps", "--target", work, s.name+"=="+s.pip)
	if said, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("pip install %s==%s: %w: %s", s.name, s.pip, err, lastLine(said))
	}
	err = os.Rename(work, dir)
	if _, lost := os.Stat(dir); lost == nil {
		return dir, nil // Another process may have been first; its copy is as good.
	}
	return "", err
}

func lastLine(text []byte) string {
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	return lines[len(lines)-1]
}
