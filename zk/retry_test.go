package zk

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/internal/proto"
)

// errLost is what plain calls fail with when the connection is lost.
var errLost = &Error{Op: "get", Path: "/n", Err: &lossError{io.EOF}, fate: unknown}

// failing counts calls that fail with errs in turn, and then with the last of
// them for ever; nil is success.
func failing(errs ...error) (f func(context.Context) error, calls *[]time.Duration) {
	began := time.Now()
	calls = new([]time.Duration)
	return func(context.Context) error {
		*calls = append(*calls, time.Since(began))
		return errs[min(len(*calls), len(errs))-1]
	}, calls
}

func TestRetryPolicies(t *testing.T) {
	const s, ms = time.Second, time.Millisecond
	for _, tc := range []struct {
		name   string
		policy RetryPolicy
		errs   []error
		want   []time.Duration // when the calls are made
	}{
		{"never", RetryNever(), []error{errLost}, []time.Duration{0}},
		{"once", RetryOnce(s), []error{errLost}, []time.Duration{0, s}},
		{"3 times are 4 calls", RetryTimes(3, s), []error{errLost}, []time.Duration{0, s, 2 * s, 3 * s}},
		{"0 times is one call", RetryTimes(0, s), []error{errLost}, []time.Duration{0}},
		{"-1 times is one call", RetryTimes(-1, s), []error{errLost}, []time.Duration{0}},
		{"success ends it", RetryForever(s), []error{errLost, errLost, nil}, []time.Duration{0, s, 2 * s}},
		{"what does not pass ends it", RetryForever(s), []error{errLost, ErrNoNode}, []time.Duration{0, s}},
		{"expiry does not pass", RetryForever(s), []error{ErrSessionExpired}, []time.Duration{0}},
		{"expiry if asked for", RetryAlso(RetryTimes(1, s), ErrSessionExpired), []error{ErrSessionExpired, errLost}, []time.Duration{0, s}},
		{"but what is excepted", RetryNot(RetryAlso(RetryForever(s), ErrSessionExpired), ErrConnectionLoss), []error{ErrSessionExpired, errLost}, []time.Duration{0, s}},
		{"only what is chosen", RetryIf(RetryForever(s), func(err error) bool { return errors.Is(err, ErrNoNode) }), []error{ErrNoNode, errLost}, []time.Duration{0, s}},
		{"closed is the end", RetryAlso(RetryForever(s), ErrClosed), []error{ErrClosed}, []time.Duration{0}},
		{"so is a refused credential", RetryIf(RetryForever(s), func(error) bool { return true }), []error{&Error{Err: ErrAuthFailed}}, []time.Duration{0}},
		{"a loss because of Close is final", RetryForever(s), []error{&Error{Err: errors.Join(ErrConnectionLoss, ErrClosed)}}, []time.Duration{0}},
		{"session moved", RetryTimes(1, s), []error{ErrSessionMoved}, []time.Duration{0, s}},
		{"operation timeout", RetryTimes(1, s), []error{ErrOperationTimeout}, []time.Duration{0, s}},
		{"back-off", RetryLimit(5, Backoff{Base: s, Max: 5 * s}), []error{errLost}, []time.Duration{0, s, 3 * s, 7 * s, 12 * s, 17 * s}},
		{"the first pause is capped too", RetryLimit(1, Backoff{Base: time.Hour, Max: s}), []error{errLost}, []time.Duration{0, s}},
		{"back-off by default", RetryLimit(3, Backoff{}), []error{errLost}, []time.Duration{0, 100 * ms, 300 * ms, 700 * ms}},
		{"steady back-off", RetryLimit(3, Backoff{Base: s, Factor: 1}), []error{errLost}, []time.Duration{0, s, 2 * s, 3 * s}},
		{"until elapsed", RetryFor(2500*ms, RetryForever(s)), []error{errLost}, []time.Duration{0, s, 2 * s, 2500 * ms}},
		{"elapsed at once", RetryFor(0, RetryForever(s)), []error{errLost}, []time.Duration{0}},
		{"limits of both kinds", RetryLimit(1, RetryFor(time.Hour, RetryForever(s))), []error{errLost}, []time.Duration{0, s}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f, calls := failing(tc.errs...)
				err := Retry(t.Context(), tc.policy, f)
				require.Equal(t, tc.want, *calls)
				require.ErrorIs(t, err, tc.errs[min(len(*calls), len(tc.errs))-1])
			})
		})
	}
}

func TestBackoffNeverOverflows(t *testing.T) {
	b := Backoff{Base: time.Second, Max: 1 << 62, Factor: 10}
	for _, n := range []int{20, 1000, 1 << 62} {
		pause, again := b.Retry(Try{N: n})
		require.True(t, again)
		require.EqualValues(t, 1<<62, pause)
	}
}

// The pause is drawn from the whole range each time, and never beyond Max:
// where each pause is made of the one before, jitter multiplies.
func TestJitterDoesNotCompound(t *testing.T) {
	b := Backoff{Base: time.Second, Max: 4 * time.Second, Jitter: 0.5}
	draw := rand.New(rand.NewPCG(1, 2))
	var least, most [6]time.Duration
	for range 10000 {
		for n := 1; n < len(least); n++ {
			pause, _ := b.Retry(Try{N: n, Rand: draw})
			if least[n] == 0 || pause < least[n] {
				least[n] = pause
			}
			most[n] = max(most[n], pause)
		}
	}
	for n, full := range []time.Duration{1: time.Second, 2 * time.Second, 4 * time.Second, 4 * time.Second, 4 * time.Second} {
		if n > 0 {
			require.InDelta(t, full/2, least[n], float64(full)/100)
			require.InDelta(t, full, most[n], float64(full)/100)
			require.LessOrEqual(t, most[n], full)
		}
	}
}

func TestPausesRepeatBySeed(t *testing.T) {
	pauses := func(seed uint64) (all []time.Duration) {
		inBubble(t, 1, func(t *testing.T, s *script) {
			c, p := s.start(Seed(seed), CommandRetry(RetryLimit(5, Backoff{Jitter: 1})))
			go p.answerAll()
			for range 3 {
				f, calls := failing(errLost)
				require.Error(t, c.Retry(bg, f))
				all = append(all, *calls...)
			}
		})
		return all
	}
	one := pauses(1)
	require.Equal(t, one, pauses(1))
	require.NotEqual(t, one, pauses(2))
	require.NotEqual(t, one[:6], one[6:12], "each run draws anew")
}

func TestContextEndsThePause(t *testing.T) {
	cause := errors.New("enough")
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		ctx, cancel := context.WithCancelCause(t.Context())
		time.AfterFunc(1234567*time.Nanosecond, func() { cancel(cause) })
		f, calls := failing(errLost)
		err := Retry(ctx, RetryForever(time.Hour), f)
		require.Equal(t, 1234567*time.Nanosecond, time.Since(began), "to the nanosecond")
		require.Len(t, *calls, 1)
		require.ErrorIs(t, err, context.Canceled)
		require.ErrorIs(t, err, cause)
		require.ErrorIs(t, err, ErrConnectionLoss, "and why there was a pause")
		require.True(t, MayHaveApplied(err))
		require.EqualError(t, err, "zk: retry: gave up after 1 tries in 1.234567ms (context canceled: enough): zk: get /n: connection loss: EOF")
	})
}

func TestPauseBeyondTheDeadlineIsNotBegun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		f, calls := failing(errLost)
		err := Retry(ctx, RetryForever(time.Second), f)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.ErrorIs(t, err, ErrConnectionLoss)
		require.Len(t, *calls, 3)
		require.Equal(t, 2*time.Second, time.Since(began))
		e, ok := errors.AsType[*RetryError](err)
		require.True(t, ok)
		require.Equal(t, &RetryError{Tries: 3, Elapsed: 2 * time.Second, Err: errLost, Ended: context.DeadlineExceeded}, e)
	})
}

func TestErrorOfGivingUp(t *testing.T) {
	plain := errors.New("plain")
	waited := &Error{Op: "get", Path: "/n", Err: ErrOperationTimeout, fate: unsent}
	for _, tc := range []struct {
		errs    []error
		want    string
		applied bool
		notSent bool
	}{
		{[]error{ErrNoNode}, "node does not exist", false, false},
		{[]error{errLost, plain}, "zk: retry: gave up after 2 tries in 1s: plain", true, false},
		{[]error{waited, waited, ErrNoNode}, "zk: retry: gave up after 3 tries in 2s: node does not exist", false, false},
		{[]error{waited, &Error{Op: "create", Path: "/n", Err: ErrNodeExists}}, "zk: retry: gave up after 2 tries in 1s: zk: create /n: node exists", false, false},
		{[]error{waited}, "zk: retry: gave up after 6 tries in 5s: zk: get /n: operation timeout", false, true},
		{[]error{errLost, waited}, "zk: retry: gave up after 6 tries in 5s: zk: get /n: operation timeout", true, false},
	} {
		t.Run(tc.want, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f, _ := failing(tc.errs...)
				err := Retry(t.Context(), RetryTimes(5, time.Second), f)
				require.EqualError(t, err, tc.want)
				require.ErrorIs(t, err, tc.errs[len(tc.errs)-1], "the last cause is not hidden")
				require.Equal(t, tc.applied, MayHaveApplied(err))
				require.Equal(t, tc.notSent, NotSent(err))
			})
		})
	}
}

// One policy and one Conn serve many runs at a time; none counts for another.
func TestRetryIsReentrant(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, s *script) {
		c, p := s.start(CommandRetry(RetryTimes(2, time.Second)))
		go p.answerAll()
		var all []*result
		for range 10 {
			f, _ := failing(errLost, errLost, nil)
			all = append(all, async(func() error {
				return c.Retry(bg, func(ctx context.Context) error {
					inner, _ := failing(errLost, errLost, nil)
					require.NoError(t, c.Retry(ctx, inner))
					return f(ctx)
				})
			}))
		}
		for _, r := range all {
			require.NoError(t, r.wait())
		}
		f, calls := failing(errLost)
		require.ErrorIs(t, c.RetryBy(RetryNever()).Chroot("/app").Retry(bg, f), errLost, "a view has its own policy")
		require.Len(t, *calls, 1)
	})
}

func TestCloseEndsRetries(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, s *script) {
		c, p := s.start(CommandRetry(RetryForever(time.Hour)))
		get := async(func() error {
			_, err := RetryValue(bg, c, func(ctx context.Context) ([]byte, error) {
				data, _, err := c.Get(ctx, "/n")
				return data, err
			})
			return err
		})
		p.want(proto.OpGetData)
		p.conn.Close()
		p = s.accept("a:2181")
		p.welcome(9 * time.Second)
		go p.answerAll()
		synctest.Wait()
		began := time.Now()
		require.NoError(t, c.Close())
		err := get.wait()
		require.Zero(t, time.Since(began))
		require.ErrorIs(t, err, ErrClosed)
		require.True(t, MayHaveApplied(err))
	})
}

func TestRetryOfALostReply(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, s *script) {
		c, p := s.start()
		var data []byte
		get := async(func() (err error) {
			data, err = RetryValue(bg, c, func(ctx context.Context) ([]byte, error) {
				data, _, err := c.Get(ctx, "/n")
				return data, err
			})
			return err
		})
		p.want(proto.OpGetData)
		p.conn.Close()
		p = s.accept("a:2181")
		p.welcome(9 * time.Second)
		p.reply(p.want(proto.OpGetData).xid, 0, &proto.GetDataResponse{Data: []byte("data")})
		require.NoError(t, get.wait())
		require.Equal(t, "data", string(data))
	})
}

func TestCommandRetryIsChecked(t *testing.T) {
	_, err := Dial(bg, "a", CommandRetry(nil))
	require.ErrorIs(t, err, ErrBadArguments)
	require.EqualError(t, err, "zk: dial a: bad arguments: policy of CommandRetry is nil")
}

func ExampleRetry() {
	tries := 0
	err := Retry(context.Background(), RetryTimes(2, time.Millisecond), func(context.Context) error {
		tries++
		return ErrOperationTimeout
	})
	fmt.Println(tries, errors.Is(err, ErrOperationTimeout))
	// Output: 3 true
}
