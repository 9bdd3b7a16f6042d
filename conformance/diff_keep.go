package conformance

import (
	"fmt"
	"hash/fnv"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// keepCase writes a difference as a case: the program up to it, with what the
// oracle did.
func (d *diff) keepCase(t *testing.T, conf diffConfig, o outcome) {
	if d.keep == "" {
		return
	}
	steps := o.oracle
	if at := o.at(); at >= 0 && at < len(steps) {
		steps = steps[:at+1]
	}
	h := fnv.New32a()
	for _, s := range steps {
		fmt.Fprintln(h, s.line)
	}
	name := fmt.Sprintf("%08x", h.Sum32())
	var b strings.Builder
	fmt.Fprintf(&b, "=== %s found by make diff, seed %d\n@server %s\n", name, d.seed, strings.Join(append(conf.properties[:len(conf.properties):len(conf.properties)], diffProperties...), " "))
	for _, s := range steps {
		fmt.Fprintf(&b, "%s\n%s", s.line, s.text)
	}
	file := filepath.Join(d.keep, name+".txt")
	if err := os.WriteFile(file, []byte(b.String()), 0o644); err != nil {
		t.Errorf("cannot keep the difference: %v", err)
		return
	}
	t.Logf("kept as %s", file)
}
