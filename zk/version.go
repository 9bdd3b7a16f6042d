package zk

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"
)

// A Version is that of a server. Values can be compared by ==, and by Compare.
type Version struct {
	Major, Minor, Patch int
	// Build is what follows the numbers: a commit for a release of Apache,
	// "SNAPSHOT" and a commit for one that is none, what a vendor has put
	// there, or "".
	Build string
}

// ParseVersion reads a version as servers tell it: "3.9.5", or "3.8.0-1+b2",
// or all of "3.9.5-293c895a8d966a3ecb92872be4a1daf87d725da2, built on
// 2026-02-11 20:18 UTC". It needs two numbers at least; a third is 0 if it is
// not there.
func ParseVersion(text string) (Version, error) {
	numbers, _, _ := strings.Cut(strings.TrimSpace(text), ",")
	numbers, build := cutNumbers(numbers)
	var v Version
	parts := strings.SplitN(numbers, ".", 4)
	if len(parts) < 2 {
		return v, fmt.Errorf("zk: %.100q is no version", text)
	}
	for i, to := range []*int{&v.Major, &v.Minor, &v.Patch} {
		if i >= len(parts) {
			break
		}
		n, err := strconv.ParseUint(parts[i], 10, 31)
		if err != nil {
			return Version{}, fmt.Errorf("zk: %.100q is no version", text)
		}
		*to = int(n)
	}
	if len(parts) == 4 {
		build = "." + parts[3] + build
	}
	v.Build = strings.TrimLeft(build, "-")
	return v, nil
}

// cutNumbers splits before the first that is no digit or point. A point that
// no digit follows belongs to the rest.
func cutNumbers(s string) (numbers, rest string) {
	i := strings.IndexFunc(s, func(r rune) bool { return r != '.' && (r < '0' || r > '9') })
	if i < 0 {
		i = len(s)
	}
	for i > 0 && s[i-1] == '.' {
		i--
	}
	return s[:i], s[i:]
}

// String is such as "3.9.5", without Build.
func (v Version) String() string { return fmt.Sprintf("%d.%d.%d", v.Major, v.Minor, v.Patch) }

// Compare is -1 if v is older than w, +1 if it is newer, and 0 otherwise. Builds
// are not compared.
func (v Version) Compare(w Version) int {
	return cmp.Or(cmp.Compare(v.Major, w.Major), cmp.Compare(v.Minor, w.Minor), cmp.Compare(v.Patch, w.Patch))
}

// AtLeast tells whether v is the release of these numbers or a newer one, as
// the documentation of a method names it:
//
//	if v.AtLeast(3, 6, 0) { // AddWatch
func (v Version) AtLeast(major, minor, patch int) bool {
	return v.Compare(Version{Major: major, Minor: minor, Patch: patch}) >= 0
}
