package conformance

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// Run plays every case on servers of the target, as subtests by family and
// name, and fails where an answer is not the recorded one of a real server.
func Run(t *testing.T, tg Target) {
	s := &suite{target: tg}
	s.run(t)
}

// A suite is the cases on one target.
type suite struct {
	target Target
	column string
	// play plays a case; nil compares with the record.
	play func(t *testing.T, c *testCase, r *run) (diff string)
}

func (s *suite) run(t *testing.T) {
	t.Helper()
	var err error
	if s.column, err = columnOf(s.target.Version); err != nil {
		t.Fatal(err)
	}
	if s.target.Members > 1 {
		s.column += threeMembers
	}
	if s.play == nil {
		s.play = s.compare
	}
	all, err := families()
	if err != nil {
		t.Fatal(err)
	}
	for i := range all {
		t.Run(all[i].name, func(t *testing.T) {
			t.Parallel()
			s.family(t, &all[i])
		})
	}
}

// family plays the cases of one file. Those that do not need a fresh server
// share one, of each configuration.
func (s *suite) family(t *testing.T, f *family) {
	shared := map[string]Server{}
	for i := range f.cases {
		c := &f.cases[i]
		t.Run(c.name, func(sub *testing.T) {
			sub.Attr("zk.rule", c.rule)
			s.skip(sub, c)
			if s.target.Virtual {
				synctest.Test(sub, func(t *testing.T) { s.once(t, c, s.target.Start(t, c.server), c.root()) })
				return
			}
			server := shared[c.key()]
			switch {
			case c.fresh:
				server = s.target.Start(sub, c.server)
			case server == nil:
				server = s.target.Start(t, c.server)
				shared[c.key()] = server
			}
			s.tries(sub, c, server)
		})
	}
}

func (s *suite) skip(t *testing.T, c *testCase) {
	if c.members > max(s.target.Members, 1) {
		t.Skipf("needs an ensemble of %d members", c.members)
	}
	for _, feature := range c.needs {
		if !slices.Contains(s.target.Features, feature) {
			t.Skipf("needs %s", feature)
		}
	}
	if why, ok := c.not[strings.TrimSuffix(s.column, threeMembers)]; ok {
		t.Skipf("not for this version: %s", why)
	}
	if why, ok := c.not[threeMembers]; ok && s.target.Members > 1 {
		t.Skipf("not for an ensemble: %s", why)
	}
}

// once plays the case and fails the test for the first difference.
func (s *suite) once(t *testing.T, c *testCase, server Server, root string) {
	if diff := s.play(t, c, s.newRun(t, server, root)); diff != "" {
		t.Error(diff)
	}
}

func (s *suite) newRun(t *testing.T, server Server, root string) *run {
	r := newRun(t, server, root)
	r.elsewhere = !slices.Contains(s.target.Features, Loopback)
	r.version = newestOf(strings.TrimSuffix(s.column, threeMembers))
	return r
}

// tries plays a case on a server that is a process. A case about times has
// three tries: the server runs beside others, and may be late for no fault of
// its own. What is wrong is so each time.
func (s *suite) tries(t *testing.T, c *testCase, server Server) {
	root := c.root()
	left := c.tries()
	if s.target.Members > 1 {
		// A leader judges by what it has applied, which may be later than
		// that a follower has answered: permissions and quotas, for example.
		left = 3
	}
	for ; ; left-- {
		r := s.newRun(t, server, root)
		r.slack = 3 * time.Second
		diff := s.play(t, c, r)
		if diff == "" {
			return
		}
		if left == 1 {
			t.Error(diff)
			return
		}
		t.Logf("once more, since it may be about times:\n%s", diff)
		root += "-again"
		if c.fresh {
			server = s.target.Start(t, c.server)
		}
	}
}

// compare plays the case up to the first step with another transcript than the
// recorded one, and tells it.
func (s *suite) compare(t *testing.T, c *testCase, r *run) (diff string) {
	t.Helper()
	var before strings.Builder
	err := c.play(r, func(st *step, got string) bool {
		want := st.want(s.column)
		if got == want {
			fmt.Fprintf(&before, "%s\n%s", st.line, got)
			return true
		}
		diff = fmt.Sprintf("%s: %s\n\n%s%s\n--- got\n%s--- a real server of %s has\n%s", c.name, c.rule, &before, st.line, got, s.column, want)
		return false
	})
	if errors.Is(err, ErrUnsupported) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	return diff
}

// root is the path of the case's own.
func (c *testCase) root() string { return "/" + c.name }

// usual is the column of what the case's steps say without naming one.
func (c *testCase) usual() string {
	if c.members > 1 {
		return releases[0].column + threeMembers
	}
	return releases[0].column
}

// key is the configuration of the server that the case needs.
func (c *testCase) key() string { return strings.Join(c.server, " ") }

// tries are more than one where times matter, and where the server tells of
// itself: it counts what it has sent only afterwards.
func (c *testCase) tries() int {
	for _, s := range c.steps {
		if s.verb == "sleep" || s.verb == "word" || s.verb == "http" || s.verb == "eof" && len(s.args) > 0 {
			return 3
		}
	}
	return 1
}

// play runs a case and hands on the transcript of each step, until next says
// that it was the last.
func (c *testCase) play(r *run, next func(s *step, got string) bool) error {
	if err := r.begin(); err != nil {
		return err
	}
	defer r.end()
	r.random = c.random
	for i := range c.steps {
		s := &c.steps[i]
		got, err := r.step(*s)
		if err != nil {
			return err
		}
		if !next(s, got) {
			return nil
		}
	}
	return nil
}
