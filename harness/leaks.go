package harness

import (
	"bytes"
	"context"
	"fmt"
	"runtime/pprof"
	"slices"
	"strings"
	"sync"
	"time"
)

// A LeakMode says what becomes of what the code under test leaves behind.
type LeakMode int

const (
	FailOnLeaks LeakMode = iota // the test fails
	LogLeaks                    // the test logs it
	IgnoreLeaks                 // nobody looks
)

// report tells what was left behind, a line each.
func (e *Ensemble) report(left []string) {
	for _, what := range left {
		switch e.cfg.leaks {
		case FailOnLeaks:
			e.t.Errorf("harness: left behind: %s", what)
		case LogLeaks:
			e.t.Logf("harness: left behind: %s", what)
		}
	}
}

// leftSessions are the sessions of the code under test. On a real ensemble the
// end of one may be a moment away.
func (e *Ensemble) leftSessions() (left []string) {
	if e.cfg.leaks == IgnoreLeaks {
		return nil
	}
	for wait := time.Millisecond; ; wait *= 2 {
		left = e.foreignSessions()
		if len(left) == 0 || e.fake != nil || wait > time.Second/2 {
			return left
		}
		time.Sleep(wait)
	}
}

func (e *Ensemble) foreignSessions() (foreign []string) {
	sessions := e.Sessions()
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, s := range sessions {
		byClient := slices.ContainsFunc(e.clients, func(c *Client) bool { return c.Session().ID() == s.ID })
		if !e.ours[s.Client] && !byClient {
			foreign = append(foreign, s.String())
		}
	}
	return foreign
}

// leftWatches are the persistent watches on clients of Connect, but for those
// whose removal is under way. One-shot ones cannot but be left when they have
// not fired.
func (e *Ensemble) leftWatches() (left []string) {
	if e.cfg.leaks == IgnoreLeaks {
		return nil
	}
	for wait := time.Millisecond; ; wait *= 2 {
		left = left[:0]
		for _, w := range e.Watches() {
			if w.Kind == "persistent" || w.Kind == "recursive" {
				left = append(left, w.String())
			}
		}
		if len(left) == 0 || wait > time.Second/2 {
			return left
		}
		time.Sleep(wait)
	}
}

// leakLabel marks the goroutines of one test, so that tests can run in
// parallel: a goroutine inherits its label from the one that started it.
const leakLabel = "zookit.test"

// labels are those of the tests that run, each for all ensembles of its test.
var labels struct {
	sync.Mutex
	given  int
	byTest map[TB]*testLabel
}

type testLabel struct {
	value     string
	ensembles int
}

// labelGoroutines labels the goroutine of a test.
func labelGoroutines(t TB) {
	labels.Lock()
	defer labels.Unlock()
	l := labels.byTest[t]
	if l == nil {
		labels.given++
		l = &testLabel{value: fmt.Sprintf("%s#%d", t.Name(), labels.given)}
		if labels.byTest == nil {
			labels.byTest = map[TB]*testLabel{}
		}
		labels.byTest[t] = l
		pprof.SetGoroutineLabels(pprof.WithLabels(context.Background(), pprof.Labels(leakLabel, l.value)))
	}
	l.ensembles++
}

// lastLabel is the label of a test whose last ensemble ends.
func lastLabel(t TB) (value string, last bool) {
	labels.Lock()
	defer labels.Unlock()
	l := labels.byTest[t]
	if l.ensembles--; l.ensembles > 0 {
		return "", false
	}
	delete(labels.byTest, t)
	return l.value, true
}

// leftGoroutines are those that the test has started, and that have not ended
// in a second.
func (e *Ensemble) leftGoroutines() (left []string) {
	if e.cfg.leaks == IgnoreLeaks {
		return nil
	}
	label, last := lastLabel(e.t)
	if !last {
		return nil // those of the other ensembles' clients still run
	}
	defer pprof.SetGoroutineLabels(context.Background())
	for wait := time.Millisecond; ; wait *= 2 {
		left = goroutines(fmt.Sprintf("%q:%q", leakLabel, label))
		if len(left) == 0 || wait > time.Second {
			return left
		}
		time.Sleep(wait)
	}
}

// goroutines are the stacks of the goroutines with a label, but for the one
// that asks.
func goroutines(label string) (stacks []string) {
	var profile bytes.Buffer
	pprof.Lookup("goroutine").WriteTo(&profile, 1)
	for block := range strings.SplitSeq(profile.String(), "\n\n") {
		if !strings.Contains(block, label) || strings.Contains(block, "harness.goroutines") {
			continue
		}
		stacks = append(stacks, "goroutine\n"+frames(block))
	}
	return stacks
}

// frames is the functions and lines of a stack, without its addresses.
func frames(block string) string {
	var out strings.Builder
	for line := range strings.Lines(block) {
		if fields := strings.Fields(line); len(fields) >= 4 && strings.HasPrefix(line, "#\t0x") {
			fmt.Fprintf(&out, "\t%s %s\n", fields[2], fields[3])
		}
	}
	return out.String()
}
