package zk_test

import (
	"context"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/fakezk"
	"github.com/zookit/zookit/internal/javazk"
	"github.com/zookit/zookit/zk"
)

// A scene is a server with a thief before it, for one case of a test.
type scene struct {
	*testing.T
	thief   *thief
	other   *zk.Conn // goes past the thief
	connect string
	dir     string // a node of the case's own
}

// A sceneCase is one of several that a test plays on each server.
type sceneCase struct {
	name string
	f    func(s scene)
}

func playScene(t *testing.T, f func(scene), connect string, base func(ctx context.Context, network, addr string) (net.Conn, error)) {
	s := scene{T: t, thief: &thief{base: base}, connect: connect}
	s.other = dial(t, connect, zk.Dialer(base), zk.SessionTimeout(4*time.Second))
	s.dir = "/" + strings.NewReplacer("/", "-", " ", "-", ",", "").Replace(t.Name())
	_, _, err := s.other.Create(t.Context(), s.dir, nil, zk.Persistent)
	require.NoError(t, err)
	f(s)
}

// What each server is told.
var (
	serverConfig = []string{"extendedTypesEnabled=true", "enforceQuota=true"}
	serverFlags  = []string{"-Dznode.container.checkIntervalMs=100"}
)

// playFake plays each case on a fake of its own.
func playFake(t *testing.T, cases []sceneCase) {
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				e := fakezk.New(t, fakezk.TickTime(200*time.Millisecond), fakezk.Config(serverConfig...), fakezk.JVMFlags(serverFlags...))
				playScene(t, tc.f, e.ConnectString(), e.DialContext)
			})
		})
	}
}

// playReal plays all cases on one real server.
func playReal(t *testing.T, cases []sceneCase, version string) {
	server := javazk.Start(t, javazk.Version(version), javazk.TickTime(200),
		javazk.Config(serverConfig...), javazk.JVM(serverFlags...))
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) { playScene(t, tc.f, server.Addr(), new(net.Dialer).DialContext) })
	}
}

// client is a client whose line the thief watches.
func (s scene) client(opts ...zk.Option) *zk.Conn {
	s.Helper()
	c, err := zk.Dial(s.Context(), s.connect, append([]zk.Option{zk.Dialer(s.thief.dial), zk.SessionTimeout(time.Second)}, opts...)...)
	require.NoError(s, err)
	s.Cleanup(func() { c.Close() })
	return c
}

// soon is a policy that tries until the context ends.
var soon = zk.Backoff{Base: 5 * time.Millisecond, Max: 50 * time.Millisecond, Jitter: 0.5}

// children waits until there are so many, and returns them.
func (s scene) children(dir string, want int) (names []string) {
	s.Helper()
	for range 1000 {
		require.NoError(s, s.other.Sync(context.Background(), dir))
		var err error
		names, err = s.other.ChildNames(context.Background(), dir)
		require.NoError(s, err)
		if len(names) == want {
			return names
		}
		time.Sleep(10 * time.Millisecond)
	}
	require.Len(s, names, want)
	return nil
}

// staysAt is children, and again after a while in which something else could
// happen.
func (s scene) staysAt(dir string, want int) []string {
	s.Helper()
	s.children(dir, want)
	time.Sleep(100 * time.Millisecond)
	return s.children(dir, want)
}
