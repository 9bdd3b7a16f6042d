package conformance

import (
	"strings"
	"time"
)

// shrinkTime is how long a program is made shorter.
const shrinkTime = time.Minute

// shrink finds a shorter program that still shows a difference. nil says that
// not even the whole does so again.
func (p *pair) shrink(steps []string) *outcome {
	s := shrinker{until: time.Now().Add(shrinkTime), differs: func(steps []string) *outcome {
		if o := p.play(steps); !o.same() {
			return &o
		}
		return nil
	}}
	if s.best = s.differs(steps); s.best == nil {
		return nil
	}
	s.run(steps)
	return s.best
}

// A shrinker takes away what a program can do without.
type shrinker struct {
	until   time.Time
	differs func(steps []string) *outcome
	best    *outcome
}

func (s *shrinker) run(steps []string) []string {
	for before := -1; before != size(steps); {
		before = size(steps)
		steps = s.without(steps)
		for i := range steps {
			steps = s.line(steps, i, " | ")
			steps = s.line(steps, i, " ")
		}
	}
	return steps
}

func size(steps []string) int { return len(strings.Join(steps, "\n")) }

// without drops runs of steps, long ones first.
func (s *shrinker) without(steps []string) []string {
	for n := (len(steps) + 1) / 2; n > 0; n /= 2 {
		for i := 0; i < len(steps); {
			less := append(append([]string{}, steps[:i]...), steps[min(i+n, len(steps)):]...)
			if s.try(less) {
				steps = less
			} else {
				i += n
			}
		}
	}
	return steps
}

// line drops parts of one step: what a bar separates, or arguments with names.
// The verb and what stands before it stay.
func (s *shrinker) line(steps []string, at int, separator string) []string {
	for i := 0; ; {
		head, tail := cutHead(steps[at])
		parts := strings.Split(tail, separator)
		if i >= len(parts) || len(parts) == 1 && separator == " | " {
			return steps
		}
		if separator == " " && !optional(parts[i]) {
			i++
			continue
		}
		parts = append(append([]string{}, parts[:i]...), parts[i+1:]...)
		less := append([]string{}, steps...)
		less[at] = strings.TrimSuffix(head+strings.Join(parts, separator), " ")
		if s.try(less) {
			steps = less
		} else {
			i++
		}
	}
}

// cutHead cuts a step behind its verb.
func cutHead(line string) (head, tail string) {
	at := 0
	if i := strings.Index(line, ": "); i >= 0 {
		at = i + 2
	}
	if i := strings.IndexByte(line[at:], ' '); i >= 0 {
		return line[:at+i+1], line[at+i+1:]
	}
	return line, ""
}

// optional tells of an argument whether a request is as harmless without it. A
// createTTL without ttl may end a real server.
func optional(arg string) bool {
	key, _, named := strings.Cut(arg, "=")
	return arg == "watch" || named && keys[key] && key != "ttl" && key != "sid"
}

func (s *shrinker) try(steps []string) bool {
	if time.Now().After(s.until) {
		return false
	}
	o := s.differs(steps)
	if o != nil {
		s.best = o
	}
	return o != nil
}
