package zk

import "sync"

// callbacks runs those of futures, one at a time, in the order in which they
// were added, on a goroutine that lives as long as there are any.
type callbacks struct {
	tasks *sync.WaitGroup

	mu      sync.Mutex // guards all below; may be taken under the mutex of a Future
	list    []fired
	running bool
	ended   bool // no goroutine may begin
}

// A fired has callbacks to be called.
type fired interface{ fire() }

// add is false when it is for the caller to fire.
func (q *callbacks) add(f fired) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.ended && !q.running {
		return false
	}
	q.list = append(q.list, f)
	if !q.running {
		q.running = true
		q.tasks.Go(q.run)
	}
	return true
}

func (q *callbacks) run() {
	for list := q.take(nil); list != nil; list = q.take(list) {
		for _, f := range list {
			f.fire()
		}
	}
}

// take is what was added meanwhile, nil for nothing. It reuses done.
func (q *callbacks) take(done []fired) []fired {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.list) == 0 {
		q.list, q.running = nil, false
		return nil
	}
	clear(done)
	list := q.list
	q.list = done[:0]
	return list
}

// end makes add refuse once the goroutine has returned.
func (q *callbacks) end() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.ended = true
}
