package peers_test

import (
	"os/exec"
	"testing"

	"github.com/zookit/zookit/internal/testenv"
)

func TestKazoo(t *testing.T) {
	t.Parallel()
	startKazoo(t).steps(t, steps...)
}

// startKazoo starts a Python that has kazoo. Debian's package is for Debian's
// Python, which need not be the first in PATH.
func startKazoo(t *testing.T) *process {
	for _, python := range []string{"/usr/bin/python3", "python3"} {
		if exec.CommandContext(t.Context(), python, "-c", "import kazoo").Run() == nil {
			return start(t, python, "testdata/kazoo_peer.py")
		}
	}
	testenv.Missing(t, "Python's kazoo", "apt-get install python3-kazoo")
	return nil
}
