package fakezk_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/fakezk"
	"github.com/zookit/zookit/internal/proto"
	"github.com/zookit/zookit/internal/wire"
)

// mute connects, asks for more than a connection holds, says goodbye, and
// reads nothing.
func mute(t *testing.T, e *fakezk.Ensemble) {
	t.Helper()
	nc, err := e.DialContext(t.Context(), "tcp", e.ConnectString())
	require.NoError(t, err)
	t.Cleanup(func() { nc.Close() })
	frame := func(b []byte, records ...interface{ AppendTo([]byte) []byte }) []byte {
		b, start := wire.BeginFrame(b)
		for _, r := range records {
			b = r.AppendTo(b)
		}
		return wire.EndFrame(b, start)
	}
	b := frame(nil, proto.ConnectRequest{Timeout: 10000})
	for xid := range int32(8) {
		b = frame(b, proto.RequestHeader{Xid: xid, Op: proto.OpGetData}, proto.PathWatch{Path: "/big"})
	}
	b = frame(b, proto.RequestHeader{Xid: 8, Op: proto.OpCloseSession})
	_, err = nc.Write(b)
	require.NoError(t, err)
}

func TestAPeerThatDoesNotReadHoldsUpNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := fakezk.New(t)
		require.NoError(t, e.Put("/big", make([]byte, 500_000)))
		mute(t, e)
		synctest.Wait()
		require.Empty(t, e.Sessions(), "all its requests were run")
		time.Sleep(time.Minute)
		mute(t, e)
		synctest.Wait()
		require.NoError(t, e.Close(), "and Close does not wait for it")
	})
}
