//go:build linux

package javazk

import (
	"context"
	"errors"
	"io/fs"
	"net"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/internal/testenv"
)

func makeNamespaces(t testenv.TB, n int) *namespaces {
	t.Helper()
	made, err := newNamespaces(make([]int, n))
	if errors.Is(err, fs.ErrPermission) {
		testenv.Missing(t, "the right to make network namespaces", "running as root")
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { made.close() })
	return made.(*namespaces)
}

// What is between groups is lost in silence, and a connection survives that.
func TestCables(t *testing.T) {
	n := makeNamespaces(t, 3)
	var l net.Listener
	require.NoError(t, n.enter(1, func() (err error) {
		l, err = net.Listen("tcp4", "10.0.0.2:1")
		return err
	}))
	defer l.Close()
	dial := func(from int, patience time.Duration) (net.Conn, error) {
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		defer cancel()
		return dialIn(ctx, n, from, "10.0.0.2:1")
	}
	kept, err := dial(0, 10*time.Second)
	require.NoError(t, err)
	defer kept.Close()
	accepted, err := l.Accept()
	require.NoError(t, err)
	defer accepted.Close()

	require.NoError(t, n.partition([]int{0, 1, 1}))
	_, err = dial(0, 100*time.Millisecond)
	timeout, ok := errors.AsType[net.Error](err)
	require.True(t, ok && timeout.Timeout(), "not silence, but %v", err)
	other, err := dial(2, 10*time.Second)
	require.NoError(t, err, "the others hear each other")
	other.Close()
	_, err = kept.Write([]byte("x"))
	require.NoError(t, err)
	require.NoError(t, accepted.SetReadDeadline(time.Now().Add(100*time.Millisecond)))
	_, err = accepted.Read(make([]byte, 1))
	require.ErrorIs(t, err, os.ErrDeadlineExceeded)

	require.NoError(t, n.partition([]int{0, 0, 0}))
	require.NoError(t, accepted.SetReadDeadline(time.Now().Add(20*time.Second)))
	_, err = accepted.Read(make([]byte, 1))
	require.NoError(t, err, "what was sent meanwhile comes late")
}

// However many threads enter a namespace, all come back.
func TestThreadsComeHome(t *testing.T) {
	n := makeNamespaces(t, 2)
	home, err := os.Readlink(ownNamespace)
	require.NoError(t, err)
	var all sync.WaitGroup
	for i := range 200 {
		all.Go(func() {
			var there string
			if err := n.enter(i%2, func() (err error) {
				there, err = os.Readlink(ownNamespace)
				return err
			}); err != nil || there == home {
				t.Errorf("entered %s: %v", there, err)
			}
			if back, err := os.Readlink(ownNamespace); err != nil || back != home {
				t.Errorf("at home in %s, %v; want %s", back, err, home)
			}
		})
	}
	all.Wait()
	require.NoError(t, n.close())
	require.ErrorIs(t, n.enter(0, func() error { return nil }), errClosed)
}

func BenchmarkNamespacesOf3(b *testing.B) {
	for b.Loop() {
		if err := makeNamespaces(b, 3).close(); err != nil {
			b.Fatal(err)
		}
	}
}
