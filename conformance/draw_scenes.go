package conformance

import "strings"

// Scenes are a few steps that belong together, and that single ones would
// hardly ever come to.

// watchScene sets watches of several kinds on one path, takes some away, and
// fires the rest.
func (d *drawer) watchScene() []string {
	conn, by := d.conn(), d.conn()
	path, child := d.pick("~", "~/a", "~/a/x", "~/c"), d.pick("x", "y", "w")
	all := []string{"getData " + path + " watch", "exists " + path + " watch", "getChildren " + path + " watch"}
	if d.minor >= since["addWatch"] {
		all = append(all, "addWatch "+path+" mode=0", "addWatch "+path+" mode=1", "addWatch ~ mode=1")
	}
	var lines []string
	if sets := d.some(all...); len(sets) > 0 {
		d.Shuffle(len(sets), func(i, j int) { sets[i], sets[j] = sets[j], sets[i] })
		lines = append(lines, conn+": pipe "+strings.Join(sets, " | "))
	}
	for range d.IntN(3) {
		if d.minor >= since["removeWatches"] {
			lines = append(lines, conn+": "+d.pick("removeWatches ", "removeWatches ", "checkWatches ")+d.pick(path, path, "~")+d.mode())
		}
	}
	if d.one(3) {
		lines = append(lines, d.wordScene()...)
	}
	changes := d.some("setData "+path+" x", "create "+path+"/"+child, "create "+path, "setData "+path+"/"+child+" y", "delete "+path+"/"+child,
		"delete "+path, "create "+path+" again")
	switch {
	case len(changes) == 0:
	case d.one(3):
		lines = append(lines, by+": multi "+strings.Join(changes, " | "))
	case d.quotas:
		for _, c := range changes {
			lines = append(lines, by+": "+c)
		}
	default:
		lines = append(lines, by+": pipe "+strings.Join(changes, " | "))
	}
	return append(lines, conn+": flush")
}

// moveScene takes over a session that another connection has, or tries to.
func (d *drawer) moveScene() []string {
	conn := d.conn()
	from := d.other(conn)
	how := d.often([]string{"", "", " to=" + d.pick("4000", "25000", "100000")}, []string{" pw=wrong", " pw=null", " zxid=now+1", " pw=" + conn, " cut=1"})
	lines := []string{conn + ": connect sid=" + from + how, from + ": flush", conn + ": flush"}
	if d.one(2) {
		lines = append(lines, conn+": "+d.create(true))
	}
	if d.one(2) {
		lines = append(lines, from+": connect sid="+from)
	}
	return lines
}

// returnScene loses a connection with watches on it, and comes back.
func (d *drawer) returnScene() []string {
	conn := d.conn()
	lines := []string{
		conn + ": pipe getData ~/a watch | exists ~/c watch | getChildren ~ watch",
		conn + ": shut",
	}
	by := d.other(conn)
	for range d.IntN(4) {
		lines = append(lines, by+": "+d.pick("setData ~/a r", "create ~/c", "delete ~/c", "create ~/r s flags=2", "delete ~/a"))
	}
	lines = append(lines, conn+": connect sid="+conn+d.pick("", " zxid=now", " to=15000"))
	for range 1 + d.IntN(2) {
		lines = append(lines, conn+": "+d.setWatches())
	}
	return append(lines, by+": "+d.pick("setData ~/a t", "create ~/c", "delete ~/c"), conn+": flush")
}

// containerScene fills and empties a container or a node with a TTL.
func (d *drawer) containerScene() []string {
	conn := d.conn()
	if d.minor < since["createContainer"] {
		return d.sequenceScene()
	}
	steps := []string{
		d.pick("createContainer ~/k k", "createTTL ~/k k ttl=100000", "createTTL ~/k k flags=6 ttl=77", "create ~/k k flags=4", "createContainer ~/k"+d.acl()),
		"deleteContainer ~/k",
		d.pick("create ~/k/1", "create ~/k/1 flags=1", "createContainer ~/k/1", "createTTL ~/k/1 ttl=9"),
		"deleteContainer ~/k", "getData ~/k watch", "delete ~/k/1", "deleteContainer ~/k", "exists ~/k",
	}
	if d.one(2) {
		d.Shuffle(len(steps), func(i, j int) { steps[i], steps[j] = steps[j], steps[i] })
	}
	for i := range steps {
		steps[i] = conn + ": " + steps[i]
	}
	return steps
}

// sequenceScene draws names with numbers, from several sessions and in multis.
func (d *drawer) sequenceScene() []string {
	parent := d.pick("~", "~/b", "~/a")
	lines := []string{d.conn() + ": create " + parent}
	for range 1 + d.IntN(4) {
		one := "create " + parent + d.pick("/s", "/t-", "/", `/é`) + d.pick(" x flags=2", " x flags=3", ` "" flags=2`)
		lines = append(lines, d.conn()+": "+d.pick(one, "multi "+one+" | "+one, "multi "+one+" | delete "+parent+"/s0000000000 | "+one,
			"delete "+parent+d.pick("/s0000000000", "/s0000000001", "/t-0000000002"), "create2 "+parent+"/s x flags=3"))
	}
	if d.minor < since["create2"] {
		for i := range lines {
			lines[i] = strings.Replace(lines[i], "create2", "create", 1)
		}
	}
	return append(lines, d.conn()+": getChildren2 "+parent)
}

// authScene has several identities on one connection.
func (d *drawer) authScene() []string {
	conn := d.conn()
	n := conn[1:]
	var lines []string
	for _, who := range d.some("u"+n+":p", "v"+n+":q", "u1:p", `"w:"`, `":"`, "super:wrong") {
		lines = append(lines, conn+": auth digest "+who)
	}
	lines = append(lines, conn+": create ~/p secret acl=31:auth:", conn+": getACL ~/p", d.other(conn)+": getData ~/p",
		d.other(conn)+": getACL ~/p")
	if d.minor >= since["whoAmI"] {
		lines = append(lines, conn+": whoAmI")
	}
	return append(lines, conn+": "+d.pick("setACL ~/p acl=1:auth:,31:world:anyone", "setACL ~/p acl=31:digest:u1:x,31:auth:", "delete ~/p", "setACL ~/p acl=31:auth: v=1"),
		d.conn()+": getACL ~/p")
}

// limitScene sends frames about as long as the server takes. Those of the
// default, a megabyte, are slow.
func (d *drawer) limitScene() []string {
	if d.conf.limit == 0 && !d.one(20) {
		return nil
	}
	conn := d.conn()
	return []string{conn + ": setData ~" + d.size(), conn + ": getData ~", d.other(conn) + ": getData ~", d.other(conn) + ": setData ~ x"}
}

// wordScene asks a four-letter word.
func (d *drawer) wordScene() []string {
	return []string{"own " + d.often([]string{"wchc", "wchp", "dump", "srvr"}, []string{"ruok", "isro", "xyzw", "stat"})}
}

// farewellScene ends a session with ephemerals under watch.
func (d *drawer) farewellScene() []string {
	conn := d.conn()
	by := d.other(conn)
	lines := []string{
		conn + ": pipe create ~/e1 flags=1 | create ~/a/e2 flags=1 | create ~/e flags=3",
		by + ": pipe exists ~/e1 watch | getChildren ~ watch | getChildren ~/a watch",
	}
	if d.quotas {
		lines[0] = conn + ": create ~/e1 flags=1"
	}
	return append(lines, "own dump", conn+": closeSession", by+": flush", conn+": connect", "own dump")
}

// quotaScene sets quotas, or fills them.
func (d *drawer) quotaScene() []string {
	at := d.pick("/zookeeper/quota~", "/zookeeper/quota~/a")
	var lines []string
	for _, s := range []string{
		"create /zookeeper/quota", "create /zookeeper/quota~", "create " + at,
		"create " + at + "/zookeeper_limits " + d.data("zookeeper_limits"), "create " + at + "/zookeeper_stats " + d.data("zookeeper_stats"),
		"setData " + at + "/zookeeper_limits " + d.data("zookeeper_limits"), "create ~/a/q" + d.pick("1", "2", "3") + " " + d.data(""),
		"setData ~/a " + d.data(""), "multi create ~/a/q4 abc | setData ~/a/q4 defg", "getData " + at + "/zookeeper_stats watch",
	} {
		if !d.one(5) {
			lines = append(lines, "c1: "+s)
		}
	}
	return lines
}
