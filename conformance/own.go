package conformance

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"
)

// own asks a four-letter word at once, and tells of the answer what is the
// program's own and no matter of luck: of watches and ephemerals those of its
// sessions, of a server its mode and zxid. See word for all of it.
func (r *run) own(k call) error {
	word := k.at(0).text
	text, err := ask(r, word)
	if err != nil {
		return err
	}
	switch word {
	case "wchc":
		r.sayAll(r.watches(text, false))
	case "wchp":
		r.sayAll(r.watches(text, true))
	case "dump":
		_, ephemerals, _ := strings.Cut(text, "Sessions with Ephemerals")
		r.sayAll(r.owned(ephemerals))
	case "srvr", "stat":
		_, mode, _ := strings.Cut(text, "Mode: ")
		mode, _, _ = strings.Cut(mode, "\n")
		_, zxid, _ := strings.Cut(text, "Zxid: ")
		zxid, _, _ = strings.Cut(zxid, "\n")
		n, _ := strconv.ParseInt(zxid, 0, 64)
		r.say("%s %s", mode, r.shownZxid(n))
	default:
		r.say("%s", r.shown([]byte(text)))
	}
	return nil
}

// awaitNoWatches waits until the server has noticed that a connection is gone,
// as far as others can tell.
func (r *run) awaitNoWatches(gone *client) error {
	s := gone.session
	if s == nil {
		return nil
	}
	for _, c := range r.opened[slices.Index(r.opened, gone)+1:] {
		if c.session == s && !c.ended {
			return nil // its session has moved
		}
	}
	for until := time.Now().Add(r.patience); time.Now().Before(until); time.Sleep(time.Millisecond) {
		text, err := ask(r, "wchc")
		if err != nil || !strings.Contains(text, fmt.Sprintf("%#x\n", s.id)) {
			return err
		}
	}
	return fmt.Errorf("the server still has watches of a connection that was closed %v ago", r.patience)
}

// ask returns the whole answer to a four-letter word.
func ask(r *run, word string) (string, error) {
	nc, err := r.dial("")
	if err != nil {
		return "", err
	}
	defer nc.Close()
	if err := nc.SetDeadline(time.Now().Add(r.patience)); err != nil {
		return "", err
	}
	if _, err := io.WriteString(nc, word); err != nil {
		return "", fmt.Errorf("%s: %w", word, err)
	}
	b, err := io.ReadAll(io.LimitReader(nc, maxReply))
	if len(b) > 0 {
		err = nil // the end may be a reset
	}
	return string(b), err
}

func (r *run) sayAll(lines []string) {
	slices.Sort(lines)
	for _, l := range slices.Compact(lines) {
		r.say("%s", l)
	}
}

// pairs reads "head\n\titem\n\titem\nhead\n..." as wchc, wchp and dump have it.
func pairs(text string) (all [][2]string) {
	head := ""
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		if item, ok := strings.CutPrefix(line, "\t"); ok {
			all = append(all, [2]string{head, item})
		} else {
			head = line
		}
	}
	return all
}

// watches tells of watches of sessions that still have their connection: that
// one is gone a server may notice at any time.
func (r *run) watches(text string, byPath bool) (lines []string) {
	for _, p := range pairs(text) {
		if byPath {
			p[0], p[1] = p[1], p[0]
		}
		for _, c := range r.clients {
			if c.session != nil && !c.ended && fmt.Sprintf("%#x", c.session.id) == p[0] {
				lines = append(lines, c.session.name+" "+r.shown([]byte(p[1])))
			}
		}
	}
	return lines
}

// owned tells of ephemerals of the program's sessions.
func (r *run) owned(text string) (lines []string) {
	for _, p := range pairs(text) {
		for _, s := range r.sessions {
			if fmt.Sprintf("%#x:", s.id) == p[0] {
				lines = append(lines, s.name+" "+r.shown([]byte(p[1])))
			}
		}
	}
	return lines
}
