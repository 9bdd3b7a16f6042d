package javazk

import (
	"bytes"
	"encoding/binary"
	"net"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/internal/backend"
)

func TestClaimsAreExclusive(t *testing.T) {
	seen := map[string]bool{}
	for range 200 {
		c, err := newClaim()
		require.NoError(t, err)
		t.Cleanup(func() { c.held.Close() })
		at := hostPort(c.host, c.base)
		require.False(t, seen[at], "%s is claimed twice", at)
		seen[at] = true
		_, err = net.Listen("tcp4", at)
		require.Error(t, err, "a claim does not hold")
	}
}

// A stranger who listens on all addresses has the port at each.
func TestClaimNoticesStrangers(t *testing.T) {
	c, err := newClaim()
	require.NoError(t, err)
	defer c.held.Close()
	require.NoError(t, allFree(c.host, c.base))
	stranger, err := net.Listen("tcp4", hostPort("0.0.0.0", c.site().quorumPort))
	require.NoError(t, err)
	defer stranger.Close()
	require.Error(t, allFree(c.host, c.base))
}

// A stranger who comes after the claim has the ensemble take other ports.
func TestBootAgainOnOtherPorts(t *testing.T) {
	tries := 0
	start(t, backend.Spec{Servers: 1}, func(s backend.Spec) (network, error) {
		l, err := newLoopback(1, true, "")
		require.NoError(t, err)
		if tries++; tries == 1 {
			stranger, err := net.Listen("tcp4", hostPort("0.0.0.0", l.site(0).client))
			require.NoError(t, err)
			t.Cleanup(func() { stranger.Close() })
		}
		return l, nil
	})
	require.Equal(t, 2, tries)
}

// A greeting of an election names the relay's address in place of the
// member's own, and goes through as it is where it names none.
func TestGreetings(t *testing.T) {
	l, err := newLoopback(2, false, "")
	require.NoError(t, err)
	defer func() { require.NoError(t, l.close()) }()
	own, back := l.site(0), l.peer(1, 0)
	require.NotEqual(t, own.electionPort, back.election)
	greeting := func(addresses string) []byte {
		version, id := int64(-65535), int64(1)
		b := binary.BigEndian.AppendUint64(nil, uint64(version))
		b = binary.BigEndian.AppendUint64(b, uint64(id))
		b = binary.BigEndian.AppendUint32(b, uint32(len(addresses)))
		return append(b, addresses...)
	}
	for _, tc := range []struct{ said, heard []byte }{
		{[]byte("\x00\x00\x00\x00\x00\x00\x00\x01"), []byte("\x00\x00\x00\x00\x00\x00\x00\x01")},
		{greeting(""), greeting("")},
		{greeting(hostPort(own.peerHost, own.electionPort)), greeting(hostPort(back.host, back.election))},
		{greeting("10.1.1.1:3888"), greeting("10.1.1.1:3888")},
	} {
		var heard bytes.Buffer
		require.NoError(t, l.relays.announceRelay([2]int{0, 1}, bytes.NewReader(tc.said), &heard))
		require.Equal(t, tc.heard, heard.Bytes())
		for cut := range tc.said {
			require.Error(t, l.relays.announceRelay([2]int{0, 1}, bytes.NewReader(tc.said[:cut]), &bytes.Buffer{}))
		}
	}
	long := greeting(strings.Repeat("x", 5000))
	require.Error(t, l.relays.announceRelay([2]int{0, 1}, bytes.NewReader(long), &bytes.Buffer{}))
}
