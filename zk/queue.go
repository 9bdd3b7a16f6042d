package zk

// queue holds the requests that wait for a connection, in the order of calls.
type queue struct {
	first, last *request
	n           int
}

func (q *queue) push(r *request) {
	if r.before = q.last; q.last != nil {
		q.last.after = r
	} else {
		q.first = r
	}
	q.last = r
	q.n++
}

func (q *queue) remove(r *request) {
	if r.before != nil {
		r.before.after = r.after
	} else {
		q.first = r.after
	}
	if r.after != nil {
		r.after.before = r.before
	} else {
		q.last = r.before
	}
	r.before, r.after = nil, nil
	q.n--
}

// pop takes the oldest, nil when there is none.
func (q *queue) pop() *request {
	r := q.first
	if r != nil {
		q.remove(r)
	}
	return r
}

// ring holds the requests that were sent and not answered, in order.
type ring struct {
	slots []*request // a power of two of them
	first int
	n     int
}

func (q *ring) push(r *request) {
	if q.n == len(q.slots) {
		grown := make([]*request, max(16, 2*q.n))
		for i := range q.n {
			grown[i] = q.at(i)
		}
		q.slots, q.first = grown, 0
	}
	q.slots[(q.first+q.n)&(len(q.slots)-1)] = r
	q.n++
}

// at is the request that i others are before.
func (q *ring) at(i int) *request { return q.slots[(q.first+i)&(len(q.slots)-1)] }

// head is the oldest, nil when there is none.
func (q *ring) head() *request {
	if q.n == 0 {
		return nil
	}
	return q.at(0)
}

func (q *ring) pop() {
	q.slots[q.first] = nil
	q.first = (q.first + 1) & (len(q.slots) - 1)
	q.n--
}

// extract takes the request with an xid out of wherever it is, nil when there
// is none.
func (q *ring) extract(xid int32) *request {
	for i := range q.n {
		r := q.at(i)
		if r.xid != xid {
			continue
		}
		for ; i > 0; i-- {
			q.slots[(q.first+i)&(len(q.slots)-1)] = q.at(i - 1)
		}
		q.pop()
		return r
	}
	return nil
}
