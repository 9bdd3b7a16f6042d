package conformance

import (
	"fmt"
	"slices"
	"strings"
)

// A release is one whose answers the cases have. Its column is its name in
// them.
type release struct{ column, version string }

// releases are those that were recorded; the first is what a step has unless
// it says otherwise.
var releases = []release{
	{"3.9", "3.9.5"}, {"3.9.0", "3.9.0"},
	{"3.8", "3.8.6"}, {"3.8.0", "3.8.0"},
	{"3.7", "3.7.2"}, {"3.6", "3.6.4"}, {"3.5", "3.5.10"}, {"3.4", "3.4.14"},
}

// threeMembers is behind the column of a release in an ensemble of three, for
// the answers that differ there.
const threeMembers = "x3"

// Versions are the releases whose answers are recorded, newest first. A
// target's version has to be one of them.
func Versions() []string {
	var all []string
	for _, r := range releases {
		all = append(all, r.version)
	}
	return all
}

// columnOf finds the column of a version, or of a line such as "3.8".
func columnOf(version string) (string, error) {
	for _, r := range releases {
		if version == "" || version == r.version || version == r.column {
			return r.column, nil
		}
	}
	return "", fmt.Errorf("conformance: nothing is recorded of version %s, but of %s: choose the nearest",
		version, strings.Join(Versions(), ", "))
}

// newestOf is the recorded version of a line such as "3.8".
func newestOf(version string) string {
	for _, r := range releases {
		if version == "" || version == r.column {
			return r.version
		}
	}
	return version
}

// want is what a server answers, by column.
func (s *step) want(column string) string {
	if text, ok := s.others[column]; ok {
		return text
	}
	if bare, ok := strings.CutSuffix(column, threeMembers); ok {
		return s.want(bare)
	}
	return s.usual
}

// record notes what a real server answered, which is the usual in the column
// of that name.
func (s *step) record(column, usual, got string) {
	delete(s.others, column)
	switch {
	case column == usual:
		s.usual = got
	case got != s.want(column):
		if s.others == nil {
			s.others = map[string]string{}
		}
		s.others[column] = got
	}
}

// heard takes a line of a transcript: "\t+1 ok" or, of some releases only,
// "\t[3.4 3.5] +1 ok".
func (s *step) heard(line string) {
	columns, text, ok := strings.Cut(line, "] ")
	if !ok || !strings.HasPrefix(line, "\t[") {
		s.usual += line + "\n"
		return
	}
	if s.others == nil {
		s.others = map[string]string{}
	}
	for _, column := range strings.Fields(columns[2:]) {
		s.others[column] += "\t" + text + "\n"
		if text == silence {
			s.others[column] = ""
		}
	}
}

// silence stands for no answer where another release has one.
const silence = "(nothing)"

// transcript is all that heard reads, shortest first: what most do, then those
// that differ, the alike together.
func (s *step) transcript() string {
	var b strings.Builder
	b.WriteString(s.usual)
	alike := map[string][]string{}
	for _, column := range columns() {
		if text, ok := s.others[column]; ok {
			alike[text] = append(alike[text], column)
		}
	}
	for _, column := range columns() {
		text, ok := s.others[column]
		if !ok || alike[text][0] != column {
			continue
		}
		if text == "" {
			text = "\t" + silence + "\n"
		}
		for line := range strings.Lines(text) {
			fmt.Fprintf(&b, "\t[%s] %s", strings.Join(alike[s.others[column]], " "), line[1:])
		}
	}
	return b.String()
}

// columns are all that a step may have, newest first.
func columns() []string {
	var all []string
	for _, r := range releases {
		all = append(all, r.column, r.column+threeMembers)
	}
	return slices.Clip(all)
}
