package conformance

import "strings"

// verb draws one step on a connection.
func (d *drawer) verb(conn string) string {
	switch n := d.IntN(46); {
	case n < 7:
		return d.create(true)
	case n < 11:
		return d.set()
	case n < 14:
		return "delete " + d.path() + d.version()
	case n < 19:
		return d.multi()
	case n < 26:
		return d.read()
	case n < 28:
		// An ACL of the root would be the next program's too.
		return "setACL " + d.ownPath() + d.acl() + d.version()
	case n < 32:
		return d.watchVerb()
	case n < 36:
		return "flush"
	case n < 39:
		return d.connect(conn)
	case n < 41:
		// One digest a connection: the order in which several expand is up to
		// the server. See authScene.
		return d.often([]string{"auth digest u" + conn[1:] + ":p", "auth ip x"},
			[]string{"auth nope x", "auth digest null", "sasl x", `sasl ""`, d.sasl(), "auth null null", "auth digest nocolon"})
	case n < 42:
		return d.odd()
	case n < 43:
		return d.container()
	case n < 44:
		return "sync " + d.path()
	case n < 45:
		return d.reconfig()
	}
	return "shut"
}

func (d *drawer) read() string {
	switch verb := d.in("getData", "getData", "exists", "exists", "getChildren", "getChildren", "getChildren2", "getACL", "getEphemerals",
		"getAllChildrenNumber", "whoAmI"); verb {
	case "getAllChildrenNumber":
		return verb + " " + d.pick(goodPaths...) // of the root it is other programs' too
	case "whoAmI":
		return verb
	case "getACL", "getEphemerals":
		return verb + " " + d.path()
	default:
		return verb + " " + d.path() + d.watch()
	}
}

func (d *drawer) watchVerb() string {
	switch verb := d.in("setWatches", "addWatch", "addWatch", "removeWatches", "checkWatches"); verb {
	case "setWatches":
		return d.setWatches()
	case "addWatch":
		return verb + " " + d.watchPath() + " mode=" + d.often([]string{"0", "1"}, []string{"2", "-1"})
	default:
		return verb + " " + d.watchPath() + d.mode()
	}
}

// watchPath is one for addWatch and checkWatches. From 3.6 to 3.8 a watch on
// null outlives its connection, and so do others of that; then checkWatches on
// a path that is not absolute has another answer.
func (d *drawer) watchPath() string {
	for {
		path := d.path()
		if d.minor >= 9 || strings.HasPrefix(strings.TrimPrefix(path, `"`), "~") || strings.HasPrefix(path, "/") {
			return path
		}
	}
}

func (d *drawer) container() string {
	if d.minor < since["deleteContainer"] {
		return "delete " + d.path()
	}
	return "deleteContainer " + d.path()
}

func (d *drawer) reconfig() string {
	if d.minor < since["reconfig"] {
		return "flush"
	}
	return d.pick("reconfig null null null", `reconfig "server.1=127.0.0.1:1:2;3" null null`, "reconfig null 1 null",
		`reconfig null null "server.1=127.0.0.1:1:2:participant;3"`, "reconfig null null null v=0", "reconfig null 5 null cut=8")
}

// connect draws what ends, opens or resumes a session.
func (d *drawer) connect(conn string) string {
	return d.often([]string{"closeSession", "connect", "connect sid=" + conn, "connect sid=" + conn + " to=" + d.pick("9000", "20000", "60000")},
		[]string{
			"connect sid=" + conn + "'", "connect sid=c1", "connect sid=c2'", "connect sid=c2 pw=wrong", "connect sid=c3 pw=c1", "connect sid=c1 pw=null",
			"connect zxid=now+1", "connect zxid=now", "connect sid=c1 zxid=now+1", "shut", "createSession to=8000", "connect to=1 ro=absent",
			"connect to=-1", "connect ro=1", "connect proto=7", "connect cut=1", "connect cut=9", "connect add=00",
			"pipe connect | " + d.create(false) + " | getData ~/a", "pipe connect sid=" + conn + " | getData ~ | " + d.set(),
		})
}

// sasl is a token that is null, which 3.4 does not answer.
func (d *drawer) sasl() string {
	if d.minor < 5 {
		return "sasl x"
	}
	return "sasl null"
}

func (d *drawer) odd() string {
	if d.minor >= 8 && d.one(20) { // older ones do not answer
		return "check ~"
	}
	return d.pick("raw 99", "raw 1", "raw 4", "raw 14", "raw 22", "create ~/a cut=3", "getData ~ cut=1", "setData ~/a x cut=2", "delete ~/a cut=4",
		"ping xid=9", "exists ~ xid=-1", "bytes 00000000", "bytes ffffffff", "multi create ~/a | delete ~/a cut=9", "raw 101",
		"getData ~ xid=0", "getData ~ xid=-2", "getData ~ xid=-4", "getData ~ xid=-8", "create ~/q add=0000", "setWatches rel=0 cut=4",
		"raw 14 0000000200ffffffff", "raw 2147483647", "raw -10", "raw -11 00", "raw 0", "bytes 00000004000000ff", "bytes 000000020001")
}

// pipe draws requests that go out in one write.
func (d *drawer) pipe() string {
	var parts []string
	for range 2 + d.IntN(9) {
		parts = append(parts, d.part())
	}
	switch d.IntN(8) {
	case 0: // the same xid twice
		for i := range parts {
			if parts[i] != "ping" && d.one(2) {
				parts[i] += " xid=7"
			}
		}
	case 1: // Whether what comes behind has an answer is a matter of luck.
		parts = append(parts, "closeSession")
	}
	return "pipe " + strings.Join(parts, " | ")
}

// part draws a request of a pipe. There is no setACL among them: a real server
// goes on checking by the ACL before until it has applied the new one.
func (d *drawer) part() string {
	n := d.IntN(10)
	if d.quotas {
		n = 5 + n/2
	}
	switch {
	case n < 2:
		return d.create(false)
	case n < 3:
		return d.set()
	case n < 4:
		return "delete " + d.path() + d.version()
	case n < 8:
		return d.read()
	case n < 9:
		return d.watchVerb()
	}
	return d.pick("ping", "sync ~")
}
