package zk

import (
	"errors"
	"math/rand/v2"
	"time"
)

// A RetryPolicy says whether to try again what has failed, and when. It is a
// value without state: what it needs to know it is told. So one serves any
// number of calls at a time.
type RetryPolicy interface {
	// Retry is the pause before the next try, and false when there is to be none.
	Retry(t Try) (pause time.Duration, again bool)
}

// A Try is what a [RetryPolicy] decides on.
type Try struct {
	N         int           // tries so far, at least 1
	Elapsed   time.Duration // since the first of them began
	Pause     time.Duration // before the latest, 0 if it was the first
	Err       error         // of the latest
	Permanent bool          // Err is not of a kind that passes: give up, unless the policy knows better
	Rand      *rand.Rand    // to draw pauses from; see [Seed]
}

// Transient tells whether err is one that passes, so that the same call may
// succeed later: [ErrConnectionLoss], [ErrOperationTimeout] and
// [ErrSessionMoved]. Of calls that failed so, see [MayHaveApplied].
// [ErrSessionExpired] is none of them, since what belonged to the session is
// gone with it; see [RetryAlso].
func Transient(err error) bool {
	return !final(err) && (errors.Is(err, ErrConnectionLoss) || errors.Is(err, ErrOperationTimeout) || errors.Is(err, ErrSessionMoved))
}

// final tells whether the Conn that err is from has come to its end.
func final(err error) bool {
	return errors.Is(err, ErrClosed) || errors.Is(err, ErrAuthFailed) || errors.Is(err, ErrGaveUp)
}
