package proto

import (
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// A fuzz target for every decoder; its name is Fuzz and that of the record.

func FuzzACL(f *testing.F)                  { fuzz(f) }
func FuzzAuthPacket(f *testing.F)           { fuzz(f) }
func FuzzClientInfo(f *testing.F)           { fuzz(f) }
func FuzzConnectRequest(f *testing.F)       { fuzz(f) }
func FuzzConnectResponse(f *testing.F)      { fuzz(f) }
func FuzzCreate2Response(f *testing.F)      { fuzz(f) }
func FuzzCreateRequest(f *testing.F)        { fuzz(f) }
func FuzzCreateTTLRequest(f *testing.F)     { fuzz(f) }
func FuzzGetACLResponse(f *testing.F)       { fuzz(f) }
func FuzzGetChildren2Response(f *testing.F) { fuzz(f) }
func FuzzGetDataResponse(f *testing.F)      { fuzz(f) }
func FuzzIntRecord(f *testing.F)            { fuzz(f) }
func FuzzMultiHeader(f *testing.F)          { fuzz(f) }
func FuzzMultiRequest(f *testing.F)         { fuzz(f) }
func FuzzMultiResponse(f *testing.F)        { fuzz(f) }
func FuzzPathKind(f *testing.F)             { fuzz(f) }
func FuzzPathRecord(f *testing.F)           { fuzz(f) }
func FuzzPathVersion(f *testing.F)          { fuzz(f) }
func FuzzPathWatch(f *testing.F)            { fuzz(f) }
func FuzzReconfigRequest(f *testing.F)      { fuzz(f) }
func FuzzReplyHeader(f *testing.F)          { fuzz(f) }
func FuzzRequestHeader(f *testing.F)        { fuzz(f) }
func FuzzSASLToken(f *testing.F)            { fuzz(f) }
func FuzzSetACLRequest(f *testing.F)        { fuzz(f) }
func FuzzSetDataRequest(f *testing.F)       { fuzz(f) }
func FuzzSetWatches(f *testing.F)           { fuzz(f) }
func FuzzSetWatches2(f *testing.F)          { fuzz(f) }
func FuzzStat(f *testing.F)                 { fuzz(f) }
func FuzzStringsRecord(f *testing.F)        { fuzz(f) }
func FuzzWatcherEvent(f *testing.F)         { fuzz(f) }
func FuzzWhoAmIResponse(f *testing.F)       { fuzz(f) }

// fuzz checks that a decoder takes any bytes without a panic, allocates no more
// than a small multiple of them, and reads back what it has written.
func fuzz(f *testing.F) {
	m := makerOf(f, strings.TrimPrefix(f.Name(), "Fuzz"))
	for seed := range 8 {
		b := m.any.Example(seed).AppendTo(nil)
		f.Add(b)
		f.Add(b[:len(b)*seed/8])
	}
	f.Add([]byte("\x7f\xff\xff\xff\x7f\xff\xff\xff\x7f\xff\xff\xff"))
	f.Fuzz(func(t *testing.T, b []byte) {
		rec := m.new()
		before := allocated()
		_, err := decode(rec, b)
		got := allocated() - before
		require.LessOrEqual(t, got, 64<<10+multiple(m.name)*uint64(len(b)),
			"decoding %d bytes allocates a small multiple of them", len(b))
		if err == nil {
			requireStable(t, m, rec)
		}
	})
}

// multiple is how many bytes a byte of a frame may cost. The shortest item of
// a vector is 4 bytes and becomes a string header of 16; a result of a multi
// is 9 and becomes 144, in a slice that grows as results come.
func multiple(name string) uint64 {
	if strings.HasPrefix(name, "Multi") {
		return 100
	}
	return 20
}

func requireStable(t *testing.T, m maker, rec Record) {
	b := rec.AppendTo(nil)
	again := m.new()
	rest, err := decode(again, b)
	require.NoError(t, err, "a record reads what it wrote")
	require.Empty(t, rest)
	written := again.AppendTo(nil)
	if len(written) == len(b) && string(written) == string(b) {
		require.Equal(t, normal(rec), normal(again), "decode, encode and decode again changes nothing")
		return
	}
	// As in Java a character beyond U+FFFF does not survive one round.
	require.Contains(t, string(b), "\xed", "encoding is stable")
	last := m.new()
	_, err = decode(last, written)
	require.NoError(t, err)
	require.Equal(t, normal(again), normal(last), "what has been around once stays as it is")
}

func allocated() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.TotalAlloc
}
