package conformance

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

var (
	record  = flag.Bool("record", false, "write what the real server answers into the cases")
	version = flag.String("version", "3.9", "of the real servers, or several with commas between them; all is every one that is recorded")
	members = flag.Int("members", 1, "of the real ensembles; connections go to a follower")
)

// TestFake plays every case against the fake, as each release, in virtual
// time.
func TestFake(t *testing.T) {
	for _, v := range Versions() {
		t.Run(v, func(t *testing.T) { Run(t, Fake(v)) })
	}
}

// TestReal plays every case against real servers: what the cases say is true.
// With -record it writes what the real servers say into the cases.
func TestReal(t *testing.T) {
	versions := strings.Split(*version, ",")
	if *version == "all" {
		versions = Versions()
	}
	for _, v := range versions {
		column, err := columnOf(v)
		require.NoError(t, err)
		name := newestOf(column)
		if *members > 1 {
			name = fmt.Sprintf("%s of %d members", name, *members)
		}
		t.Run(name, func(t *testing.T) {
			s := &suite{target: Java(v, *members)}
			if *record {
				s.play = s.write
			}
			s.run(t)
		})
	}
}

// write plays the case and records the answers; when the case's family is
// over, they are in its file.
func (s *suite) write(t *testing.T, c *testCase, r *run) string {
	err := c.play(r, func(st *step, got string) bool {
		st.record(s.column, c.usual(), got)
		return true
	})
	if errors.Is(err, ErrUnsupported) {
		t.Skip(err)
	}
	require.NoError(t, err)
	require.NoError(t, c.write())
	return ""
}

// write puts what was recorded into the case's file.
func (c *testCase) write() error {
	text, err := os.ReadFile(c.file)
	if err != nil {
		return err
	}
	var steps []*step
	for i := range c.family.cases {
		other := &c.family.cases[i]
		if other.file != c.file {
			continue
		}
		for j := range other.steps {
			s := &other.steps[j]
			for column := range other.not {
				delete(s.others, column)
			}
			steps = append(steps, s)
		}
	}
	var b strings.Builder
	for line := range strings.Lines(string(text)) {
		if strings.HasPrefix(line, "\t") {
			continue
		}
		b.WriteString(line)
		if len(steps) > 0 && strings.TrimSuffix(line, "\n") == steps[0].line {
			b.WriteString(steps[0].transcript())
			steps = steps[1:]
		}
	}
	return os.WriteFile(c.file, []byte(b.String()), 0o644)
}
