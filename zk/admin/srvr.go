package admin

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/zookit/zookit/zk"
)

// A Latency is how long a server took to answer, in milliseconds, since it
// started or since srst.
type Latency struct {
	Min, Max int64
	Avg      float64 // whole before 3.6
}

// Proposals are the sizes in bytes of what a leader has proposed, -1 before
// the first. Servers of 3.4 do not tell.
type Proposals struct{ Last, Min, Max int64 }

// Srvr is the answer to srvr.
type Srvr struct {
	Version     zk.Version
	Built       string // when, such as "2026-02-11 20:18 UTC"
	Latency     Latency
	Received    int64 // packets
	Sent        int64 // packets
	Connections int64 // that of the question too; 3.4 has them in srvr as well
	Outstanding int64 // requests in the works
	Zxid        int64 // the latest
	Mode        string
	Nodes       int64
	Proposals   *Proposals // of a leader of 3.5 and newer
	Other       Fields     // lines that this package does not know
}

// The modes of Srvr that servers of today have.
const (
	ModeStandalone = "standalone"
	ModeLeader     = "leader"
	ModeFollower   = "follower"
	ModeObserver   = "observer"
	ModeReadOnly   = "read-only"
)

// ReadOnly tells whether the server serves reads only, as it has lost its
// ensemble.
func (s Srvr) ReadOnly() bool { return s.Mode == ModeReadOnly }

// A Stat is the answer to stat: that to srvr, and who is connected.
type Stat struct {
	Srvr
	Clients []Connection
}

const versionKey = "Zookeeper version"

// ParseSrvr reads the answer of a server of 3.4 or newer.
func ParseSrvr(text string) (Srvr, error) {
	s, err := parseSrvr(text)
	if err != nil {
		return Srvr{}, wrong("srvr", err)
	}
	return s, nil
}

// ParseStat reads the answer of a server of 3.4 or newer.
func ParseStat(text string) (Stat, error) {
	head, rest, ok := strings.Cut(text, "\nClients:\n")
	if !ok {
		return Stat{}, wrong("stat", errors.New("there are no clients in it"))
	}
	clients, rest, ok := strings.Cut(rest, "\n\n")
	if after, none := strings.CutPrefix(clients, "\n"); none {
		clients, rest, ok = "", after+"\n\n"+rest, true // nobody is connected
	}
	if !ok {
		return Stat{}, wrong("stat", errors.New("it ends within the clients"))
	}
	srvr, err := parseSrvr(head + "\n" + rest)
	if err != nil {
		return Stat{}, wrong("stat", err)
	}
	s := Stat{Srvr: srvr}
	for line := range lines(clients) {
		c, err := parseConnection(line)
		if err != nil {
			return Stat{}, wrong("stat", err)
		}
		s.Clients = append(s.Clients, c)
	}
	return s, nil
}

func parseSrvr(text string) (s Srvr, err error) {
	if err := whole(text); err != nil {
		return s, err
	}
	fields, err := parseFields(text, ":")
	if err != nil {
		return s, err
	}
	for i := range fields {
		fields[i].Value = strings.TrimPrefix(fields[i].Value, " ")
	}
	s.Other, err = fields.take(map[string]target{
		versionKey:                    toVersion(&s.Version, &s.Built),
		"Latency min/avg/max":         s.Latency.set,
		"Received":                    toInt(&s.Received),
		"Sent":                        toInt(&s.Sent),
		"Connections":                 toInt(&s.Connections),
		"Outstanding":                 toInt(&s.Outstanding),
		"Zxid":                        toHex(&s.Zxid),
		"Mode":                        toText(&s.Mode),
		"Node count":                  toInt(&s.Nodes),
		"Proposal sizes last/min/max": func(text string) error { s.Proposals = new(Proposals); return s.Proposals.set(text) },
	})
	if err == nil && s.Version == (zk.Version{}) {
		err = fmt.Errorf("there is no %q in it", versionKey)
	}
	if err == nil && s.Mode == "" {
		err = errors.New(`there is no "Mode" in it`)
	}
	return s, err
}

func toVersion(v *zk.Version, built *string) target {
	return func(text string) (err error) {
		if _, when, ok := strings.Cut(text, ", built on "); ok && built != nil {
			*built = when
		}
		*v, err = zk.ParseVersion(text)
		return err
	}
}

// three splits the text of three values.
func three(text string) (parts [3]string, err error) {
	all := strings.Split(text, "/")
	if len(all) != len(parts) {
		return parts, fmt.Errorf("%q is not three values", text)
	}
	return [3]string(all), nil
}

func (l *Latency) set(text string) error {
	parts, err := three(text)
	if err != nil {
		return err
	}
	return errors.Join(toInt(&l.Min)(parts[0]), toFloat(&l.Avg)(parts[1]), toInt(&l.Max)(parts[2]))
}

func (p *Proposals) set(text string) error {
	parts, err := three(text)
	if err != nil {
		return err
	}
	for i, to := range []*int64{&p.Last, &p.Min, &p.Max} {
		if *to, err = strconv.ParseInt(parts[i], 10, 64); err != nil {
			return err
		}
	}
	return nil
}
