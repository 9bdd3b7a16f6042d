package fakezk

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/zookit/zookit/internal/jute"
)

// Words tell of the watches on data only, persistent and recursive ones
// included: a watch on children alone is not among them.

// dataPaths are the paths of a connection that wchs, wchc and wchp tell of.
func (c *conn) dataPaths() []string {
	paths := map[string]bool{}
	for key := range c.watching {
		if key.table != childTable {
			paths[key.path] = true
		}
	}
	return slices.Sorted(maps.Keys(paths))
}

// watchesBySession are the watched paths of each session. One whose watches
// have all fired is among them, with none.
func (s *Server) watchesBySession() map[int64][]string {
	watches := map[int64][]string{}
	for c := range s.conns {
		if c.session == nil {
			continue
		}
		if paths := c.dataPaths(); len(paths) > 0 || c.emptied {
			watches[c.session.id] = paths
		}
	}
	return watches
}

// watchesByPath are the sessions that watch each path, sorted.
func (s *Server) watchesByPath() map[string][]int64 {
	watches := map[string][]int64{}
	bySession := s.watchesBySession()
	for _, id := range slices.Sorted(maps.Keys(bySession)) {
		for _, path := range bySession[id] {
			watches[path] = append(watches[path], id)
		}
	}
	return watches
}

// reportWatchSummary is wchs.
func (s *Server) reportWatchSummary(b *strings.Builder) {
	total := 0
	bySession := s.watchesBySession()
	for _, paths := range bySession {
		total += len(paths)
	}
	fmt.Fprintf(b, "%d connections watching %d paths\nTotal watches:%d\n", len(bySession), len(s.watchesByPath()), total)
}

// javaText is a path as Java prints it: addWatch takes null for one.
func javaText(path string) string {
	if path == jute.NullItem {
		return "null"
	}
	return path
}

// reportWatchesBySession is wchc.
func (s *Server) reportWatchesBySession(b *strings.Builder) {
	watches := s.watchesBySession()
	for _, id := range slices.Sorted(maps.Keys(watches)) {
		fmt.Fprintln(b, sessionName(id))
		for _, path := range watches[id] {
			fmt.Fprintf(b, "\t%s\n", javaText(path))
		}
	}
	b.WriteByte('\n')
}

// reportWatchesByPath is wchp.
func (s *Server) reportWatchesByPath(b *strings.Builder) {
	watches := s.watchesByPath()
	for _, path := range slices.Sorted(maps.Keys(watches)) {
		fmt.Fprintln(b, javaText(path))
		for _, id := range watches[path] {
			fmt.Fprintf(b, "\t%s\n", sessionName(id))
		}
	}
	b.WriteByte('\n')
}

// watchCount is how many watches there are: data and children count apart, and
// several of one connection on one path count once.
func (s *Server) watchCount() (count int) {
	for c := range s.conns {
		count += len(c.dataPaths())
		for key := range c.watching {
			if key.table == childTable {
				count++
			}
		}
	}
	return count
}
