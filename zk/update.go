package zk

import (
	"bytes"
	"context"
	"errors"
	"fmt"
)

// Update sets the data of a node to what f makes of it, and returns the Stat
// after that. When another sets it in between, it is read again and f called
// again. It is tried again by the Conn's [RetryPolicy] when a connection is
// lost; an error of f ends it.
//
// A set whose answer was lost counts once: the node then shows whether it was
// done. There are two cases in which it does not. If the node was set more than
// once since, or deleted, Update fails, with an error of which [MayHaveApplied]
// holds, rather than to do it twice. And if another client has set the same
// data in our stead, that counts as ours: where it must not, as with a counter,
// each client puts something of its own into the data.
func (c *Conn) Update(ctx context.Context, path string, f func(old []byte, stat Stat) ([]byte, error)) (Stat, error) {
	u := update{conn: c, path: path, f: f}
	var stat Stat
	err := c.Retry(ctx, func(ctx context.Context) (err error) {
		stat, err = u.run(ctx)
		return err
	})
	if u.final != nil {
		return Stat{}, within("update", path, u.final)
	}
	return stat, err
}

// An update is what is known from one try of Update to the next.
type update struct {
	conn *Conn
	path string
	f    func(old []byte, stat Stat) ([]byte, error)

	final  error  // no other try, whatever it wraps
	lost   error  // of a set that may have been done; nil for none
	old    Stat   // before it
	wanted []byte // its data
}

func (u *update) run(ctx context.Context) (Stat, error) {
	c := u.conn
	for {
		if u.lost != nil { // it may be under way on another connection
			if err := c.Sync(ctx, u.path); err != nil {
				return Stat{}, err
			}
		}
		data, stat, err := c.Get(ctx, u.path)
		if err != nil {
			return Stat{}, err
		}
		if u.lost != nil && u.done(data, stat) || u.final != nil {
			return stat, nil
		}
		wanted, err := u.f(data, stat)
		if err != nil {
			u.final = err
			return Stat{}, nil
		}
		after, err := c.Set(ctx, u.path, wanted, stat.Version)
		if MayHaveApplied(err) {
			u.lost, u.old, u.wanted = err, stat, wanted
		}
		if !errors.Is(err, ErrBadVersion) {
			return after, err
		}
	}
}

// done tells from what there is now whether the set whose answer was lost was
// done. If that cannot be told it sets final.
func (u *update) done(data []byte, now Stat) bool {
	lost, same := u.lost, now.Version == u.old.Version
	u.lost = nil
	if now.Czxid != u.old.Czxid || !same && !follows(now.Version, u.old.Version) {
		u.final = fmt.Errorf("changed more than once since: %w", lost)
	}
	return !same && bytes.Equal(data, u.wanted)
}
