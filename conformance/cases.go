package conformance

import (
	"embed"
	"fmt"
	"io/fs"
	"path"
	"strings"
)

// Cases are written by hand in folder cases, a family a file. Those in
// testdata/diff are differences that Diff has found: the family "diff".
//
//go:embed cases/*.txt testdata/diff/*.txt
var caseFiles embed.FS

const diffFolder = "testdata/diff"

// A family is cases that share servers.
type family struct {
	name  string
	cases []testCase
}

// families reads all cases.
func families() ([]family, error) {
	files, err := fs.Glob(caseFiles, "cases/*.txt")
	if err != nil {
		return nil, err
	}
	var all []family
	for _, file := range files {
		cases, err := readCases(file)
		if err != nil {
			return nil, err
		}
		all = append(all, family{strings.TrimSuffix(path.Base(file), ".txt"), cases})
	}
	found := family{name: "diff"}
	if files, err = fs.Glob(caseFiles, diffFolder+"/*.txt"); err != nil {
		return nil, err
	}
	for _, file := range files {
		cases, err := readCases(file)
		if err != nil {
			return nil, err
		}
		found.cases = append(found.cases, cases...)
	}
	all = append(all, found)
	for i := range all {
		for j := range all[i].cases {
			all[i].cases[j].family = &all[i]
		}
	}
	return all, nil
}

func readCases(file string) ([]testCase, error) {
	text, err := caseFiles.ReadFile(file)
	if err != nil {
		return nil, err
	}
	cases, err := parseCases(string(text))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	for i := range cases {
		cases[i].file = file
		if path.Dir(file) == diffFolder {
			cases[i].random = true
			cases[i].not[threeMembers] = "it was found on servers that stand alone"
		}
	}
	return cases, nil
}
