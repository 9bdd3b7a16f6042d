package docker

import (
	"context"
	"errors"
	"fmt"
)

// Partitioner tells how it is done, and what is less than was asked for.
func (c *cluster) Partitioner() string {
	return "network disconnect; outside of the group with the most voting members each member is alone"
}

// Partition leaves the group with the most voting members in the network, and
// disconnects all others. No other group can have a quorum; so that they do
// not hear each other within it is seen by nobody but themselves.
func (c *cluster) Partition(groups ...[]int) error {
	stay, err := c.staying(groups)
	if err == nil {
		err = c.cut(func(m *member) bool { return !stay[m.ID()] })
	}
	if err != nil {
		return fmt.Errorf("docker: partition: %w", err)
	}
	return nil
}

// Heal connects all members at the addresses that they had.
func (c *cluster) Heal() error {
	if err := c.cut(func(*member) bool { return false }); err != nil {
		return fmt.Errorf("docker: heal: %w", err)
	}
	return nil
}

// staying is the group that stays, the first of those with the most voters.
func (c *cluster) staying(groups [][]int) (map[int]bool, error) {
	seen, best, most := map[int]bool{}, map[int]bool{}, 0
	for _, group := range groups {
		members, voters := map[int]bool{}, 0
		for _, id := range group {
			if id < 1 || id > len(c.members) {
				return nil, fmt.Errorf("there is no member %d, but %d members", id, len(c.members))
			}
			if seen[id] {
				return nil, fmt.Errorf("member %d is named twice", id)
			}
			seen[id], members[id] = true, true
			if id <= c.plan.voters {
				voters++
			}
		}
		if voters > most {
			best, most = members, voters
		}
	}
	return best, nil
}

// cut disconnects some members, and connects the others behind that, so that
// nobody hears more than before and after.
func (c *cluster) cut(off func(*member) bool) error {
	if c.network == nil {
		return nil
	}
	c.cutting.Lock()
	defer c.cutting.Unlock()
	ctx, cancel := context.WithTimeout(context.Background(), apiTime)
	defer cancel()
	change := func(to bool, do func(context.Context, daemon, *member) error) error {
		return c.each(func(m *member) error {
			is := false
			m.say(func() { is = m.cut })
			if off(m) != to || is == to {
				return nil
			}
			err := do(ctx, c.daemon, m)
			if err == nil {
				m.say(func() { m.cut = to })
			}
			return err
		})
	}
	return errors.Join(change(true, c.network.disconnect), change(false, c.network.connect))
}
