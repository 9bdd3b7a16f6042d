package fakezk

import "slices"

// An expiryQueue holds what ends unless it is touched in time, in buckets of
// one interval: deadlines are rounded up, so that something ends within
// (timeout, timeout+interval] of its last touch (spec/sessions, A.4). Times are
// milliseconds since the ensemble began.
type expiryQueue[K comparable] struct {
	interval int64
	buckets  map[int64]map[K]struct{}
	order    []int64 // deadlines of buckets, ascending; some may be gone
}

func newExpiryQueue[K comparable](interval int64) *expiryQueue[K] {
	return &expiryQueue[K]{interval: interval, buckets: map[int64]map[K]struct{}{}}
}

// touch gives k, whose deadline is *at (0: none yet), a new one.
func (q *expiryQueue[K]) touch(k K, at *int64, now, timeout int64) {
	deadline := ((now+timeout)/q.interval + 1) * q.interval
	if deadline == *at {
		return
	}
	q.remove(k, at)
	bucket := q.buckets[deadline]
	if bucket == nil {
		bucket = map[K]struct{}{}
		q.buckets[deadline] = bucket
		if i, there := slices.BinarySearch(q.order, deadline); !there {
			q.order = slices.Insert(q.order, i, deadline)
		}
	}
	bucket[k] = struct{}{}
	*at = deadline
}

// remove takes k out.
func (q *expiryQueue[K]) remove(k K, at *int64) {
	bucket := q.buckets[*at]
	delete(bucket, k)
	if bucket != nil && len(bucket) == 0 {
		delete(q.buckets, *at)
	}
	*at = 0
}

// next is the earliest deadline, or ok is false.
func (q *expiryQueue[K]) next() (deadline int64, ok bool) {
	for len(q.order) > 0 {
		if q.buckets[q.order[0]] != nil {
			return q.order[0], true
		}
		q.order = q.order[1:]
	}
	return 0, false
}

// due takes out what has ended by now. The caller clears its deadlines.
func (q *expiryQueue[K]) due(now int64) (ended []K) {
	for {
		deadline, ok := q.next()
		if !ok || deadline > now {
			return ended
		}
		for k := range q.buckets[deadline] {
			ended = append(ended, k)
		}
		delete(q.buckets, deadline)
	}
}
