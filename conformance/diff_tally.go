package conformance

import (
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"time"
)

// A tally counts what a diff has done.
type tally struct {
	started                    time.Time
	wanted                     int
	ops, programs, differences atomic.Int64
}

func (c *tally) begin(wanted int) { c.started, c.wanted = time.Now(), wanted }

// line is how far it is. Requests count that programs draw; the walk through
// the tree in the end does not.
func (c *tally) line() string {
	ops, took := c.ops.Load(), time.Since(c.started)
	perSecond := float64(ops) / took.Seconds()
	text := fmt.Sprintf("%d of %d operations, %d programs, %.0f ops/s, %d differences, %v",
		ops, c.wanted, c.programs.Load(), perSecond, c.differences.Load(), took.Round(time.Second/10))
	if left := int64(c.wanted) - ops; left > 0 && ops > 0 {
		text += fmt.Sprintf(", about %v to go", time.Duration(float64(left)/perSecond*float64(time.Second)).Round(time.Second))
	}
	return text
}

// report writes the line every other second until the function it returns is
// called.
func (c *tally) report(w io.Writer) (stop func()) {
	end := make(chan struct{})
	var done sync.WaitGroup
	done.Go(func() {
		tick := time.NewTicker(2 * time.Second)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				fmt.Fprintln(w, c.line())
			case <-end:
				return
			}
		}
	})
	return func() { close(end); done.Wait() }
}
