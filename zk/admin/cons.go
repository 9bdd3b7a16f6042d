package admin

import (
	"fmt"
	"net"
	"strings"
	"time"
)

// A Connection is one of those that stat and cons tell of. What stands behind
// Session only cons tells, and only of connections that have a session.
type Connection struct {
	Addr        string // of the client, host and port
	Interest    int64  // of the server's selector: 1 to read, 4 to write
	Queued      int64  // requests in the works
	Received    int64  // packets
	Sent        int64  // packets
	Session     int64
	LastOp      string // such as "GETD", "PING" or "NA"
	Established time.Time
	Timeout     time.Duration // of the session
	LastCxid    int64
	LastZxid    int64
	LastLatency int64 // ms
	Latency     Latency
	Other       Fields // what this package does not know, and lresp, a time by a clock of the server's own
}

// ParseCons reads the answer to cons.
func ParseCons(text string) ([]Connection, error) {
	if err := whole(text); err != nil {
		return nil, wrong("cons", err)
	}
	var all []Connection
	for line := range lines(text) {
		c, err := parseConnection(line)
		if err != nil {
			return nil, wrong("cons", err)
		}
		all = append(all, c)
	}
	return all, nil
}

// parseConnection reads a line such as " /127.0.0.1:4321[1](queued=0,recved=2,sent=2)".
func parseConnection(line string) (c Connection, err error) {
	bad := func(what string) (Connection, error) {
		return Connection{}, fmt.Errorf("connection %q: %s", line, what)
	}
	rest, ok := strings.CutSuffix(strings.TrimSpace(line), ")")
	head, values, found := strings.Cut(rest, "](")
	bracket := strings.LastIndexByte(head, '[')
	if !ok || !found || bracket < 0 {
		return bad("it is not of the form /address[n](key=value,...)")
	}
	if c.Addr, err = parseAddr(head[:bracket]); err != nil {
		return bad(err.Error())
	}
	if err := toInt(&c.Interest)(head[bracket+1:]); err != nil {
		return bad(err.Error())
	}
	fields, err := parseFields(strings.ReplaceAll(values, ",", "\n"), "=")
	if err != nil {
		return bad(err.Error())
	}
	var established, timeout int64
	c.Other, err = fields.take(map[string]target{
		"queued": toInt(&c.Queued),
		"recved": toInt(&c.Received),
		"sent":   toInt(&c.Sent),
		"sid":    toHex(&c.Session),
		"lop":    toText(&c.LastOp),
		"est":    toInt(&established),
		"to":     toInt(&timeout),
		"lcxid":  toHex(&c.LastCxid),
		"lzxid":  toHex(&c.LastZxid),
		"llat":   toInt(&c.LastLatency),
		"minlat": toInt(&c.Latency.Min),
		"avglat": toFloat(&c.Latency.Avg),
		"maxlat": toInt(&c.Latency.Max),
	})
	if err != nil {
		return bad(err.Error())
	}
	if established != 0 {
		c.Established = time.UnixMilli(established)
	}
	c.Timeout = time.Duration(timeout) * time.Millisecond
	return c, nil
}

// parseAddr makes an address of Java's text, which has a slash before it, and
// none of the brackets of IPv6 before Java 14.
func parseAddr(text string) (string, error) {
	if i := strings.IndexByte(text, '/'); i >= 0 {
		text = text[i+1:]
	}
	i := strings.LastIndexByte(text, ':')
	if i < 0 {
		return "", fmt.Errorf("address %q has no port", text)
	}
	return net.JoinHostPort(strings.Trim(text[:i], "[]"), text[i+1:]), nil
}
