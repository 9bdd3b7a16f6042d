package conformance

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"syscall"
	"time"

	"github.com/zookit/zookit/internal/backend"
)

// ErrUnsupported is what a Controller answers to what it cannot do; the case is
// skipped then, as are cases that need a Controller where there is none.
var ErrUnsupported = backend.ErrUnsupported

// controls are the verbs that are about members: "kill leader",
// "partition f1 | leader f2", "heal".
var controls = map[string]func(r *run, k call) error{
	"stop":      control(Stop),
	"kill":      control(Kill),
	"start":     control(Start),
	"pause":     control(Pause),
	"resume":    control(Resume),
	"partition": (*run).partition,
	"heal":      (*run).heal,
	"roles":     func(r *run, _ call) error { return r.findRoles() },
}

// dial connects to the client port of a member.
func (r *run) dial(member string) (net.Conn, error) { return r.dialPort(member, ClientPort, "") }

// member finds a member by its role in the case: leader, f1 and f2 are as they
// were when the case began, or at its last "roles". Where there is but one
// member it has all roles. "" is f1.
func (r *run) member(name string) (int, error) {
	if len(r.roles) == 0 {
		return 0, nil
	}
	if name == "" {
		name = "f1"
	}
	if i, ok := r.roles[name]; ok {
		return i, nil
	}
	i, err := strconv.Atoi(name)
	if err != nil {
		return 0, fmt.Errorf("no member %q, but leader, f1, f2, ..., or a number from 0", name)
	}
	return i, nil
}

// findRoles learns who leads.
func (r *run) findRoles() error {
	c, ok := r.server.(Controller)
	if !ok {
		return nil
	}
	leader, err := c.Leader(r.ctx)
	if err != nil || leader < 0 {
		return err
	}
	r.roles = map[string]int{"leader": leader}
	for i, follower := 0, 1; i < c.Members(); i++ {
		if i != leader {
			r.roles[fmt.Sprintf("f%d", follower)] = i
			follower++
		}
	}
	return nil
}

func (r *run) controller() (Controller, error) {
	if c, ok := r.server.(Controller); ok {
		return c, nil
	}
	return nil, ErrUnsupported
}

func control(do Action) func(r *run, k call) error {
	return func(r *run, k call) error {
		c, err := r.controller()
		if err != nil {
			return err
		}
		i, err := r.member(k.at(0).text)
		if err != nil {
			return err
		}
		if err := c.Control(r.ctx, i, do); err != nil {
			return err
		}
		switch do {
		case Stop, Kill:
			r.undo[i] = Start
		case Pause:
			r.undo[i] = Resume
		default:
			delete(r.undo, i)
		}
		return nil
	}
}

// mend brings back all members, however the case ended.
func (r *run) mend() {
	c, err := r.controller()
	if err != nil {
		return
	}
	if r.split {
		c.Partition()
	}
	for i, do := range r.undo {
		c.Control(context.WithoutCancel(r.ctx), i, do)
	}
}

func (r *run) partition(k call) error {
	c, err := r.controller()
	if err != nil {
		return err
	}
	var groups [][]int
	for _, part := range split(k.all) {
		var group []int
		for _, a := range part {
			i, err := r.member(a.text)
			if err != nil {
				return err
			}
			group = append(group, i)
		}
		groups = append(groups, group)
	}
	r.split = true
	return c.Partition(groups...)
}

func (r *run) heal(call) error {
	c, err := r.controller()
	if err != nil {
		return err
	}
	r.split = false
	return c.Partition()
}

// reconnect connects until the member answers, as a client does while members
// elect a leader.
func (r *run) reconnect(s step, k call) error {
	for end := time.Now().Add(4 * r.patience); ; time.Sleep(20 * time.Millisecond) {
		text := "REFUSED"
		c, err := r.open(s.conn, s.member, k)
		switch {
		case err == nil:
			text = r.handshake(c, k)
		case !errors.Is(err, syscall.ECONNREFUSED):
			return err
		}
		if text != "REFUSED" && text != "CLOSED" || time.Now().After(end) {
			r.say("%s", text)
			return nil
		}
	}
}
