//go:build linux

package wire

import (
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/internal/memnet"
)

// awaiting has a goroutine wait for its turn, which it then keeps.
func awaiting(turn Turn) (has chan struct{}) {
	has = make(chan struct{})
	go func() {
		turn.Await()
		close(has)
	}()
	return has
}

// take waits until the reader waits.
func take(t *testing.T, turn Turn) {
	require.Eventually(t, turn.Take, time.Minute, time.Millisecond)
}

func requireWaits(t *testing.T, has chan struct{}) {
	t.Helper()
	select {
	case <-has:
		t.Fatal("the reader has the turn")
	case <-time.After(20 * time.Millisecond):
	}
}

func TestTurnIsTheReadersWhenThereIsSomethingToRead(t *testing.T) {
	conn, peer := tcpPair(t)
	turn := NewTurn(conn)
	defer turn.Close()
	require.False(t, turn.Take(), "who made it has it")
	has := awaiting(turn)
	requireWaits(t, has)
	peer.Write([]byte{1})
	<-has
	require.False(t, turn.Take(), "the reader has it")
	conn.Read(make([]byte, 1))
	has = awaiting(turn)
	requireWaits(t, has)
	peer.Close()
	<-has
}

func TestTurnTakenWakesNoReader(t *testing.T) {
	conn, peer := tcpPair(t)
	turn := NewTurn(conn)
	defer turn.Close()
	has := awaiting(turn)
	for range 100 {
		take(t, turn)
		require.False(t, turn.Take(), "it is taken")
		peer.Write([]byte{1})
		_, err := conn.Read(make([]byte, 1))
		require.NoError(t, err)
		turn.Give()
	}
	requireWaits(t, has)

	take(t, turn)
	peer.Write([]byte{1, 2})
	conn.Read(make([]byte, 1))
	requireWaits(t, has)
	turn.Give() // and leaves a byte
	<-has
}

func TestTurnEndsWithTheConnection(t *testing.T) {
	conn, _ := tcpPair(t)
	turn := NewTurn(conn)
	has := awaiting(turn)
	take(t, turn)
	conn.Close()
	turn.Close()
	requireWaits(t, has) // two never read at a time
	turn.Give()
	<-has
	require.Nil(t, NewTurn(conn))
}

func TestTurnIsForTCPOnly(t *testing.T) {
	var network memnet.Network
	l, err := network.Listen("a:1")
	require.NoError(t, err)
	defer l.Close()
	conn, err := network.DialContext(t.Context(), "tcp", "a:1")
	require.NoError(t, err)
	defer conn.Close()
	require.Nil(t, NewTurn(conn))
}

// No byte waits for ever, whoever reads it, and two never read at a time.
func TestTurnLosesNoWakeUp(t *testing.T) {
	conn, peer := tcpPair(t)
	turn := NewTurn(conn)
	const bytes = 5000
	var left atomic.Int64
	left.Store(bytes)
	var reading atomic.Int32
	all := make(chan struct{})
	read := func() {
		if reading.Add(1) != 1 {
			t.Error("two read at a time")
		}
		n, _ := conn.Read(make([]byte, 1+rand.IntN(3)))
		if n > 0 && left.Add(-int64(n)) == 0 {
			close(all)
		}
		reading.Add(-1)
	}
	var others sync.WaitGroup
	for range 2 {
		others.Go(func() {
			for left.Load() > 0 {
				if turn.Take() {
					conn.SetReadDeadline(time.Now().Add(time.Duration(rand.IntN(50)) * time.Microsecond))
					read()
					turn.Give()
				}
				time.Sleep(time.Duration(rand.IntN(20)) * time.Microsecond)
			}
		})
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for left.Load() > 0 {
			turn.Await()
			conn.SetReadDeadline(time.Now().Add(time.Second))
			read()
		}
	}()
	go func() {
		for range bytes {
			peer.Write([]byte{1})
			if rand.IntN(4) == 0 {
				time.Sleep(time.Duration(rand.IntN(100)) * time.Microsecond)
			}
		}
	}()
	select {
	case <-all:
	case <-time.After(time.Minute):
		t.Errorf("%d bytes are not read", left.Load())
	}
	conn.Close()
	turn.Close()
	others.Wait()
	<-done
}

func TestTurnAllocatesNothing(t *testing.T) {
	conn, _ := tcpPair(t)
	turn := NewTurn(conn)
	has := awaiting(turn)
	take(t, turn)
	turn.Give()
	require.Zero(t, testing.AllocsPerRun(100, func() {
		if turn.Take() {
			turn.Give()
		}
	}))
	conn.Close()
	turn.Close()
	<-has
}
