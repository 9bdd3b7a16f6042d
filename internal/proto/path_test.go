package proto

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// What a real server accepted and refused (spec/wire-and-tree, D.1 and J, D01).
func TestCheckPath(t *testing.T) {
	for path, reason := range map[string]string{
		"/":                              "",
		"/ok":                            "",
		"/a/b/c":                         "",
		"/...":                           "",
		"/.a":                            "",
		"/a.":                            "",
		"/a..b":                          "",
		"/..a":                           "",
		"/ ":                             "",
		"/a b":                           "",
		"/back\\slash":                   "",
		"/%41":                           "",
		"/~":                             "",
		"/\u00a0":                        "",
		"/\u00e9":                        "",
		"/\u200b":                        "",
		"/\u2028":                        "",
		"/\ud7ff":                        "",
		"/\uf900":                        "",
		"/\uffef":                        "",
		"/" + strings.Repeat("n", 10000): "",

		"":                 "path is empty",
		"ok":               "does not begin with a slash",
		"a/b":              "does not begin with a slash",
		"/a/":              "ends with a slash",
		"//":               "ends with a slash",
		"//x":              "an empty name at byte 1",
		"/a//b":            "an empty name at byte 3",
		"/.":               `the relative name "." at byte 1`,
		"/..":              `the relative name ".." at byte 1`,
		"/./a":             `the relative name "." at byte 1`,
		"/../a":            `the relative name ".." at byte 1`,
		"/a/..":            `the relative name ".." at byte 3`,
		"/a/./b":           `the relative name "." at byte 3`,
		"/a\x00":           "the forbidden character U+0000 at byte 2",
		"/a\x00b":          "the forbidden character U+0000 at byte 2",
		"/\x01":            "the forbidden character U+0001 at byte 1",
		"/tab\t":           "the forbidden character U+0009",
		"/nl\n":            "the forbidden character U+000A",
		"/\x1f":            "the forbidden character U+001F",
		"/\x7f":            "the forbidden character U+007F",
		"/\u0080":          "the forbidden character U+0080",
		"/\u009f":          "the forbidden character U+009F",
		"/\ue000":          "the forbidden character U+E000",
		"/\uf8ff":          "the forbidden character U+F8FF",
		"/\ufff0":          "the forbidden character U+FFF0",
		"/\ufffd":          "the forbidden character U+FFFD",
		"/\ufffe":          "the forbidden character U+FFFE",
		"/\uffff":          "the forbidden character U+FFFF",
		"/\U00010000":      "the forbidden character U+10000",
		"/\U0001f600":      "the forbidden character U+1F600",
		"/\U0010ffff":      "the forbidden character U+10FFFF",
		"/\xff\xfe":        "the forbidden character U+FFFD", // malformed UTF-8
		"/ok/\xed\xa0\x80": "the forbidden character U+FFFD at byte 4",
		"/\xc0\x80":        "the forbidden character U+FFFD",
	} {
		err := CheckPath(path)
		if reason == "" {
			require.NoError(t, err, "a server accepts %+q", path)
			continue
		}
		require.ErrorContains(t, err, reason, "a server refuses %+q", path)
	}
}

// legal is every character of a name, said otherwise than in path.go.
var legal = rapid.OneOf(
	rapid.Rune().Filter(func(r rune) bool {
		return r >= 0x20 && r <= 0x7e && r != '/' || r >= 0xa0 && r <= 0xd7ff || r >= 0xf900 && r <= 0xffef
	}),
	rapid.SampledFrom([]rune(". ~\u00a0\ud7ff\uf900\uffef")),
)

var name = rapid.StringOfN(legal, 1, 6, -1).Filter(func(s string) bool { return s != "." && s != ".." })

// A path of legal names is legal; a wrong name or character anywhere spoils it.
func TestCheckPathProperty(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		names := rapid.SliceOfN(name, 1, 5).Draw(t, "names")
		path := "/" + strings.Join(names, "/")
		require.NoError(t, CheckPath(path))
		require.Error(t, CheckPath(path[1:]), "without its first slash")
		require.Error(t, CheckPath(path+"/"), "with a last slash")

		i := rapid.IntRange(0, len(names)-1).Draw(t, "at")
		old := names[i]
		for _, wrong := range []string{"", ".", ".."} {
			names[i] = wrong
			bad := "/" + strings.Join(names, "/")
			if bad == "/" {
				continue // the root
			}
			require.Error(t, CheckPath(bad), "%q has the name %q", bad, wrong)
		}
		r := rapid.OneOf(rapid.RuneFrom([]rune("\x00\x1f\x7f\u0080\u009f\ue000\uf8ff\ufff0\uffff\U00010000")),
			rapid.Int32Range(0xfff0, 0x10ffff), rapid.Int32Range(0, 0x1f)).Draw(t, "character")
		cut := len([]rune(old)) / 2
		names[i] = string([]rune(old)[:cut]) + string(r) + string([]rune(old)[cut:])
		bad := "/" + strings.Join(names, "/")
		require.Error(t, CheckPath(bad), "%+q has %U", bad, r)
	})
}

func TestParent(t *testing.T) {
	for path, want := range map[string]string{
		"/":      "/",
		"/a":     "/",
		"/a/b":   "/a",
		"/a/b/c": "/a/b",
		"/a/":    "/a", // of a sequential child whose name is a number alone
		"a/b":    "a",
		"//x":    "/",
	} {
		require.Equal(t, want, Parent(path), "the parent of %q", path)
	}
	rapid.Check(t, func(t *rapid.T) {
		parent := "/" + strings.Join(rapid.SliceOfN(name, 0, 4).Draw(t, "names"), "/")
		child := strings.TrimSuffix(parent, "/") + "/" + name.Draw(t, "name")
		require.Equal(t, parent, Parent(child), "the parent of %q", child)
	})
}
