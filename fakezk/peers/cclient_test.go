package peers_test

import (
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/internal/testenv"
)

func TestCClient(t *testing.T) {
	t.Parallel()
	start(t, compileC(t)).steps(t, slices.Concat(steps, []step{vanish})...)
}

// compileC builds the C peer.
func compileC(t *testing.T) string {
	const install = "apt-get install gcc libzookeeper-mt-dev"
	cc, err := exec.LookPath("cc")
	if err != nil {
		testenv.Missing(t, "a C compiler", install)
	}
	preprocess := exec.CommandContext(t.Context(), cc, "-E", "-")
	preprocess.Stdin = strings.NewReader("#include <zookeeper/zookeeper.h>\n")
	if preprocess.Run() != nil {
		testenv.Missing(t, "zookeeper.h of Apache's C client", install)
	}
	program := filepath.Join(t.TempDir(), "c_peer")
	compile := exec.CommandContext(t.Context(), cc, "-std=gnu11", "-Wall", "-Wextra", "-DTHREADED",
		"-o", program, "testdata/c_peer.c", "-lzookeeper_mt", "-lpthread")
	output, err := compile.CombinedOutput()
	require.NoError(t, err, string(output))
	require.Empty(t, string(output), "warnings of the compiler")
	return program
}
