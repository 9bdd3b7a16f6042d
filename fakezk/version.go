package fakezk

import (
	"fmt"
	"strconv"
	"strings"
)

// Version is the release of ZooKeeper that the server answers as: any from
// 3.4.0 on, such as "3.5.10", or a line such as "3.8", which is its newest
// release. The default is "3.9.5". What the releases differ in is the table of
// quirks, and docs/fidelity.md.
func Version(v string) Option {
	return func(c *config) {
		r, err := parseRelease(v)
		c.fail(err)
		c.release, c.quirks = r, quirksOf(r)
	}
}

// A release is a version of ZooKeeper, 3.line.patch.
type release struct{ line, patch int }

// newest is the release that the fake answers as by default.
var newest = release{9, 5}

// lastOfLine is the newest patch of each line that the fake knows.
var lastOfLine = map[int]int{4: 14, 5: 10, 6: 4, 7: 2, 8: 6, 9: 5}

const oldestLine = 4

func (r release) String() string { return fmt.Sprintf("3.%d.%d", r.line, r.patch) }

// parseRelease reads "3.8.4" or "3.8".
func parseRelease(text string) (release, error) {
	numbers := strings.Split(text, ".")
	var n [3]int
	known := len(numbers) == 2 || len(numbers) == len(n)
	for i := range min(len(numbers), len(n)) {
		var err error
		n[i], err = strconv.Atoi(numbers[i])
		known = known && err == nil && numbers[i] == strconv.Itoa(n[i])
	}
	last, ok := lastOfLine[n[1]]
	if len(numbers) == 2 {
		n[2] = last
	}
	if !known || !ok || n[0] != 3 || n[2] < 0 || n[2] > last {
		return release{}, fmt.Errorf("fakezk: version %q: want one of %s, or a line such as 3.8", text, knownReleases())
	}
	return release{n[1], n[2]}, nil
}

// knownReleases is "3.4.0 to 3.4.14, ...".
func knownReleases() string {
	var ranges []string
	for line := oldestLine; line <= newest.line; line++ {
		ranges = append(ranges, fmt.Sprintf("3.%d.0 to %v", line, release{line, lastOfLine[line]}))
	}
	return strings.Join(ranges, ", ")
}

// has tells whether the release has what came with the first ones: with the
// last of them for all lines from its on, and with another for its own line.
// So 3.8.5 has what came with 3.8.4 and 3.9.2, and 3.9.1 has not.
func (r release) has(firsts ...release) bool {
	for _, first := range firsts {
		if r.line == first.line {
			return r.patch >= first.patch
		}
	}
	return r.line > firsts[len(firsts)-1].line
}
