package proto

import (
	"bufio"
	"encoding/hex"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/internal/jute"
)

// A body is how an operation goes over the wire: behind a RequestHeader, and
// behind a ReplyHeader without an error. Nil is nothing.
type body struct{ request, reply func() Record }

func a[T any, P interface {
	*T
	Record
}]() Record {
	return P(new(T))
}

var bodies = map[Op]body{
	OpCreate:               {a[CreateRequest], a[PathRecord]},
	OpDelete:               {a[PathVersion], nil},
	OpExists:               {a[PathWatch], a[Stat]},
	OpGetData:              {a[PathWatch], a[GetDataResponse]},
	OpSetData:              {a[SetDataRequest], a[Stat]},
	OpGetACL:               {a[PathRecord], a[GetACLResponse]},
	OpSetACL:               {a[SetACLRequest], a[Stat]},
	OpGetChildren:          {a[PathWatch], a[StringsRecord]},
	OpSync:                 {a[PathRecord], a[PathRecord]},
	OpPing:                 {nil, nil},
	OpGetChildren2:         {a[PathWatch], a[GetChildren2Response]},
	OpCheck:                {a[PathVersion], nil},
	OpMulti:                {a[MultiRequest], a[MultiResponse]},
	OpCreate2:              {a[CreateRequest], a[Create2Response]},
	OpReconfig:             {a[ReconfigRequest], a[GetDataResponse]},
	OpCheckWatches:         {a[PathKind], nil},
	OpRemoveWatches:        {a[PathKind], nil},
	OpCreateContainer:      {a[CreateRequest], a[Create2Response]},
	OpDeleteContainer:      {a[PathRecord], nil},
	OpCreateTTL:            {a[CreateTTLRequest], a[Create2Response]},
	OpMultiRead:            {a[MultiRequest], a[MultiResponse]},
	OpAuth:                 {a[AuthPacket], nil},
	OpSetWatches:           {a[SetWatches], nil},
	OpSASL:                 {a[SASLToken], a[SASLToken]},
	OpGetEphemerals:        {a[PathRecord], a[StringsRecord]},
	OpGetAllChildrenNumber: {a[PathRecord], a[IntRecord]},
	OpSetWatches2:          {a[SetWatches2], nil},
	OpAddWatch:             {a[PathKind], a[IntRecord]},
	OpWhoAmI:               {nil, a[WhoAmIResponse]},
	OpCloseSession:         {nil, nil},
}

// Not in testdata/golden.txt: sasl, which needs a login module on both sides.
var recorded = []string{
	"> connect", "< connect", "< event",
	"> multi of create", "> multi of create2", "> multi of createContainer", "> multi of createTTL",
	"> multi of delete", "> multi of setData", "> multi of check",
	"> multiRead of getData", "> multiRead of getChildren",
	"< multi of create", "< multi of create2", "< multi of delete", "< multi of setData",
	"< multi of check", "< multi of error",
	"< multiRead of getData", "< multiRead of getChildren", "< multiRead of error",
}

// TestGolden takes frames that neither side of Zookit had a hand in, of
// Apache's own client and server, and requires that our records read them to
// the end and write the same bytes.
func TestGolden(t *testing.T) {
	f, err := os.Open("testdata/golden.txt")
	require.NoError(t, err, "frames of Apache's own client and server; testdata/record writes them")
	defer f.Close()
	seen := map[string]bool{}
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 4<<20)
	for n := 1; lines.Scan(); n++ {
		line := strings.TrimSpace(lines.Text())
		if line == "" || line[0] == '#' {
			continue
		}
		kind, err := checkGolden(line, seen)
		require.NoError(t, err, "golden.txt:%d: %s", n, line)
		seen[kind] = true
	}
	require.NoError(t, lines.Err())

	for op := range bodies {
		if op != OpSASL {
			require.True(t, seen["> "+op.String()], "golden.txt has no request %v; every operation of the Java client is recorded", op)
			require.True(t, seen["< "+op.String()] || op == OpCheck, "golden.txt has no reply to %v without an error", op)
		}
	}
	for _, kind := range recorded {
		require.True(t, seen[kind], "golden.txt has no %q", kind)
	}
}

// checkGolden reads a line and tells its kind, such as "> create"; of a reply
// with an error also the error.
func checkGolden(line string, seen map[string]bool) (kind string, err error) {
	var direction, name, digits string
	var xid int32
	if _, err := fmt.Sscan(line, &direction, &xid, &name, &digits); err != nil {
		return "", fmt.Errorf("not of the form <direction> <xid> <operation> <hex>: %w", err)
	}
	frame, err := hex.DecodeString(digits)
	if err != nil {
		return "", err
	}
	kind = direction + " " + name
	g := golden{r: jute.NewReader(frame, name)}
	switch {
	case kind == "> connect":
		g.pass(new(ConnectRequest))
	case kind == "< connect":
		g.pass(new(ConnectResponse))
	case direction == ">":
		var h RequestHeader
		g.pass(&h)
		b, known := bodies[h.Op]
		if !known || h.Op.String() != name || h.Xid != xid {
			return "", fmt.Errorf("the header says %+v (known: %v)", h, known)
		}
		if len(g.r.Rest()) == 0 && b.request != nil {
			kind += " without its body" // which a server answers with an error
			break
		}
		g.passOne(b.request)
	case direction == "<":
		var h ReplyHeader
		g.pass(&h)
		if h.Xid != xid {
			return "", fmt.Errorf("the header says %+v", h)
		}
		reply, known := replyOf(name)
		switch {
		case !known:
			return "", fmt.Errorf("unknown operation %q", name)
		case h.Err != OK:
			kind += fmt.Sprintf(" error %d", h.Err) // and no body
		default:
			g.passOne(reply)
		}
	default:
		return "", fmt.Errorf("unknown direction %q", direction)
	}
	for _, part := range g.parts {
		seen[kind+" of "+part] = true
	}
	return kind, g.end(frame)
}

func replyOf(name string) (reply func() Record, known bool) {
	if name == "event" {
		return a[WatcherEvent], true
	}
	for op, b := range bodies {
		if op.String() == name {
			return b.reply, true
		}
	}
	return nil, false
}

// golden decodes a frame and encodes it again.
type golden struct {
	r     jute.Reader
	again []byte
	parts []string // operations of a multi
}

func (g *golden) passOne(record func() Record) {
	if record != nil {
		g.pass(record())
	}
}

func (g *golden) pass(rec Record) {
	rec.Decode(&g.r)
	g.again = rec.AppendTo(g.again)
	switch m := rec.(type) {
	case *MultiRequest:
		for _, op := range m.Ops {
			g.parts = append(g.parts, op.Op.String())
		}
	case *MultiResponse:
		for _, res := range m.Results {
			g.parts = append(g.parts, res.Op.String())
		}
	}
}

func (g *golden) end(frame []byte) error {
	switch {
	case g.r.Err() != nil:
		return g.r.Err()
	case len(g.r.Rest()) > 0:
		return fmt.Errorf("%d bytes are left over: %x", len(g.r.Rest()), g.r.Rest())
	case string(g.again) != string(frame):
		return fmt.Errorf("it is written as %x", g.again)
	}
	return nil
}

// The check of golden frames itself can fail.
func TestGoldenFails(t *testing.T) {
	for line, want := range map[string]string{
		"> 1 delete":                                    "not of the form",
		"> 1 delete 0":                                  "odd length",
		"? 1 delete 00":                                 "unknown direction",
		"> 1 nonsense 0000000100000002":                 "the header says",
		"> 1 op99 0000000100000063":                     "known: false",
		"> 2 closeSession 00000001fffffff5":             "the header says",
		"> 1 ping 00000001fffffff5":                     "the header says",
		"> 1 closeSession 00000001fffffff500":           "1 bytes are left over",
		"> 1 sync 00000001000000090000000261":           "needs 2 bytes, 1 are left",
		"> 1 exists 0000000100000003ffffffff02":         "it is written as 0000000100000003ffffffff01",
		"< 1 nonsense 00000001000000000000000100000000": "unknown operation",
		"< 2 ping 00000001000000000000000100000000":     "the header says",
		"< 1 delete 0000000100000000000000010000000000": "1 bytes are left over",
		"< 1 delete 000000010000000000000001ffffff9b00": "1 bytes are left over",
		"< 1 sync 0000000100000000000000010000000000":   "needs 4 bytes, 1 are left",
	} {
		_, err := checkGolden(line, map[string]bool{})
		require.ErrorContains(t, err, want, line)
	}
}
