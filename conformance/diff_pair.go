package conformance

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"
)

// A pair is a server of each target, that play the same programs one after
// another, so that zxids compare.
type pair struct {
	d                 *diff
	t                 *testing.T
	conf              diffConfig
	oracle, candidate Server
	rand              *rand.Rand
	root              string
	programs          int
}

// start boots both.
func (p *pair) start() {
	properties := append(append([]string{}, p.conf.properties...), diffProperties...)
	var both sync.WaitGroup
	both.Go(func() { p.candidate = p.d.candidate.Start(p.t, properties) })
	p.oracle = p.d.oracle.Start(p.t, properties)
	both.Wait()
}

// program draws and plays a program, and tells whether the servers can go on.
func (p *pair) program() bool {
	d := drawer{Rand: p.rand, minor: p.d.minor, conf: p.conf}
	steps := d.program(p.d.length)
	o := p.play(steps)
	p.d.tally.programs.Add(1)
	p.d.tally.ops.Add(int64(countRequests(steps)))
	if o.same() {
		return true
	}
	p.d.tally.differences.Add(1)
	if p.dead("oracle", p.d.oracle, p.oracle, o) || p.dead("candidate", p.d.candidate, p.candidate, o) {
		return false
	}
	if less := p.shrink(steps); less != nil {
		o = *less
	} else {
		p.t.Logf("the difference that follows did not show when its program was played again")
	}
	if p.dead("oracle", p.d.oracle, p.oracle, o) || p.dead("candidate", p.d.candidate, p.candidate, o) {
		return false
	}
	p.d.fail(p.t, "%s and %s differ (seed %d, %s)\n\n%s", p.d.oracle.Name, p.d.candidate.Name, p.d.seed, p.conf.name, o.told())
	p.d.keepCase(p.t, p.conf, o)
	return true
}

// dead tells whether a server no longer gives sessions, and fails if so.
func (p *pair) dead(role string, tg Target, s Server, o outcome) bool {
	r := newRun(p.t, s, "/alive")
	defer r.end()
	err := r.begin()
	if err != nil {
		p.d.fail(p.t, "the %s (%s %s) has not survived this program: %v\n\n%s", role, tg.Name, tg.Version, err, o.told())
	}
	return err != nil
}

// countRequests counts what a program sends, but flushes and words.
func countRequests(steps []string) (n int) {
	for _, line := range steps {
		switch {
		case strings.HasSuffix(line, ": flush") || strings.HasPrefix(line, "own ") || strings.HasSuffix(line, ": shut"):
		case strings.Contains(line, ": pipe "):
			n += strings.Count(line, " | ") + 1
		default:
			n++
		}
	}
	return n
}

// A played step, with what happened.
type played struct{ line, text string }

// An outcome is what a program came to on both.
type outcome struct {
	oracle, candidate []played
	oracleErr, err    error
}

// play runs a program on both servers at once.
func (p *pair) play(steps []string) (o outcome) {
	p.programs++
	root := fmt.Sprintf("%s%d", p.root, p.programs)
	var both sync.WaitGroup
	both.Go(func() { o.candidate, o.err = p.playOn(p.candidate, root, steps) })
	o.oracle, o.oracleErr = p.playOn(p.oracle, root, steps)
	both.Wait()
	return o
}

func (p *pair) playOn(s Server, root string, steps []string) ([]played, error) {
	pl := player{run: newRun(p.t, s, root), minor: p.d.minor}
	pl.run.random = true
	pl.run.patience = 20 * time.Second // for a machine that does much else
	if err := pl.run.begin(); err != nil {
		return nil, err
	}
	defer pl.run.end()
	err := pl.program(steps)
	return pl.done, err
}

// at is the first step that differs, or -1.
func (o outcome) at() int {
	for i := range min(len(o.oracle), len(o.candidate)) {
		if o.oracle[i] != o.candidate[i] {
			return i
		}
	}
	if len(o.oracle) != len(o.candidate) {
		return min(len(o.oracle), len(o.candidate))
	}
	return -1
}

func (o outcome) same() bool { return o.at() < 0 && o.oracleErr == nil && o.err == nil }

// told is the program up to the difference, and both sides of that.
func (o outcome) told() string {
	var b strings.Builder
	at := o.at()
	for i, s := range o.oracle {
		if i == at {
			break
		}
		fmt.Fprintf(&b, "%s\n%s", s.line, s.text)
	}
	side := func(name string, steps []played, err error) {
		fmt.Fprintf(&b, "--- %s\n", name)
		if at >= 0 && at < len(steps) {
			fmt.Fprintf(&b, "%s\n%s", steps[at].line, steps[at].text)
		}
		if err != nil {
			fmt.Fprintf(&b, "\t%v\n", err)
		}
	}
	side("oracle", o.oracle, o.oracleErr)
	side("candidate", o.candidate, o.err)
	return b.String()
}
