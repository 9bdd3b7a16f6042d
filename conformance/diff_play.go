package conformance

import (
	"fmt"
	"strconv"
	"strings"
)

// A player plays a program on one server. What it adds of its own follows from
// the server's answers alone, so that two servers that do the same are asked
// the same.
type player struct {
	run   *run
	minor int
	done  []played
}

func (p *player) program(steps []string) error {
	if err := p.step("create ~"); err != nil {
		return err
	}
	for _, line := range steps {
		if err := p.step(line); err != nil {
			return err
		}
	}
	return p.end()
}

func (p *player) step(line string) error {
	s, err := parseStep(line)
	if err != nil {
		return err
	}
	text, err := p.run.step(s)
	if err != nil {
		return err
	}
	p.done = append(p.done, played{line, text})
	// Until the end of the connection a real server may go on answering.
	last := strings.Contains(text, "-1 Unimplemented") || strings.Contains(text, "AuthFailed") || s.verb == "bytes" ||
		strings.Contains(line, "closeSession") && !strings.Contains(line, "multi") || strings.Contains(line, "raw -11")
	if last && s.verb != "eof" && !strings.Contains(text, "CLOSED") {
		if p.minor < 9 && strings.Contains(text, " ok") {
			// Once in some thousand ends of sessions older servers leave the
			// connection open.
			return p.step(s.conn + ": shut")
		}
		return p.step(s.conn + ": eof")
	}
	return nil
}

// end asks for all that the program has left: events, watches, ephemerals, and
// nodes, which it then deletes.
func (p *player) end() error {
	for _, line := range []string{"c1: flush", "c2: flush", "c3: flush", "own wchc", "own wchp", "own dump", "super: auth digest super:secret"} {
		if err := p.step(line); err != nil {
			return err
		}
	}
	for _, top := range []string{"~", "/zookeeper/quota~"} {
		if err := p.tree(top); err != nil {
			return err
		}
	}
	return nil
}

// tree asks for all nodes from a path down, level by level, and deletes them.
func (p *player) tree(top string) error {
	var all []string
	for level := []string{top}; len(level) > 0; {
		all = append(all, level...)
		var next []string
		for len(level) > 0 {
			some := level[:min(len(level), 50)]
			level = level[len(some):]
			if err := p.step(p.askNodes(some)); err != nil {
				return err
			}
			for i, names := range p.run.children {
				for _, name := range names {
					next = append(next, some[i]+"/"+name)
				}
			}
		}
		level = next
	}
	return p.remove(all)
}

// askNodes asks all about some nodes in one go.
func (p *player) askNodes(paths []string) string {
	var parts []string
	for _, path := range paths {
		q := strconv.Quote(path)
		parts = append(parts, "getData "+q, "getACL "+q, "getChildren2 "+q)
		if p.minor >= since["getAllChildrenNumber"] {
			parts = append(parts, "getAllChildrenNumber "+q)
		}
	}
	return "super: pipe " + strings.Join(parts, " | ")
}

// remove deletes nodes, children first.
func (p *player) remove(paths []string) error {
	var parts []string
	for i := len(paths) - 1; i >= 0; i-- {
		parts = append(parts, "delete "+strconv.Quote(paths[i]))
		if len(parts) == 100 || i == 0 {
			if err := p.step("super: pipe " + strings.Join(parts, " | ")); err != nil {
				return fmt.Errorf("in the end: %w", err)
			}
			parts = nil
		}
	}
	return nil
}
