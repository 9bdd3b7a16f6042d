package conformance

import (
	"flag"
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/zookit/zookit/internal/jute"
	"github.com/zookit/zookit/internal/proto"
)

var (
	diffN   = flag.Int("diff.n", 200, "how many random programs run on fake and real server")
	diffLen = flag.Int("diff.len", 60, "most steps of a random program")
	// The default enables all there is.
	diffServer = flag.String("diff.server", "extendedTypesEnabled=true enforceQuota=true", "properties of the server of random programs")
)

// TestDiff runs random programs on the fake and on a real server, in lock
// step: every reply, event and end has to be the same, and in the end the
// whole tree. To replay a failure use the flags that rapid prints.
func TestDiff(t *testing.T) {
	test := t
	// Nothing happens by itself, and the super user sees all.
	server := append(strings.Fields(*diffServer), "znode.container.checkIntervalMs=3600000",
		"DigestAuthenticationProvider.superDigest=super:lK75jTNcA+U9vtVEw5vB51mj/w4=")
	onReal := Java("", 1).Start(t, server)
	onFake := Fake("").Start(t, server)
	setChecks(t, *diffN)
	programs, steps := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		programs++
		root := fmt.Sprintf("/d%d", programs)
		d := differ{t: t, fake: newRun(test, onFake, root), real: newRun(test, onReal, root)}
		require.NoError(t, d.fake.begin())
		require.NoError(t, d.real.begin())
		defer d.real.end()
		defer d.fake.end()
		d.step("create ~")
		for range rapid.IntRange(1, *diffLen).Draw(t, "steps") {
			line := genStep(t)
			d.step(line)
			steps++
		}
		for _, conn := range diffConns {
			d.step(conn + ": flush")
		}
		d.tree()
	})
	t.Logf("%d programs of %d steps in all", programs, steps)
}

// setChecks makes rapid.Check run n times.
func setChecks(t *testing.T, n int) {
	f := flag.Lookup("rapid.checks")
	before := f.Value.String()
	require.NoError(t, f.Value.Set(strconv.Itoa(n)))
	t.Cleanup(func() { require.NoError(t, f.Value.Set(before)) })
}

// A differ runs one program on both.
type differ struct {
	t          *rapid.T
	fake, real *run
	done       strings.Builder // the program so far, with its transcript
}

func (d *differ) step(line string) {
	s, err := parseStep(line)
	require.NoError(d.t, err)
	fake, err := d.fake.step(s)
	require.NoError(d.t, err)
	real, err := d.real.step(s)
	require.NoError(d.t, err)
	if fake != real {
		d.t.Fatalf("fake and real server differ\n\n%s%s\n--- fake\n%s--- real\n%s", d.done.String(), line, fake, real)
	}
	fmt.Fprintf(&d.done, "%s\n%s", line, real)
	last := strings.Contains(real, "-1 Unimplemented") || strings.Contains(real, "AuthFailed") || s.verb == "closeSession" || s.verb == "bytes"
	if last && s.verb != "eof" {
		d.step(s.conn + ": eof") // until then a real server may go on answering
	}
}

// tree compares all nodes that the program has left.
func (d *differ) tree() {
	d.step("super: auth digest super:secret")
	for _, top := range []string{"~", "/zookeeper/quota~"} {
		d.subtree(top)
	}
}

func (d *differ) subtree(path string) {
	quoted := strconv.Quote(path)
	d.step("super: getData " + quoted)
	d.step("super: getACL " + quoted)
	d.step("super: getAllChildrenNumber " + quoted)
	for _, name := range d.fake.children("super", path) {
		d.subtree(path + "/" + name)
	}
}

// children asks for the names of children.
func (r *run) children(conn, path string) []string {
	c := r.clients[conn]
	req, err := r.encode(c, []arg{{text: "getChildren"}, {text: path}})
	if err != nil {
		panic(err)
	}
	c.write(req.frame)
	b, err := c.read(r.patience)
	if err != nil {
		return nil
	}
	rd := jute.NewReader(b, "getChildren")
	var h proto.ReplyHeader
	h.Decode(&rd)
	var names []string
	for _, name := range rd.Strings() {
		names = append(names, strings.Clone(name))
	}
	return names
}

var diffConns = []string{"c1", "c2", "c3"}

func pick(t *rapid.T, what string, from ...string) string {
	return rapid.SampledFrom(from).Draw(t, what)
}

// often is one of the first most of the time, else one of the others.
func often(t *rapid.T, what string, first, others []string) string {
	if rapid.IntRange(0, 7).Draw(t, what+" odd") == 7 {
		return pick(t, what, others...)
	}
	return pick(t, what, first...)
}

var (
	goodPaths = []string{"~", "~/a", "~/a", "~/b", "~/a/x", "~/a/x", "~/a/y", "~/a/x/z", "~/b/s0000000001", "~/b/s", "~/c"}
	oddPaths  = []string{
		"~/", `"~/a/"`, "~//a", "~/..", "~/./a", "rel", "a/b", `""`, "null", `"~/\x01"`, `"~/a\x00"`, `"~/\ue000"`, `"~/\U0001f600"`,
		`"~/\xff"`, "/", "/zookeeper/config", "/zookeeper", "/zookeeper/quota", "/zookeeper/quota~", "/zookeeper/quota~/zookeeper_limits",
		"/zookeeper/quota~/zookeeper_limits", "/zookeeper/quota~/zookeeper_stats", "/zookeeper/quota~/a", "/zookeeper/quota~/a/zookeeper_limits",
		"/zookeeper/quota~/a/zookeeper_stats", "~/none/x", "~/...", `"~/ "`, `"~/é"`,
	}
	versions = []string{"", "", "", " v=0", " v=1", " v=2", " v=-1", " v=-2", " v=77"}
	goodACLs = []string{"", "", "", "", "", " acl=31:world:anyone,1:ip:127.0.0.1", " acl=1:world:anyone", " acl=29:world:anyone", " acl=31:auth:",
		" acl=31:digest:u1:Bf6+GJk+lR4VsO5h+8wqFDtoTN0=,1:world:anyone", " acl=2:world:anyone,29:ip:127.0.0.0/8", " acl=16:world:anyone"}
	oddACLs = []string{" acl=none", " acl=null", " acl=0:world:anyone", " acl=31:world:bob", " acl=31:nope:x", " acl=31:digest:x", " acl=31:world:null",
		" acl=31:ip:1.2.3", " acl=31:null:x", " acl=#-2", " acl=31:world:anyone,31:world:anyone", " acl=31:ip:::1", " acl=31:auth:,31:auth:"}
)

func genPath(t *rapid.T) string    { return often(t, "path", goodPaths, oddPaths) }
func genVersion(t *rapid.T) string { return pick(t, "version", versions...) }
func genACL(t *rapid.T) string     { return often(t, "acl", goodACLs, oddACLs) }

// genData is data for a path. What would end a real server is left out: stats
// of a quota that cannot be parsed.
func genData(t *rapid.T, path string) string {
	switch {
	case strings.HasSuffix(path, "zookeeper_stats"):
		return pick(t, "data", `"count=1,bytes=2"`, `"count=50,bytes=50"`)
	case strings.HasSuffix(path, "zookeeper_limits"):
		return pick(t, "data", `"count=1,bytes=1"`, `"count=-1,bytes=-1=;byteHardLimit=9;countHardLimit=4"`, `"countHardLimit=3"`,
			`"bytes=4=;byteHardLimit=4"`, `"garbage"`, `""`, "null", `"count=5=;countHardLimit=-1"`)
	}
	return pick(t, "data", `""`, "null", "x", "abc", `"{y*20}"`)
}

func genCreate(t *rapid.T, inMulti bool) string {
	verb := pick(t, "create", "create", "create", "create", "create2", "createContainer", "createTTL")
	path := genPath(t)
	line := verb + " " + path + " " + genData(t, path) + genACL(t)
	switch {
	case verb == "createContainer" && inMulti:
		// For what follows in the same multi, flags 1 and 3 make a real server
		// take the container for an ephemeral.
		return line + pick(t, "flags", "", " flags=0", " flags=2", " flags=4", " flags=5", " flags=7")
	case verb != "createTTL":
		return line + often(t, "flags", []string{"", "", " flags=0", " flags=1", " flags=1", " flags=2", " flags=3", " flags=4"},
			[]string{" flags=5", " flags=6", " flags=7", " flags=-1"})
	case inMulti || rapid.Bool().Draw(t, "with ttl"):
		return line + pick(t, "ttl", " ttl=100000", " flags=6 ttl=5000000", " ttl=1099511627775", " flags=0 ttl=5", " flags=3 ttl=0")
	}
	// A real server does not live on after other flags with a negative ttl.
	return line + pick(t, "bad ttl", " ttl=0", " ttl=-1", " flags=6 ttl=-1", " flags=9 ttl=-1", " ttl=1099511627776", " flags=0 ttl=0")
}

func genSet(t *rapid.T) string {
	path := genPath(t)
	return "setData " + path + " " + genData(t, path) + genVersion(t)
}

func genMulti(t *rapid.T) string {
	var ops []string
	for range rapid.IntRange(0, 5).Draw(t, "operations") {
		var op string
		switch pick(t, "operation", "create", "create", "set", "delete", "check", "bad") {
		case "create":
			op = genCreate(t, true)
		case "set":
			op = genSet(t)
		case "delete":
			op = "delete " + genPath(t) + genVersion(t)
		case "check":
			op = "check " + genPath(t) + genVersion(t)
		case "bad":
			op = often(t, "bad", []string{"check ~/none", "delete ~/none", "create ~", "setData ~ x v=99"}, []string{"sync ~", "getData ~", "setACL ~", "deleteContainer ~/a"})
		}
		ops = append(ops, op)
	}
	if rapid.IntRange(0, 9).Draw(t, "read") == 9 {
		ops = nil
		for range rapid.IntRange(0, 4).Draw(t, "reads") {
			ops = append(ops, often(t, "read", []string{"getData ", "getChildren "}, []string{"create ", "exists ", "check "})+genPath(t))
		}
		return often(t, "verb", []string{"multiRead "}, []string{"multi "}) + strings.Join(ops, " | ")
	}
	return often(t, "verb", []string{"multi "}, []string{"multiRead "}) + strings.Join(ops, " | ")
}

func genPaths(t *rapid.T) string {
	paths := rapid.SliceOfN(rapid.SampledFrom([]string{"~", "~/a", "~/b", "~/a/x", "~/a/y", "~/none", "~/b/s", "rel", "~/"}), 0, 3).Draw(t, "paths")
	if len(paths) == 0 {
		return ""
	}
	return strings.Join(paths, ",")
}

func genSetWatches(t *rapid.T) string {
	line := "setWatches"
	keys := []string{"data", "exist", "child"}
	if rapid.Bool().Draw(t, "2") {
		line, keys = "setWatches2", append(keys, "pers", "rec")
	}
	line += pick(t, "rel", " rel=0", " rel=+2", " rel=+5", " rel=+10", " rel=+20", " rel=now", " rel=now-3", " rel=now+100")
	for _, key := range keys {
		if paths := genPaths(t); paths != "" {
			line += " " + key + "=" + paths
		}
	}
	if rapid.IntRange(0, 15).Draw(t, "null") == 15 {
		line += " child=null"
	}
	return line
}

func genStep(t *rapid.T) string {
	conn := pick(t, "conn", diffConns...)
	return conn + ": " + genVerb(t, conn)
}

func genVerb(t *rapid.T, conn string) string {
	watch := func() string { return pick(t, "watch", "", " watch") }
	mode := func() string {
		return " mode=" + often(t, "mode", []string{"0", "1", "2", "3", "4", "5"}, []string{"-1", "6", "9"})
	}
	switch pick(t, "verb",
		"create", "create", "create", "create", "create", "create", "set", "set", "set", "delete", "delete", "delete", "multi", "multi", "multi", "multi",
		"get", "get", "exists", "exists", "children", "children2", "acl", "acl", "getACL", "ephemerals", "number", "setWatches", "addWatch", "addWatch",
		"removeWatches", "checkWatches", "flush", "flush", "flush", "session", "session", "auth", "odd", "sync", "container", "pipe", "whoAmI") {
	case "create":
		return genCreate(t, false)
	case "set":
		return genSet(t)
	case "delete":
		return "delete " + genPath(t) + genVersion(t)
	case "multi":
		return genMulti(t)
	case "get":
		return "getData " + genPath(t) + watch()
	case "exists":
		return "exists " + genPath(t) + watch()
	case "children":
		return "getChildren " + genPath(t) + watch()
	case "children2":
		return "getChildren2 " + genPath(t) + watch()
	case "acl":
		return "setACL " + genPath(t) + genACL(t) + genVersion(t)
	case "getACL":
		return "getACL " + genPath(t)
	case "ephemerals":
		return "getEphemerals " + genPath(t)
	case "number":
		return "getAllChildrenNumber " + pick(t, "path", goodPaths...)
	case "setWatches":
		return genSetWatches(t)
	case "addWatch":
		return "addWatch " + genPath(t) + " mode=" + often(t, "mode", []string{"0", "1"}, []string{"2", "-1"})
	case "removeWatches":
		return "removeWatches " + genPath(t) + mode()
	case "checkWatches":
		return "checkWatches " + genPath(t) + mode()
	case "session":
		return pick(t, "session", "closeSession", "connect", "connect", "connect sid="+conn, "connect sid="+conn, "connect sid="+conn+"'", "connect sid=c1",
			"connect sid=c2'", "connect sid=c2 pw=wrong", "connect zxid=now+1", "connect zxid=now", "shut", "createSession to=8000", "connect to=1 ro=absent")
	case "auth":
		// One digest a connection: the order in which several expand is up to
		// the server.
		return often(t, "auth", []string{"auth digest u" + conn[1:] + ":p", "auth ip x"}, []string{"auth nope x", "auth digest null", "sasl x"})
	case "odd":
		return pick(t, "odd", "raw 99", "raw 1", "raw 4", "raw 14", "raw 22", "create ~/a cut=3", "getData ~ cut=1", "setData ~/a x cut=2", "delete ~/a cut=4",
			"ping xid=9", "exists ~ xid=-1", "check ~", "reconfig null null null", "bytes 00000000", "bytes ffffffff", "multi create ~/a | delete ~/a cut=9", "raw 101")
	case "sync":
		return "sync " + genPath(t)
	case "container":
		return "deleteContainer " + genPath(t)
	case "pipe":
		var parts []string
		for range rapid.IntRange(2, 5).Draw(t, "parts") {
			parts = append(parts, pick(t, "part", genCreate(t, true), genSet(t), "getData "+genPath(t)+watch(), "exists "+genPath(t)+watch(), "ping",
				"delete "+genPath(t), "getChildren "+genPath(t)+watch()))
		}
		return "pipe " + strings.Join(parts, " | ")
	case "whoAmI":
		return "whoAmI"
	}
	return "flush"
}
