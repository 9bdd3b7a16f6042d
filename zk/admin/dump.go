package admin

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// Dump is the answer to dump. A leader or a server alone knows when sessions
// expire, and another the timeouts of those that it has.
type Dump struct {
	Sessions    []DumpSession
	Ephemerals  []Ephemerals
	Connections []DumpConnection // since 3.5
	Other       []string         // lines that this package does not know
}

// A DumpSession is a session that a server tracks.
type DumpSession struct {
	ID      int64
	Expires string        // as the server's clock has it, such as "Sat Nov 21 10:35:37 UTC 2026"; "" when it is not told
	Timeout time.Duration // 0 when it is not told
	Local   bool          // known to one server only
}

// Ephemerals are the ephemeral nodes of a session.
type Ephemerals struct {
	Session int64
	Paths   []string
}

// A DumpConnection is a connection that a server closes when nothing comes.
type DumpConnection struct {
	Addr    string // of the client
	Session int64  // 0 without one
	Expires string // see DumpSession
}

var (
	expireLine     = regexp.MustCompile(`^\d+ expire at (.+):$`)
	connectionLine = regexp.MustCompile(`^\tip: (\S+) sessionId: (0x[0-9a-f]+)$`)
	timeoutLine    = regexp.MustCompile(`^(0x[0-9a-f]+)\t(\d+)ms$`)
	ownerLine      = regexp.MustCompile(`^(0x[0-9a-f]+):$`)
	// countLine has no more in it than how much follows.
	countLine = regexp.MustCompile(`^((Session|Connections) Sets|Sessions with Ephemerals|Global Sessions|Local Sessions) ?\(\d+\)(/\(\d+\))?:$`)
)

// ParseDump reads the answer to dump.
func ParseDump(text string) (Dump, error) {
	var p dumpParser
	err := whole(text)
	for line := range lines(text) {
		if err == nil {
			err = p.take(line)
		}
	}
	if err == nil && p.section == "" {
		err = errors.New("there is no section in it")
	}
	if err != nil {
		return Dump{}, wrong("dump", err)
	}
	return p.dump, nil
}

type dumpParser struct {
	dump    Dump
	section string
	local   bool
	expires string
}

func (p *dumpParser) take(line string) (err error) {
	switch {
	case strings.HasSuffix(line, " dump:"):
		*p = dumpParser{dump: p.dump, section: line}
	case countLine.MatchString(line):
		p.local = strings.HasPrefix(line, "Local")
	case expireLine.MatchString(line):
		p.expires = expireLine.FindStringSubmatch(line)[1]
	case p.section == "SessionTracker dump:":
		err = p.session(line)
	case p.section == "ephemeral nodes dump:":
		err = p.ephemeral(line)
	case p.section == "Connections dump:":
		err = p.connection(line)
	default:
		p.dump.Other = append(p.dump.Other, line)
	}
	return err
}

func (p *dumpParser) session(line string) (err error) {
	s := DumpSession{Expires: p.expires, Local: p.local}
	id, set := strings.CutPrefix(line, "\t")
	if m := timeoutLine.FindStringSubmatch(line); m != nil {
		ms, err := strconv.ParseInt(m[2], 10, 32)
		if err != nil {
			return err
		}
		id, set, s.Timeout = m[1], true, time.Duration(ms)*time.Millisecond
	}
	if !set {
		p.dump.Other = append(p.dump.Other, line)
		return nil
	}
	if s.ID, err = parseHex(id); err != nil {
		return err
	}
	p.dump.Sessions = append(p.dump.Sessions, s)
	return nil
}

func (p *dumpParser) ephemeral(line string) error {
	if m := ownerLine.FindStringSubmatch(line); m != nil {
		id, err := parseHex(m[1])
		p.dump.Ephemerals = append(p.dump.Ephemerals, Ephemerals{Session: id})
		return err
	}
	path, set := strings.CutPrefix(line, "\t")
	switch n := len(p.dump.Ephemerals); {
	case !set:
		p.dump.Other = append(p.dump.Other, line)
	case n == 0:
		return fmt.Errorf("path %q has no session above it", path)
	default:
		owner := &p.dump.Ephemerals[n-1]
		owner.Paths = append(owner.Paths, path)
	}
	return nil
}

func (p *dumpParser) connection(line string) error {
	m := connectionLine.FindStringSubmatch(line)
	if m == nil {
		p.dump.Other = append(p.dump.Other, line)
		return nil
	}
	addr, err := parseAddr(m[1])
	if err != nil {
		return err
	}
	id, err := parseHex(m[2])
	p.dump.Connections = append(p.dump.Connections, DumpConnection{Addr: addr, Session: id, Expires: p.expires})
	return err
}
