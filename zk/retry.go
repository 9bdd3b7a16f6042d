package zk

import (
	"math/rand/v2"
	"time"
)

// A RetryPolicy says whether to try again what has failed, and when. It is a
// value without state: what it needs to know it is told.
type RetryPolicy interface {
	// Retry is the pause before the next try, and false when there is to be none.
	Retry(t Try) (pause time.Duration, again bool)
}

// A Try is what a [RetryPolicy] decides on.
type Try struct {
	N       int           // tries so far, at least 1
	Elapsed time.Duration // since the first of them began
	Pause   time.Duration // before the latest, 0 if it was the first
	Err     error         // of the latest
	Rand    *rand.Rand    // to draw pauses from; see [Seed]
}
