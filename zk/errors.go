package zk

import (
	"context"
	"errors"
	"fmt"
)

var (
	// ErrClosed is the error of everything that Close ends, and of calls after it.
	ErrClosed = errors.New("closed")

	// ErrRolledBack is the error of an operation of a multi that would have
	// succeeded, had not a later one failed.
	ErrRolledBack = errors.New("rolled back: a later operation of the multi failed")
)

// An Error is what every method of this package returns: which call failed, on
// which path, and why. Err is a [Code] or wraps one, or [ErrClosed], or what
// ended the context.
type Error struct {
	Op   string // such as "create"
	Path string // as the caller gave it; "" for a call without
	Err  error
	Zxid int64 // of the reply that says so, 0 without one: what the server had seen by then

	fate fate
}

// Error is of the form "zk: create /a/b: node exists".
func (e *Error) Error() string {
	if e.Path == "" {
		return "zk: " + e.Op + ": " + e.Err.Error()
	}
	return "zk: " + e.Op + " " + e.Path + ": " + e.Err.Error()
}

// Unwrap is Err.
func (e *Error) Unwrap() error { return e.Err }

// A fate is what became of a request that failed.
type fate uint8

const (
	answered fate = iota // the server said so
	unsent               // the server never got it
	unknown              // it was sent, and not answered
)

// MayHaveApplied tells whether the call that failed with err may still have
// changed something: it was sent, and the answer was lost or not waited for.
// Whoever tries again must be ready to find it done. (Of a read it says that
// it was sent; there is nothing to find.)
func MayHaveApplied(err error) bool {
	if e, ok := errors.AsType[*Error](err); ok && e.fate != answered {
		return e.fate == unknown
	}
	return errors.Is(err, ErrConnectionLoss)
}

// NotSent tells whether the call that failed with err surely changed nothing
// because it never left: it may be tried again as it is, if err is one that
// passes.
func NotSent(err error) bool {
	e, ok := errors.AsType[*Error](err)
	return ok && e.fate == unsent
}

// A lossError is a lost connection with its cause.
type lossError struct{ cause error }

func (e *lossError) Error() string   { return "connection loss: " + e.cause.Error() }
func (e *lossError) Unwrap() []error { return []error{ErrConnectionLoss, e.cause} }

// badArguments is what this package finds wrong without asking a server.
func badArguments(err error) error { return &argumentError{err} }

type argumentError struct{ cause error }

func (e *argumentError) Error() string   { return "bad arguments: " + e.cause.Error() }
func (e *argumentError) Unwrap() []error { return []error{ErrBadArguments, e.cause} }

// contextError is why ctx has ended, with the cause where one was given.
func contextError(ctx context.Context) error {
	err := ctx.Err()
	if cause := context.Cause(ctx); cause != err {
		return fmt.Errorf("%w: %w", err, cause)
	}
	return err
}
