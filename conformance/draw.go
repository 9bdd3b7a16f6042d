package conformance

import (
	"fmt"
	"math/rand/v2"
	"strings"
)

// A drawer draws programs in the language of the cases, weighted to what goes
// wrong elsewhere.
type drawer struct {
	*rand.Rand
	minor int        // of the release, such as 9: older ones lack requests, and some end older ones
	conf  diffConfig // of the server
	// quotas says that this program sets some. A real server looks up a quota
	// while earlier writes of the same connection may be under way, so that
	// such a program sends none in one go.
	quotas bool
}

func newDrawer(seed uint64, minor int, conf diffConfig) *drawer {
	return &drawer{Rand: rand.New(rand.NewPCG(seed, 0)), minor: minor, conf: conf}
}

var diffConns = []string{"c1", "c2", "c3"}

// program draws one of up to so many lines, or a few more.
func (d *drawer) program(most int) []string {
	d.quotas = d.IntN(8) == 0
	var lines []string
	for _, c := range diffConns {
		lines = append(lines, c+": connect to="+d.pick("20000", "30000", "40000"))
	}
	if d.quotas {
		lines = append(lines, d.quotaScene()...)
	}
	for n := 1 + d.IntN(most); len(lines) < n+len(diffConns); {
		lines = append(lines, d.steps()...)
	}
	return lines
}

func (d *drawer) steps() []string {
	switch n := d.IntN(20); {
	case n < 13:
		conn := d.conn()
		return []string{conn + ": " + d.verb(conn)}
	case n < 16:
		return []string{d.conn() + ": " + d.pipe()}
	}
	scenes := []func(*drawer) []string{
		(*drawer).watchScene, (*drawer).watchScene, (*drawer).moveScene, (*drawer).returnScene, (*drawer).containerScene,
		(*drawer).sequenceScene, (*drawer).authScene, (*drawer).limitScene, (*drawer).wordScene, (*drawer).farewellScene,
	}
	if d.quotas {
		scenes = append(scenes, (*drawer).quotaScene, (*drawer).quotaScene, (*drawer).quotaScene)
	}
	return scenes[d.IntN(len(scenes))](d)
}

func (d *drawer) pick(from ...string) string { return from[d.IntN(len(from))] }

// one is true once in n times.
func (d *drawer) one(n int) bool { return d.IntN(n) == 0 }

// often is one of the first most of the time, else one of the others.
func (d *drawer) often(first, others []string) string {
	if d.one(8) {
		return d.pick(others...)
	}
	return d.pick(first...)
}

// some is about half of them.
func (d *drawer) some(from ...string) (some []string) {
	for _, s := range from {
		if d.one(2) {
			some = append(some, s)
		}
	}
	return some
}

// in draws a verb that the release has.
func (d *drawer) in(verbs ...string) string {
	for {
		if verb := d.pick(verbs...); d.minor >= since[verb] {
			return verb
		}
	}
}

// since are the minor releases that brought a request. In older ones it is an
// unknown opcode, which ends the connection.
var since = map[string]int{
	"create2": 5, "createContainer": 5, "createTTL": 5, "deleteContainer": 5, "reconfig": 5, "checkWatches": 5, "removeWatches": 5,
	"addWatch": 6, "setWatches2": 6, "multiRead": 6, "getEphemerals": 6, "getAllChildrenNumber": 6, "whoAmI": 7,
}

func (d *drawer) conn() string { return d.pick(diffConns...) }

// other is a connection that is not this one.
func (d *drawer) other(conn string) string {
	for {
		if c := d.conn(); c != conn {
			return c
		}
	}
}

var (
	goodPaths = []string{"~", "~/a", "~/a", "~/b", "~/a/x", "~/a/x", "~/a/y", "~/a/x/z", "~/b/s0000000001", "~/b/s", "~/c"}
	oddPaths  = []string{
		"~/", `"~/a/"`, "~//a", "~/..", "~/./a", "rel", "a/b", `""`, "null", `"~/\x01"`, `"~/a\x00"`, `"~/\ue000"`, `"~/\U0001f600"`,
		`"~/\xff"`, "/", "/zookeeper/config", "/zookeeper", "/zookeeper/quota", "~/none/x", "~/...", `"~/ "`, `"~/é"`, `"~/\ufff0"`,
		`"~/{n*300}"`, `"~/\u0085"`, `"~/\u200b"`, ".", "..", "/.", "//", `"~/a\t"`, "/zookeeper/~",
	}
	quotaPaths = []string{
		"/zookeeper/quota~", "/zookeeper/quota~/zookeeper_limits", "/zookeeper/quota~/zookeeper_stats", "/zookeeper/quota~/a",
		"/zookeeper/quota~/a/zookeeper_limits", "/zookeeper/quota~/a/zookeeper_stats", "/zookeeper/quota~/b/zookeeper_limits",
	}
	goodACLs = []string{
		"", "", "", "", "", " acl=31:world:anyone,1:ip:127.0.0.1", " acl=1:world:anyone", " acl=29:world:anyone", " acl=31:auth:",
		" acl=31:digest:u1:Bf6+GJk+lR4VsO5h+8wqFDtoTN0=,1:world:anyone", " acl=2:world:anyone,29:ip:127.0.0.0/8", " acl=16:world:anyone",
		" acl=27:world:anyone", " acl=15:world:anyone",
	}
	oddACLs = []string{
		" acl=none", " acl=null", " acl=0:world:anyone", " acl=31:world:bob", " acl=31:nope:x", " acl=31:digest:x", " acl=31:world:null",
		" acl=31:ip:1.2.3", " acl=31:null:x", " acl=#-2", " acl=31:world:anyone,31:world:anyone", " acl=31:ip:::1", " acl=31:auth:,31:auth:",
		" acl=31:auth:x", " acl=64:world:anyone", " acl=-1:world:anyone", " acl=31:ip:127.0.0.1/33", " acl=31:sasl:x", " acl=31:x509:x",
		" acl=31:super:x", " acl=31:digest:a:b:c", " acl=#1000000",
	}
)

func (d *drawer) path() string {
	if d.quotas && d.one(5) {
		return d.pick(quotaPaths...)
	}
	return d.often(goodPaths, oddPaths)
}

// ownPath is one below the program's own root, or none at all.
func (d *drawer) ownPath() string {
	for {
		if path := d.path(); !strings.HasPrefix(path, "/") {
			return path
		}
	}
}

func (d *drawer) version() string {
	return d.often([]string{"", "", "", " v=0", " v=1", " v=2", " v=3", " v=-1"}, []string{" v=-2", " v=77", " v=-2147483648", " v=2147483647"})
}

func (d *drawer) acl() string   { return d.often(goodACLs, oddACLs) }
func (d *drawer) watch() string { return d.pick("", " watch") }

// data is data for a path. What would end a real server is left out: stats of a
// quota that cannot be parsed and, up to 3.6, such limits.
func (d *drawer) data(path string) string {
	switch {
	case strings.HasSuffix(path, "zookeeper_stats"):
		return d.pick(`"count=1,bytes=2"`, `"count=50,bytes=50"`, `"count=0,bytes=0"`)
	case strings.HasSuffix(path, "zookeeper_limits") && d.minor <= 6:
		return d.pick(`"count=1,bytes=1"`, `"count=4,bytes=-1"`, `"count=-1,bytes=9"`)
	case strings.HasSuffix(path, "zookeeper_limits"):
		return d.pick(`"count=1,bytes=1"`, `"count=-1,bytes=-1=;byteHardLimit=9;countHardLimit=4"`, `"countHardLimit=3"`, `"byteHardLimit=30"`,
			`"bytes=4=;byteHardLimit=4"`, `"garbage"`, `""`, "null", `"count=5=;countHardLimit=-1"`, `"count=4=;countHardLimit=5"`)
	}
	return d.pick(`""`, "null", "x", "abc", `"{y*20}"`)
}

// create draws one of the four; alone says that it is not within a multi.
func (d *drawer) create(alone bool) string {
	verb := d.in("create", "create", "create", "create2", "createContainer", "createTTL")
	path := d.path()
	line := verb + " " + path + " " + d.data(path) + d.acl()
	switch {
	case verb == "createContainer" && !alone:
		// For what follows in the same multi, flags 1 and 3 make a real server
		// take the container for an ephemeral.
		return line + d.pick("", " flags=0", " flags=2", " flags=4", " flags=5", " flags=7")
	case verb != "createTTL":
		return line + d.often([]string{"", "", " flags=0", " flags=1", " flags=1", " flags=2", " flags=3", " flags=4"},
			[]string{" flags=5", " flags=6", " flags=7", " flags=-1", " flags=2147483647"})
	case !alone || d.one(2):
		return line + d.pick(" ttl=100000", " flags=6 ttl=5000000", " ttl=1099511627775", " flags=0 ttl=5", " flags=3 ttl=0")
	}
	// A real server does not live on after other flags with a negative ttl.
	return line + d.pick(" ttl=0", " ttl=-1", " flags=6 ttl=-1", " flags=9 ttl=-1", " ttl=1099511627776", " flags=0 ttl=0",
		" ttl=9223372036854775807", " ttl=-9223372036854775808")
}

func (d *drawer) set() string {
	path := d.path()
	return "setData " + path + " " + d.data(path) + d.version()
}

func (d *drawer) multi() string {
	var ops []string
	if d.one(9) {
		for range d.IntN(5) {
			ops = append(ops, d.often([]string{"getData ", "getChildren "}, []string{"create ", "exists ", "check "})+d.path())
		}
		return d.multiVerb("multiRead", "multi") + strings.Join(ops, " | ")
	}
	for range d.IntN(6) {
		ops = append(ops, d.change())
	}
	return d.multiVerb("multi", "multiRead") + strings.Join(ops, " | ")
}

func (d *drawer) multiVerb(usual, odd string) string {
	if d.minor < since["multiRead"] {
		return "multi "
	}
	return d.often([]string{usual + " "}, []string{odd + " "})
}

// change draws an operation of a multi.
func (d *drawer) change() string {
	switch d.IntN(8) {
	case 0, 1, 2:
		return d.create(false)
	case 3, 4:
		return d.set()
	case 5:
		return "delete " + d.path() + d.version()
	case 6:
		return "check " + d.path() + d.version()
	}
	return d.often([]string{"check ~/none", "delete ~/none", "create ~", "setData ~ x v=99"},
		[]string{"sync ~", "getData ~", "setACL ~", "deleteContainer ~/a", "create ~/a cut=2", "closeSession"})
}

func (d *drawer) paths() string {
	var paths []string
	for range d.IntN(4) {
		paths = append(paths, d.pick("~", "~/a", "~/b", "~/a/x", "~/a/y", "~/none", "~/b/s", "rel", "~/"))
	}
	return strings.Join(paths, ",")
}

func (d *drawer) setWatches() string {
	verb, lists := "setWatches", []string{"data", "exist", "child"}
	if d.minor >= 6 && d.one(2) {
		verb, lists = "setWatches2", append(lists, "pers", "rec")
	}
	line := verb + d.pick(" rel=0", " rel=+2", " rel=+5", " rel=+10", " rel=+20", " rel=now", " rel=now-3", " rel=now+100", " rel=-1",
		" rel=9223372036854775807")
	for _, list := range lists {
		if paths := d.paths(); paths != "" {
			line += " " + list + "=" + paths
		}
	}
	if d.one(16) {
		line += " child=null"
	}
	return line
}

// mode is one for removeWatches and checkWatches.
func (d *drawer) mode() string {
	return " mode=" + d.often([]string{"1", "2", "3", "4", "5"}, []string{"0", "-1", "6", "9"})
}

// size is the length of a frame about the limit of the server.
func (d *drawer) size() string {
	return fmt.Sprintf(" frame=%d", d.conf.frame()+d.IntN(4)-2)
}
