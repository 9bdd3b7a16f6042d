package zk

import "context"

// window is how many calls of a pipeline are under way at a time: enough to
// hide the way to a server and back, and few beside its limits.
const window = 256

// pipeline makes n calls, several at a time and in their order, and hands the
// result of each to done, in order too. The first error of done ends it; calls
// that wait for a connection then are not made.
func pipeline[T any](ctx context.Context, n int, call func(i int) *Future[T], done func(i int, v T, err error) error) error {
	var under []*Future[T]
	defer func() {
		for _, f := range under {
			f.Cancel()
		}
	}()
	next := 0
	for i := range n {
		for ; next < n && next < i+window; next++ {
			under = append(under, call(next))
		}
		v, err := under[0].Wait(ctx)
		if ctx.Err() != nil && !under[0].Ready() {
			return err
		}
		under = under[1:]
		if err := done(i, v, err); err != nil {
			return err
		}
	}
	return nil
}
