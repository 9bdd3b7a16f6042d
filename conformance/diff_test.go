package conformance

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

var (
	diffN        = flag.Int("diff.n", 2000, "operations of random programs on fake and real server")
	diffSeed     = flag.Uint64("diff.seed", uint64(time.Now().UnixNano()), "of the random programs")
	diffPairs    = flag.Int("diff.pairs", 2, "pairs of servers side by side")
	diffLength   = flag.Int("diff.length", 60, "most steps of a program, about")
	diffServer   = flag.String("diff.server", "", "properties of all servers; the default is several configurations in turn")
	diffProgress = flag.Bool("diff.progress", false, "tell how far it is")
	diffKeep     = flag.String("diff.keep", "", "folder that takes differences as cases")
)

// quietLog has a real server log errors only: it takes half of its time.
const quietLog = "org.slf4j.simpleLogger.defaultLogLevel=error"

// TestDiff runs random programs on the fake and on a real server, in lock step.
func TestDiff(t *testing.T) {
	opts := []DiffOption{DiffSeed(*diffSeed), DiffPairs(*diffPairs), DiffLength(*diffLength), DiffKeep(*diffKeep)}
	if *diffServer != "" {
		opts = append(opts, DiffServer(strings.Fields(*diffServer)...))
	}
	if *diffProgress {
		opts = append(opts, DiffProgress(os.Stderr))
	}
	column, err := columnOf(*version)
	require.NoError(t, err)
	oracle := Java(column, 1)
	start := oracle.Start
	oracle.Start = func(t testing.TB, properties []string) Server {
		return start(t, append(properties, quietLog))
	}
	Diff(t, oracle, Fake(column), *diffN, opts...)
}

// diffFailures runs a diff whose failures are not the test's.
func diffFailures(t *testing.T, oracle, candidate Target, n int, opts ...DiffOption) (told []string) {
	d, err := newDiff(oracle, candidate, opts)
	require.NoError(t, err)
	var mu sync.Mutex
	d.fail = func(_ *testing.T, format string, args ...any) {
		mu.Lock()
		defer mu.Unlock()
		told = append(told, fmt.Sprintf(format, args...))
	}
	d.run(t, n)
	return told
}

func TestDiffOfTwoFakes(t *testing.T) {
	var progress bytes.Buffer
	Diff(t, Fake(""), Fake(""), 5000, DiffSeed(1), DiffProgress(&progress))
}

// What Diff finds it makes short, and keeps as a case that the oracle passes.
func TestDiffShrinksAndKeeps(t *testing.T) {
	dir := t.TempDir()
	told := diffFailures(t, Fake(""), tampering(Fake(""), "s0000000001", "s0000000002"), 20000, DiffSeed(1), DiffKeep(dir), DiffPairs(1))
	require.NotEmpty(t, told)
	require.Contains(t, told[0], "--- oracle")
	files, err := filepath.Glob(dir + "/*.txt")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	text, err := os.ReadFile(files[0])
	require.NoError(t, err)
	cases, err := parseCases(string(text))
	require.NoError(t, err)
	require.Len(t, cases, 1)
	require.Less(t, len(cases[0].steps), 20, "%s", text)
	c := &cases[0]
	c.random = true
	require.NoError(t, c.play(newRun(t, Fake("").Start(t, c.server), "/again"), func(s *step, got string) bool {
		require.Equal(t, s.usual, got, s.line)
		return true
	}))
}

func TestDiffTellsOfAServerThatDies(t *testing.T) {
	told := diffFailures(t, mortal(Fake(""), "zookeeper_limits"), Fake(""), 20000, DiffSeed(1), DiffPairs(1),
		DiffServer("extendedTypesEnabled=true"))
	require.Len(t, told, 1)
	require.Contains(t, told[0], "the oracle (fake ) has not survived this program: "+errDead.Error())
	require.Contains(t, told[0], "zookeeper_limits")
}

var errDead = errors.New("connection refused")

// mortal is a target whose servers end with the first request that has some
// bytes.
func mortal(tg Target, poison string) Target {
	start := tg.Start
	tg.Start = func(t testing.TB, properties []string) Server {
		return &mortalServer{Server: start(t, properties), poison: []byte(poison)}
	}
	return tg
}

type mortalServer struct {
	Server
	poison []byte
	dead   atomic.Bool
}

func (s *mortalServer) Dial(ctx context.Context, member int, port Port) (net.Conn, error) {
	if s.dead.Load() {
		return nil, errDead
	}
	nc, err := s.Server.Dial(ctx, member, port)
	return mortalConn{nc, s}, err
}

type mortalConn struct {
	net.Conn
	s *mortalServer
}

func (c mortalConn) Write(b []byte) (int, error) {
	if bytes.Contains(b, c.s.poison) {
		c.s.dead.Store(true)
	}
	if c.s.dead.Load() {
		c.Conn.Close()
	}
	return c.Conn.Write(b)
}

func TestShrinkKeepsWhatMatters(t *testing.T) {
	steps := []string{
		"c1: connect to=20000", "c2: getData ~ watch", "c1: pipe create ~/a x flags=1 | setData ~ y v=0 | ping", "flush", "c2: multi check ~ | delete ~/a",
	}
	s := shrinker{until: time.Now().Add(time.Minute), differs: func(steps []string) *outcome {
		all := strings.Join(steps, "\n")
		if strings.Contains(all, "setData ~ y") && strings.Contains(all, "delete ~/a") {
			return &outcome{}
		}
		return nil
	}}
	require.Equal(t, []string{"c1: pipe setData ~ y", "c2: multi delete ~/a"}, s.run(steps))
}
