package zk

import (
	"context"
	"errors"
	"iter"
	"slices"
	"strings"
)

// An Entry is a node as it was read.
type Entry struct {
	Path string
	Data []byte
	Stat Stat
}

// Walk reads a node and all below it: a node before its children, and children
// in the order of their names with what is below each. It is not what there was
// at one moment, but each node is read after its parent; those that vanish
// meanwhile are left out.
//
// Calls are tried again by the Conn's [RetryPolicy]. An error about one node,
// such as [ErrNoAuth] or that the first does not exist ([ErrNoNode]), comes with
// its path, and the walk goes on beside it; any other is the last.
func (c *Conn) Walk(ctx context.Context, path string) iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		root := Entry{Path: path}
		err := c.Retry(ctx, func(ctx context.Context) (err error) {
			root.Data, root.Stat, err = c.Get(ctx, path)
			return err
		})
		if yield(root, err) && err == nil {
			c.walkBelow(ctx, root, yield)
		}
	}
}

// walkAhead is how many children Walk reads before it goes down to the first:
// their data is kept at each level.
const walkAhead = 64

// walkBelow is false when the walk is over.
func (c *Conn) walkBelow(ctx context.Context, parent Entry, yield func(Entry, error) bool) bool {
	if parent.Stat.NumChildren == 0 {
		return true
	}
	names, err := RetryValue(ctx, c, func(ctx context.Context) ([]string, error) { return c.ChildNames(ctx, parent.Path) })
	switch {
	case errors.Is(err, ErrNoNode):
		return true
	case err != nil:
		return yield(Entry{Path: parent.Path}, err) && ofOneNode(err)
	}
	slices.Sort(names)
	for some := range slices.Chunk(names, walkAhead) {
		children, failures, err := c.readChildren(ctx, parent.Path, some)
		if err != nil {
			yield(Entry{Path: parent.Path}, err)
			return false
		}
		for i, child := range children {
			switch {
			case errors.Is(failures[i], ErrNoNode):
			case !yield(child, failures[i]):
				return false
			case failures[i] == nil && !c.walkBelow(ctx, child, yield):
				return false
			}
		}
	}
	return true
}

// ofOneNode tells whether a server has refused a call, so that others may
// succeed.
func ofOneNode(err error) bool { return errors.Is(err, ErrNoAuth) }

// ChildNodes is [Conn.Children] with the data and Stat of each child, sorted by
// path. It takes two ways to a server and back, and one more for every 256
// children. Children that vanish meanwhile are left out. It is tried again by
// the Conn's [RetryPolicy].
func (c *Conn) ChildNodes(ctx context.Context, path string) ([]Entry, Stat, error) {
	list, err := RetryValue(ctx, c, func(ctx context.Context) (Listed, error) {
		names, stat, err := c.Children(ctx, path)
		return Listed{Names: names, Stat: stat}, err
	})
	if err != nil {
		return nil, Stat{}, err
	}
	slices.Sort(list.Names)
	all, failures, err := c.readChildren(ctx, path, list.Names)
	nodes := all[:0]
	for i, failure := range failures {
		switch {
		case failure == nil:
			nodes = append(nodes, all[i])
		case !errors.Is(failure, ErrNoNode) && err == nil:
			err = failure
		}
	}
	if err != nil {
		return nil, Stat{}, err
	}
	return nodes, list.Stat, nil
}

// readChildren reads nodes, of which each may fail by itself because of what
// it is. Any other error is that of all.
func (c *Conn) readChildren(ctx context.Context, parent string, names []string) (nodes []Entry, failures []error, err error) {
	nodes, failures = make([]Entry, len(names)), make([]error, len(names))
	for i, name := range names {
		nodes[i].Path = strings.TrimSuffix(parent, "/") + "/" + name
	}
	err = c.Retry(ctx, func(ctx context.Context) error {
		get := func(i int) *Future[Got] { return c.Async().Get(nodes[i].Path) }
		return pipeline(ctx, len(names), get, func(i int, got Got, err error) error {
			nodes[i].Data, nodes[i].Stat, failures[i] = got.Data, got.Stat, err
			if errors.Is(err, ErrNoNode) || ofOneNode(err) {
				return nil
			}
			return err
		})
	})
	return nodes, failures, err
}
