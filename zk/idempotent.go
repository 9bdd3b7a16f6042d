package zk

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"
)

// CreateIdempotent is [Conn.Create] that may be done twice, and is tried again
// by the Conn's [RetryPolicy] when the answer is lost. That the node exists is
// success if it is as this call would have left it: never set since, with equal
// data and, in the mode [Ephemeral], of this session; in the others, of none.
// Otherwise it fails with [ErrNodeExists], at the first try like at a later
// one. The ACL is not compared.
//
// So it does not tell who has created the node: whoever must know gives data
// that nobody else has, or uses [Conn.CreateProtected]. That is for sequential
// modes too, with which this one fails.
func (c *Conn) CreateIdempotent(ctx context.Context, path string, data []byte, mode CreateMode, acl ...ACL) (Stat, error) {
	if mode.sequential() {
		err := badArguments(fmt.Errorf("mode %v is not idempotent", mode))
		return Stat{}, &Error{Op: "create", Path: path, Err: err, fate: unsent}
	}
	return RetryValue(ctx, c, func(ctx context.Context) (Stat, error) {
		for {
			_, stat, err := c.Create(ctx, path, data, mode, acl...)
			if !errors.Is(err, ErrNodeExists) {
				return stat, err
			}
			found, stat, failure := c.Get(ctx, path)
			switch {
			case errors.Is(failure, ErrNoNode):
				continue // it has gone since
			case errors.Is(failure, ErrNoAuth):
				return Stat{}, err
			case failure != nil:
				return Stat{}, failure
			case stat.Version != 0 || !bytes.Equal(found, data) || stat.EphemeralOwner != c.owner(mode):
				return Stat{}, err
			}
			return stat, nil
		}
	})
}

// owner is the EphemeralOwner of a node that this session creates.
func (c *Conn) owner(mode CreateMode) int64 {
	if mode.ephemeral() {
		return c.Session().ID()
	}
	return 0
}

// SetIdempotent is [Conn.Set] that may be done twice, and is tried again by the
// Conn's [RetryPolicy] when the answer is lost. That the version does not match
// is success if the node is as this call would have left it: at the next
// version, with equal data. With [AnyVersion] it is set once more, over what
// others may have set meanwhile.
func (c *Conn) SetIdempotent(ctx context.Context, path string, data []byte, version int32) (Stat, error) {
	return RetryValue(ctx, c, func(ctx context.Context) (Stat, error) {
		stat, err := c.Set(ctx, path, data, version)
		if !errors.Is(err, ErrBadVersion) {
			return stat, err
		}
		found, stat, failure := c.Get(ctx, path)
		switch {
		case failure != nil && !errors.Is(failure, ErrNoAuth):
			return Stat{}, failure
		case failure == nil && follows(stat.Version, version) && bytes.Equal(found, data):
			return stat, nil
		}
		return Stat{}, err
	})
}

// follows tells whether a version is the next after another. Newer servers
// leave out AnyVersion when they come round to it.
func follows(next, version int32) bool {
	return next == version+1 || next == 0 && version == AnyVersion-1
}

// DeleteIdempotent is [Conn.Delete] that may be done twice, and is tried again
// by the Conn's [RetryPolicy] when the answer is lost. That there is no node is
// success.
func (c *Conn) DeleteIdempotent(ctx context.Context, path string, version int32) error {
	return c.Retry(ctx, func(ctx context.Context) error {
		err := c.Delete(ctx, path, version)
		if errors.Is(err, ErrNoNode) {
			return nil
		}
		return err
	})
}

// DeleteGuaranteed is [Conn.Delete] that goes on behind the caller's back when
// no server has answered, for whatever reason: then it fails like Delete, but
// the Conn tries again until one answers, over all connections and sessions, or
// until Close.
func (c *Conn) DeleteGuaranteed(ctx context.Context, path string, version int32) error {
	err := c.Delete(ctx, path, version)
	if unanswered(err) {
		c.persist("delete "+path, func(ctx context.Context, c *Conn) error { return c.Delete(ctx, path, version) })
	}
	return err
}

// unanswered tells whether a call that failed so may succeed at another time,
// or with another context, while the Conn lives.
func unanswered(err error) bool {
	switch {
	case err == nil || final(err) || errors.Is(err, ErrBadArguments):
		return false
	}
	return MayHaveApplied(err) || NotSent(err) || Transient(err)
}

// persist does f on a goroutine of the client until a server answers, with a
// view that is not bound to a session.
func (c *Conn) persist(what string, f func(ctx context.Context, c *Conn) error) {
	free := *c
	free.bound = nil
	c.spawn(func(ctx context.Context) {
		pauses := Backoff{Base: 100 * time.Millisecond, Max: 10 * time.Second, Jitter: 0.5}
		r := retrying{policy: RetryIf(pauses, unanswered), draw: c.newRand}
		err := r.run(ctx, func(ctx context.Context) error { return f(ctx, &free) })
		if err != nil && !errors.Is(err, ErrNoNode) && ctx.Err() == nil {
			c.log.Warn("given up", "what", what, "cause", err)
		}
	})
}
