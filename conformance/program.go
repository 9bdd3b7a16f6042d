package conformance

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// A testCase is a program with what a real server answered.
type testCase struct {
	family *family
	file   string   // that has it
	random bool     // found by Diff
	name   string   // such as "B05"
	rule   string   // what it shows, as a sentence
	server []string // properties of the server, as in zoo.cfg
	fresh  bool     // needs a server that nobody has used
	// members is how many the ensemble needs to have.
	members int
	// needs are features that the target has to have.
	needs []Feature
	// not are releases, by their column, that the case is not for, and why;
	// "x3" is an ensemble of any.
	not   map[string]string
	steps []step
}

// A step is one line: a verb with its arguments, on a connection ("c1" unless
// it begins with another's name and a colon).
//
//	c2: create ~/a "some data" flags=1 acl=31:world:anyone
//
// "~" is a path of the case's own. Text in quotes is Go's; a bare null is
// null. A vertical bar separates the operations of a multi, and the requests
// that pipe sends in one write.
//
// "c2@f1: ..." is a connection to the first follower; see run.member.
type step struct {
	line   string
	conn   string
	member string // that conn connects to; "" is the target's choice
	verb   string
	args   []arg

	// What a real server answered: lines that begin with a tab. usual is that
	// of the newest release; others, by column, differ from it.
	usual  string
	others map[string]string
}

// An arg is a word, or key=word.
type arg struct {
	key  string
	text string
	null bool
	bar  bool
}

// parseCases reads the cases of one file.
func parseCases(text string) ([]testCase, error) {
	var cases []testCase
	var server []string // of the file
	var needs []Feature
	var c *testCase
	for i, line := range strings.Split(text, "\n") {
		var err error
		switch {
		case strings.HasPrefix(line, "=== "):
			name, rule, _ := strings.Cut(line[4:], " ")
			cases = append(cases, testCase{name: name, rule: rule, server: server, needs: needs, members: 1, not: map[string]string{}})
			c = &cases[len(cases)-1]
		case strings.HasPrefix(line, "@server "):
			props := strings.Fields(line)[1:]
			if c == nil {
				server = props
			} else {
				c.server = props
			}
		case strings.HasPrefix(line, "@needs ") && c == nil:
			needs = append(needs, Feature(line[len("@needs "):]))
		case strings.HasPrefix(line, "@needs "):
			c.needs = append(slices.Clip(c.needs), Feature(line[len("@needs "):]))
		case line == "@fresh" && c != nil:
			c.fresh = true
		case strings.HasPrefix(line, "@members ") && c != nil:
			c.members, err = strconv.Atoi(line[len("@members "):])
		case strings.HasPrefix(line, "@not ") && c != nil:
			columns, why, _ := strings.Cut(line[len("@not "):], ": ")
			for _, column := range strings.Fields(columns) {
				c.not[column] = why
			}
		case strings.HasPrefix(line, "\t") && c != nil && len(c.steps) > 0:
			c.steps[len(c.steps)-1].heard(line)
		case line == "" || strings.HasPrefix(line, "#"):
		case c == nil:
			err = fmt.Errorf("a step before the first case")
		default:
			var s step
			if s, err = parseStep(line); err == nil {
				c.steps = append(c.steps, s)
			}
		}
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", i+1, err)
		}
	}
	return cases, nil
}

func parseStep(line string) (step, error) {
	s := step{line: line, conn: "c1"}
	if name, rest, ok := strings.Cut(line, ": "); ok && !strings.ContainsAny(name, " \"") {
		s.conn, line = name, rest
		s.conn, s.member, _ = strings.Cut(s.conn, "@")
	}
	args, err := parseArgs(line)
	if err != nil {
		return s, err
	}
	if len(args) == 0 {
		return s, fmt.Errorf("no verb in %q", line)
	}
	s.verb, s.args = args[0].text, args[1:]
	return s, nil
}

// keys are the names of arguments that have one.
var keys = map[string]bool{
	"acl": true, "add": true, "as": true, "auth": true, "authzid": true, "child": true, "cut": true, "data": true, "exist": true, "first": true,
	"flags": true, "frame": true, "len": true, "mode": true, "nc": true, "nonce": true, "only": true,
	"pers": true, "port": true, "proto": true, "pw": true, "qop": true, "realm": true, "rec": true, "rel": true,
	"ro": true, "sid": true, "sort": true, "to": true, "ttl": true, "uri": true, "v": true, "xid": true, "zxid": true,
}

func parseArgs(line string) (args []arg, err error) {
	for {
		if line = strings.TrimLeft(line, " "); line == "" {
			return args, nil
		}
		var a arg
		if key, rest, ok := strings.Cut(line, "="); ok && keys[key] {
			a.key, line = key, rest
		}
		if strings.HasPrefix(line, `"`) {
			quoted, err := strconv.QuotedPrefix(line)
			if err != nil {
				return nil, fmt.Errorf("%w: %s", err, line)
			}
			line = line[len(quoted):]
			if a.text, err = strconv.Unquote(quoted); err != nil {
				return nil, err
			}
		} else {
			a.text, line, _ = strings.Cut(line, " ")
			a.null = a.text == "null"
			a.bar = a.text == "|"
		}
		args = append(args, a)
	}
}

// split cuts arguments at bars.
func split(args []arg) (parts [][]arg) {
	part := []arg{}
	for _, a := range args {
		if a.bar {
			parts = append(parts, part)
			part = []arg{}
			continue
		}
		part = append(part, a)
	}
	if len(part) > 0 {
		parts = append(parts, part)
	}
	return parts
}

// A call is a verb's arguments by place and by name.
type call struct {
	verb  string
	all   []arg
	place []arg
	named map[string]arg
}

func newCall(verb string, args []arg) call {
	c := call{verb: verb, all: args, named: map[string]arg{}}
	for _, a := range args {
		if a.key == "" {
			c.place = append(c.place, a)
		} else {
			c.named[a.key] = a
		}
	}
	return c
}

// at is the i-th argument, or empty text.
func (c call) at(i int) arg {
	if i < len(c.place) {
		return c.place[i]
	}
	return arg{}
}

func (c call) has(key string) bool { _, ok := c.named[key]; return ok }

// number is a named argument, or its default.
func (c call) number(key string, otherwise int64) int64 {
	a, ok := c.named[key]
	if !ok {
		return otherwise
	}
	n, err := strconv.ParseInt(a.text, 0, 64)
	if err != nil {
		panic(fmt.Sprintf("%s=%s is not a number", key, a.text))
	}
	return n
}
