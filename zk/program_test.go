package zk

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/fakezk"
)

// Random programs of calls that wait, futures and transactions, of which some
// are given up at any time, over a connection that is cut again and again. Each
// call ends once and with a result that its place in the order of the calls
// allows, and nothing is left behind, neither here nor at the server.
func TestRandomPrograms(t *testing.T) {
	seeds := []uint64{rand.Uint64()}
	for i := range uint64(20) {
		seeds = append(seeds, i)
	}
	for _, seed := range seeds {
		t.Run(strconv.FormatUint(seed, 10), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { randomProgram(t, seed) })
		})
	}
}

func randomProgram(t *testing.T, seed uint64) {
	e := fakezk.New(t, fakezk.Latency(seed, time.Millisecond, 20*time.Millisecond))
	opts := []Option{Dialer(e.DialContext), Seed(seed)}
	if seed%2 == 0 {
		opts = append(opts, RequestTimeout(300*time.Millisecond))
	}
	c, err := Dial(t.Context(), e.ConnectString(), opts...)
	require.NoError(t, err)
	t.Cleanup(func() { c.Close() })
	session := c.Session()

	var all sync.WaitGroup
	actors := make([]*actor, 4)
	for i := range actors {
		a := &actor{t: t, c: c, path: fmt.Sprint("/", i), draw: rand.New(rand.NewPCG(seed, uint64(i)))}
		actors[i] = a
		_, _, err := c.Create(t.Context(), a.path, []byte("0"), Persistent)
		require.NoError(t, err)
		all.Go(a.run)
	}
	draw := rand.New(rand.NewPCG(seed, 99))
	cuts := 0
	for range 10 {
		time.Sleep(time.Duration(draw.Int64N(int64(300 * time.Millisecond))))
		if e.Disconnect(session.ID()) == nil {
			cuts++
		}
	}
	all.Wait()
	for c.Sync(t.Context(), "/") != nil { // the latest cut may not have been noticed
	}
	synctest.Wait()
	require.Positive(t, cuts)
	require.Equal(t, session, c.Session())
	for _, a := range actors {
		a.closeWatches()
	}
	require.NoError(t, c.Sync(t.Context(), "/"))
	require.NoError(t, c.Sync(t.Context(), "/")) // behind what the answers of the first have caused
	synctest.Wait()
	require.Empty(t, c.leftovers())
	require.Empty(t, e.Watches())
	require.NoError(t, c.Close())
	for _, a := range actors {
		a.check()
	}
}

// An actor is alone to write its node, a greater number each time.
type actor struct {
	t       *testing.T
	c       *Conn
	path    string
	draw    *rand.Rand
	steps   []*step
	written int // by the latest call that sets

	mu      sync.Mutex // guards all below
	watches []io.Closer
}

// A step is one call. Its results are set when it has ended.
type step struct {
	set    int // what it writes, 0 if it does not
	before int // what the latest write before it writes
	read   bool

	ended int // times
	err   error
	got   int // what it has read
}

func (a *actor) run() {
	for range 200 {
		s := &step{before: a.written}
		a.steps = append(a.steps, s)
		ctx, cancel := context.WithTimeout(context.Background(), a.upTo(100*time.Millisecond))
		if a.draw.IntN(2) == 0 {
			a.later(s)
		} else {
			a.now(ctx, s)
		}
		cancel()
		if a.draw.IntN(4) == 0 {
			time.Sleep(a.upTo(20 * time.Millisecond))
		}
	}
}

func (a *actor) upTo(d time.Duration) time.Duration { return time.Duration(a.draw.Int64N(int64(d))) }

// write is what s is to write.
func (a *actor) write(s *step) []byte {
	a.written++
	s.set = a.written
	return strconv.AppendInt(nil, int64(s.set), 10)
}

// now makes a call that waits.
func (a *actor) now(ctx context.Context, s *step) {
	var data []byte
	switch a.draw.IntN(8) {
	case 0, 1:
		_, s.err = a.c.Set(ctx, a.path, a.write(s), AnyVersion)
	case 2:
		tx := a.c.Txn()
		tx.Check(a.path, AnyVersion)
		set := tx.Set(a.path, a.write(s), AnyVersion)
		s.err = tx.Commit(ctx)
		if (s.err == nil) != (set.Err == nil) || NotSent(s.err) != NotSent(set.Err) {
			a.t.Errorf("transaction: %v, its operation: %v", s.err, set.Err)
		}
	case 3:
		var w *Watch
		s.read = true
		data, _, w, s.err = a.c.GetW(ctx, a.path)
		a.keep(s.err == nil, w)
	case 4:
		var w *PersistentWatch
		w, s.err = a.c.AddWatch(ctx, a.path, WatchPersistent)
		a.keep(s.err == nil, w)
	case 5:
		_, _, s.err = a.c.Exists(ctx, "/none")
	default:
		s.read = true
		data, _, s.err = a.c.Get(ctx, a.path)
	}
	a.end(s, data, s.err)
}

// later makes a call that does not wait, and may give it up.
func (a *actor) later(s *step) {
	async := a.c.Async()
	var cancel func() bool
	switch a.draw.IntN(8) {
	case 0, 1:
		f := async.Set(a.path, a.write(s), AnyVersion)
		f.OnDone(func(_ Stat, err error) { a.end(s, nil, err) })
		cancel = f.Cancel
	case 2:
		tx := a.c.Txn()
		set := tx.Set(a.path, a.write(s), AnyVersion)
		f := async.Commit(tx)
		f.OnDone(func(_ struct{}, err error) {
			if (err == nil) != (set.Err == nil) {
				a.t.Errorf("transaction: %v, its operation: %v", err, set.Err)
			}
			a.end(s, nil, err)
		})
		cancel = f.Cancel
	case 3:
		s.read = true
		f := async.GetW(a.path)
		f.OnDone(func(got Got, err error) { a.keep(err == nil, got.Watch); a.end(s, got.Data, err) })
		cancel = f.Cancel
	case 4:
		f := async.ExistsW("/none" + a.path[1:])
		f.OnDone(func(found Found, err error) { a.keep(err == nil, found.Watch); a.end(s, nil, err) })
		cancel = f.Cancel
	case 5:
		f := async.ChildrenW(a.path)
		f.OnDone(func(listed Listed, err error) { a.keep(err == nil, listed.Watch); a.end(s, nil, err) })
		cancel = f.Cancel
	default:
		s.read = true
		f := async.Get(a.path)
		f.OnDone(func(got Got, err error) { a.end(s, got.Data, err) })
		cancel = f.Cancel
	}
	switch a.draw.IntN(6) {
	case 0:
		cancel()
	case 1:
		time.Sleep(a.upTo(30 * time.Millisecond))
		cancel()
	}
}

func (a *actor) end(s *step, data []byte, err error) {
	s.ended++
	s.err = err
	if s.read && err == nil {
		s.got, _ = strconv.Atoi(string(data))
	}
}

// keep notes a watch that is armed.
func (a *actor) keep(armed bool, w io.Closer) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if armed {
		a.watches = append(a.watches, w)
	}
}

func (a *actor) closeWatches() {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, w := range a.watches {
		require.NoError(a.t, w.Close())
	}
}

// check judges the steps, which were sent in the order in which they are.
func (a *actor) check() {
	least := 0 // the latest write that has succeeded
	unsent := map[int]bool{}
	for i, s := range a.steps {
		require.Equal(a.t, 1, s.ended, "step %d of %s ends once", i, a.path)
		if s.err != nil && !errors.Is(s.err, ErrConnectionLoss) && !errors.Is(s.err, context.Canceled) && !errors.Is(s.err, context.DeadlineExceeded) {
			require.NoError(a.t, s.err)
		}
		switch {
		case s.set > 0 && s.err == nil:
			least = s.set
		case s.set > 0 && NotSent(s.err):
			unsent[s.set] = true
		case s.read && s.err == nil:
			require.GreaterOrEqual(a.t, s.got, least, "step %d of %s reads what was written before", i, a.path)
			require.LessOrEqual(a.t, s.got, s.before, "step %d of %s reads nothing that was written later", i, a.path)
			require.False(a.t, unsent[s.got], "what was not sent is not there")
		}
	}
}
