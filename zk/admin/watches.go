package admin

import (
	"fmt"
	"strings"
)

// Wchs is the answer to wchs: how many watches there are.
type Wchs struct {
	Connections int64 // that watch
	Paths       int64
	Watches     int64
}

// ParseWchs reads the answer to wchs.
func ParseWchs(text string) (w Wchs, err error) {
	var n int
	n, err = fmt.Sscanf(text, "%d connections watching %d paths\nTotal watches:%d", &w.Connections, &w.Paths, &w.Watches)
	if err == nil {
		err = whole(text)
	}
	if err != nil {
		return Wchs{}, wrong("wchs", fmt.Errorf("after %d numbers: %w", n, err))
	}
	return w, nil
}

// A SessionWatches is a session and the paths that it watches.
type SessionWatches struct {
	Session int64
	Paths   []string
}

// A PathWatches is a path and the sessions that watch it.
type PathWatches struct {
	Path     string
	Sessions []int64
}

// ParseWchc reads the answer to wchc: the watches by session.
func ParseWchc(text string) ([]SessionWatches, error) {
	var all []SessionWatches
	err := parseBlocks(text, func(head string) error {
		id, err := parseHex(head)
		all = append(all, SessionWatches{Session: id})
		return err
	}, func(line string) error {
		last := &all[len(all)-1]
		last.Paths = append(last.Paths, line)
		return nil
	})
	if err != nil {
		return nil, wrong("wchc", err)
	}
	return all, nil
}

// ParseWchp reads the answer to wchp: the watches by path.
func ParseWchp(text string) ([]PathWatches, error) {
	var all []PathWatches
	err := parseBlocks(text, func(head string) error {
		all = append(all, PathWatches{Path: head})
		return nil
	}, func(line string) error {
		id, err := parseHex(line)
		last := &all[len(all)-1]
		last.Sessions = append(last.Sessions, id)
		return err
	})
	if err != nil {
		return nil, wrong("wchp", err)
	}
	return all, nil
}

// parseBlocks reads heads and the lines below each, which a tab sets in.
func parseBlocks(text string, head, below func(string) error) error {
	if err := whole(text); err != nil {
		return err
	}
	began := false
	for line := range lines(text) {
		entry, in := strings.CutPrefix(line, "\t")
		do := head
		if in {
			if do = below; !began {
				return fmt.Errorf("line %q has none above it", line)
			}
		}
		if err := do(entry); err != nil {
			return err
		}
		began = true
	}
	return nil
}
