package peers_test

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// A record is a file with the result of each test on a real server.
type record struct{ suite, version string }

func (r record) file() string { return fmt.Sprintf("testdata/%s-%s.txt", r.suite, r.version) }

func (r record) write(t *testing.T, results map[string]string) {
	var b strings.Builder
	fmt.Fprintf(&b, "# The tests of %s %s on a real ZooKeeper 3.8.0\n", r.suite, r.version)
	for _, test := range slices.Sorted(maps.Keys(results)) {
		fmt.Fprintln(&b, test, results[test])
	}
	require.NoError(t, os.WriteFile(r.file(), []byte(b.String()), 0o644))
}

func (r record) read(t *testing.T) map[string]string {
	text, err := os.ReadFile(r.file())
	require.NoError(t, err, "nobody has recorded this version; go test ./fakezk/peers -run Suite -record does")
	results := map[string]string{}
	for line := range strings.Lines(string(text)) {
		if test, result, ok := strings.Cut(strings.TrimSpace(line), " "); ok && test != "#" {
			results[test] = result
		}
	}
	require.NotEmpty(t, results, r.file())
	return results
}
