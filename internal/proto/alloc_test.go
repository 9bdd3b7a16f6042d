//go:build !race

package proto

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/internal/jute"
)

func TestHotPathAllocatesNothing(t *testing.T) {
	frame := SetDataRequest{Path: "/a/caf\u00e9", Data: make([]byte, 100)}.AppendTo(RequestHeader{1, OpSetData}.AppendTo(nil))
	reply := make([]byte, 0, 256)
	require.Zero(t, testing.AllocsPerRun(100, func() {
		r := jute.NewReader(frame, "frame")
		var h RequestHeader
		var m SetDataRequest
		h.Decode(&r)
		m.Decode(&r)
		if r.Err() != nil || CheckPath(m.Path) != nil || Parent(m.Path) != "/a" {
			t.Fatal(r.Err())
		}
		reply = Stat{Version: m.Version}.AppendTo(ReplyHeader{h.Xid, 1, OK}.AppendTo(reply[:0]))
	}), "a request is read in place, and its reply appended to the caller's slice")
}
