package fakezk

import (
	"math"
	"time"

	"github.com/zookit/zookit/internal/proto"
)

// janitor ends sessions and connections in their time, and reaps containers
// and TTL nodes.
func (e *Ensemble) janitor() {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	var fx effects
	for {
		wait := e.tidy(&fx)
		fx.run()
		timer.Reset(wait)
		select {
		case <-timer.C:
		case <-e.wake:
		case <-e.done:
			return
		}
	}
}

// wakeFor makes sure that the janitor is awake at the deadline.
func (e *Ensemble) wakeFor(deadline int64) {
	if deadline >= e.armed {
		return
	}
	e.armed = deadline
	select {
	case e.wake <- struct{}{}:
	default:
	}
}

// tidy does what is due and tells how long nothing will be.
func (e *Ensemble) tidy(fx *effects) time.Duration {
	e.mu.Lock()
	defer e.mu.Unlock()
	if !e.serving() {
		e.armed = math.MaxInt64
		return time.Hour
	}
	now := e.now()
	for _, s := range e.expiry.due(now) {
		s.endsAt = 0
		e.servers[0].stats.expired++
		e.expire(s, fx)
	}
	for _, c := range e.idle.due(now) {
		c.endsAt = 0
		c.server.stats.silent++
		e.cut(c, fx)
	}
	e.reaper.reap(e, now, fx)
	e.armed = e.reaper.next(e)
	if at, ok := e.expiry.next(); ok {
		e.armed = min(e.armed, at)
	}
	if at, ok := e.idle.next(); ok {
		e.armed = min(e.armed, at)
	}
	if e.armed == math.MaxInt64 {
		return time.Hour
	}
	return time.Until(e.start.Add(time.Duration(e.armed) * time.Millisecond))
}

// expire ends a session. Its client is not told: its connection ends.
func (e *Ensemble) expire(s *session, fx *effects) {
	c := s.conn
	e.endSession(s, fx)
	e.cfg.logger.Info("session expired", "id", sessionName(s.id))
	if c != nil {
		e.cut(c, fx)
	}
}

// A reaper deletes containers that have lost their last child and TTL nodes
// past their time, at intervals, each in a transaction of its own
// (spec/wire-and-tree, E.7).
type reaper struct {
	looked int64    // when it last looked for candidates
	queue  []string // candidates
	pace   int64    // not to delete the next one before
}

// next is when it has to do something.
func (r *reaper) next(e *Ensemble) int64 {
	if len(r.queue) > 0 {
		return r.pace
	}
	if e.state.reapable.Len() == 0 {
		return math.MaxInt64
	}
	interval := e.cfg.reapInterval.Milliseconds()
	return (r.looked/interval + 1) * interval
}

func (r *reaper) reap(e *Ensemble, now int64, fx *effects) {
	interval := e.cfg.reapInterval.Milliseconds()
	if len(r.queue) == 0 && now/interval > r.looked/interval {
		r.looked = now
		e.state.reapable.Ascend(func(path string) bool {
			if e.reapable(e.state.tree.get(path)) {
				r.queue = append(r.queue, path)
			}
			return true
		})
	}
	for len(r.queue) > 0 && now >= r.pace {
		path := r.queue[0]
		r.queue = r.queue[1:]
		r.pace = now + time.Minute.Milliseconds()/int64(e.cfg.reapedPerMinute)
		t := txn{zxid: e.state.next(), now: e.wallClock()}
		if code := e.state.deleteContainer(&t, path); code != proto.OK {
			e.cfg.logger.Debug("not reaped", "path", path, "cause", code)
		}
		e.fire(fx)
	}
}

// reapable tells whether a container or TTL node has outlived its purpose.
func (e *Ensemble) reapable(n *znode) bool {
	if n == nil || n.children > 0 {
		return false
	}
	age := e.wallClock() - n.mtime
	if n.isTTL() {
		return age > n.owner&ttlMask
	}
	neverUsed := e.cfg.neverUsed.Milliseconds()
	return n.creates > 0 || neverUsed > 0 && age > neverUsed
}
