package zk

import (
	"errors"
	"math"
	"os"
	"time"

	"github.com/zookit/zookit/internal/wire"
)

// A call that is alone on its connection reads its answer itself, where that is
// possible (see wire.Turn): to be woken by the reader would cost it more than
// all the rest, since the runtime starts a thread for every goroutine that is
// made runnable. The reader allows it after calmReplies answers, in a row, of
// calls that were alone, each within soon.
const (
	calmReplies = 8
	soon        = 500 * time.Microsecond
)

// tally looks at the oldest request, which is answered. The caller holds
// client.mu and has the turn.
func (l *link) tally(r *request) {
	if l.ring.n > 1 || r.promise != nil || l.heard.Load()-l.wrote.Load() > int64(soon) {
		l.calm = min(l.calm, 0)
		return
	}
	l.calm++
}

// await gives up the turn of the reader until there is something to read,
// if callers may read meanwhile.
func (l *link) await() {
	if l.calm < calmReplies || l.in.Buffered() || l.turn == nil && !l.takeTurns() {
		return
	}
	l.in.Trim()
	l.turn.Await()
	l.conn.SetReadDeadline(time.Time{})
}

// takeTurns tells whether it is possible.
func (l *link) takeTurns() bool {
	turn := wire.NewTurn(l.conn)
	if turn == nil {
		l.calm = math.MinInt
		return false
	}
	c := l.client
	c.mu.Lock()
	defer c.mu.Unlock()
	if l.cause != nil { // close may have been called
		turn.Close()
		return false
	}
	l.turn = turn
	return true
}

// readUntil reads until r is over, for soon at most: the end of r's context is
// not noticed meanwhile. The caller has the turn.
func (l *link) readUntil(r *request) {
	defer l.turn.Give()
	l.conn.SetReadDeadline(l.client.epoch.Add(time.Duration(l.wrote.Load()) + soon))
	for len(r.done) == 0 || l.in.Buffered() {
		frame, err := l.in.Next()
		if err == nil {
			err = l.receive(frame)
		}
		if errors.Is(err, os.ErrDeadlineExceeded) {
			l.calm = 0
			return
		}
		if err != nil {
			l.fail(err)
			return
		}
	}
	l.in.Trim()
}
