package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
)

// An outcome is how a case ended.
type outcome string

const (
	passed  outcome = "pass"
	failed  outcome = "fail"
	skipped outcome = "skip"
)

// A report is how cases ended, by target.
type report struct {
	targets  []string // in the order in which they were heard of
	families map[string]map[string]map[string]outcome
	rules    map[string]string // of cases, by family and name
	reasons  map[string]int    // why cases were skipped, and how many
	broken   []string          // packages that failed
}

// read takes the events of go test -json. The names of tests tell target,
// family and case: TestFake/3.9.5/watch-order/WO01.
func read(in io.Reader) (*report, error) {
	r := &report{families: map[string]map[string]map[string]outcome{}, rules: map[string]string{}, reasons: map[string]int{}}
	said := map[string]string{} // the last line of each test
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		var e struct{ Action, Package, Test, Output, Key, Value string }
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
			return nil, fmt.Errorf("this is no event of go test -json: %s", lines.Text())
		}
		if e.Test == "" && e.Action == string(failed) {
			r.broken = append(r.broken, e.Package)
		}
		target, family, name, ok := parse(e.Test)
		if !ok {
			continue
		}
		if e.Action == "attr" && e.Key == "zk.rule" {
			r.rules[family+"/"+name] = e.Value
		}
		switch o := outcome(e.Action); o {
		case passed, failed, skipped:
			r.add(target, family, name, o)
			if o == skipped {
				r.reasons[said[e.Test]]++
			}
			delete(said, e.Test)
		default:
			if _, text, ok := strings.Cut(e.Output, ".go:"); ok {
				_, text, _ = strings.Cut(text, ": ")
				said[e.Test] = strings.TrimSpace(text)
			}
		}
	}
	return r, lines.Err()
}

// kinds are the tests that play the cases, by how the table calls them.
var kinds = map[string]string{"TestFake": "fake", "TestReal": "java", "TestConformance": "docker"}

func parse(test string) (target, family, name string, ok bool) {
	part := strings.Split(test, "/")
	kind, known := kinds[part[0]]
	if !known || len(part) != 4 {
		return "", "", "", false
	}
	return kind + " " + strings.ReplaceAll(part[1], "_", " "), part[2], part[3], true
}

func (r *report) add(target, family, name string, o outcome) {
	if !slices.Contains(r.targets, target) {
		r.targets = append(r.targets, target)
	}
	cases := r.families[family]
	if cases == nil {
		cases = map[string]map[string]outcome{}
		r.families[family] = cases
	}
	if cases[name] == nil {
		cases[name] = map[string]outcome{}
	}
	cases[name][target] = o
}

// verdict is an error when something failed or nothing was played.
func (r *report) verdict() error {
	var bad []string
	n := 0
	for family, cases := range r.families {
		for name, outcomes := range cases {
			for target, o := range outcomes {
				n++
				if o == failed {
					bad = append(bad, fmt.Sprintf("%s/%s on %s", family, name, target))
				}
			}
		}
	}
	if n == 0 {
		return errors.New("no case was played")
	}
	if len(bad) == 0 && len(r.broken) > 0 {
		return fmt.Errorf("something else failed in %s", strings.Join(r.broken, ", "))
	}
	if len(bad) > 0 {
		slices.Sort(bad)
		return fmt.Errorf("%d failed: %s", len(bad), strings.Join(bad, ", "))
	}
	return nil
}

// write writes the table.
func (r *report) write(out io.Writer) error {
	w := &sticky{to: out}
	w.say("# Conformance\n\nWritten by `make conformance`. Each case is played on each target; it passes when\nall answers are those that a real server of that release gave when the case was\nrecorded. `+` passed, `.` not for this target, `FAIL` failed.\n\n")
	w.say("| target | passed | not for it | failed |\n|---|---|---|---|\n")
	for _, target := range r.targets {
		count := map[outcome]int{}
		for _, cases := range r.families {
			for _, outcomes := range cases {
				count[outcomes[target]]++
			}
		}
		w.say("| %s | %d | %d | %d |\n", target, count[passed], count[skipped], count[failed])
	}
	w.say("\nCases are not for a target for these reasons:\n\n| reason | how often |\n|---|---|\n")
	for _, why := range slices.Sorted(maps.Keys(r.reasons)) {
		w.say("| %s | %d |\n", why, r.reasons[why])
	}
	for _, family := range slices.Sorted(maps.Keys(r.families)) {
		w.say("\n## %s\n\n| case | rule | %s |\n|---|---|%s\n", family, strings.Join(r.targets, " | "), strings.Repeat("---|", len(r.targets)))
		cases := r.families[family]
		for _, name := range slices.Sorted(maps.Keys(cases)) {
			w.say("| %s | %s |", name, strings.ReplaceAll(r.rules[family+"/"+name], "|", `\|`))
			for _, target := range r.targets {
				w.say(" %s |", mark(cases[name][target]))
			}
			w.say("\n")
		}
	}
	return w.err
}

func mark(o outcome) string {
	switch o {
	case passed:
		return "+"
	case skipped:
		return "."
	case failed:
		return "FAIL"
	}
	return ""
}

// A sticky writer remembers its first error.
type sticky struct {
	to  io.Writer
	err error
}

func (s *sticky) say(format string, args ...any) {
	if s.err == nil {
		_, s.err = fmt.Fprintf(s.to, format, args...)
	}
}
