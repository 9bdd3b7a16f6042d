package conformance

import (
	"embed"
	"fmt"
	"path"
	"strings"
)

//go:embed cases/*.txt
var caseFiles embed.FS

// A family is the cases of one file.
type family struct {
	name  string // of the file, without its extension
	cases []testCase
}

// families reads all cases.
func families() ([]family, error) {
	entries, err := caseFiles.ReadDir("cases")
	if err != nil {
		return nil, err
	}
	var all []family
	for _, e := range entries {
		text, err := caseFiles.ReadFile(path.Join("cases", e.Name()))
		if err != nil {
			return nil, err
		}
		cases, err := parseCases(string(text))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", e.Name(), err)
		}
		all = append(all, family{strings.TrimSuffix(e.Name(), ".txt"), cases})
	}
	for i := range all {
		for j := range all[i].cases {
			all[i].cases[j].family = &all[i]
		}
	}
	return all, nil
}
