package zk

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/zookit/zookit/internal/proto"
)

// A client is what all views of a Conn share. Its life-cycle goroutine alone
// connects, shakes hands, replays credentials and watches, pings, pauses and
// judges when the session is lost. Calls go past it; see link.
type client struct {
	cfg      config
	log      *slog.Logger
	epoch    time.Time
	ctx      context.Context // ends at Close
	cancel   context.CancelFunc
	ended    chan struct{}  // closed when the life-cycle goroutine has returned
	stayed   error          // why Close did not end the session; to be read after ended is closed
	tasks    sync.WaitGroup // see spawn
	upcalls  callbacks      // of futures
	requests sync.Pool      // of *request; not shared with clients of other bubbles
	state    atomic.Pointer[stateNode]
	session  atomic.Pointer[Session] // nil before the first
	attended atomic.Pointer[tenure]
	lastZxid atomic.Int64  // of ordinary replies; the reader sets it, or nobody reads
	updated  chan struct{} // one slot, filled when update is set
	counters counters

	// owned by the life-cycle goroutine
	hosts    hosts
	pace     pace
	told     *stateNode    // the latest that hooks know
	latest   endpoint      // of the latest connection
	favoured endpoint      // to be tried first, once
	resume   *Session      // nil: the next handshake begins a session
	seen     int64         // lastZxid when the connection was lost: what watches have seen
	gone     bool          // a server has ended it, as Close asked
	searched time.Duration // the latest pause of a search for a server that is not read-only

	mu       sync.Mutex // guards all below; never held over I/O or a wait
	fatal    error      // the end: no call is accepted
	link     *link      // nil unless calls may be sent
	server   string     // its host
	waiting  queue
	sweeps   bool // see sweep
	xid      int32
	watches  registry
	refusals int // see watchesRefused
	auths    []*credential
	seeds    *rand.PCG        // see newRand
	detach   bool             // the end is to leave the session alive
	ears     []chan struct{}  // of listen, each closed when it has ended
	update   []string         // what UpdateServers was given, nil when it was adopted
	causes   map[string]error // by entry of the connect string: why the latest attempt failed
	cause    error            // the latest of them, or why the connection was lost
}

func newClient(cfg config, list []string) *client {
	draw := rand.New(rand.NewPCG(cfg.seed, 0))
	c := &client{
		cfg:     cfg,
		log:     cfg.log,
		epoch:   time.Now(),
		ended:   make(chan struct{}),
		updated: make(chan struct{}, 1),
		hosts:   newHosts(list, draw),
		pace:    newPace(draw),
		auths:   cfg.auths,
		seeds:   rand.NewPCG(cfg.seed, 1),
		causes:  make(map[string]error),
		cause:   errors.New("not yet"),
	}
	c.upcalls.tasks = &c.tasks
	c.ctx, c.cancel = context.WithCancel(context.Background())
	c.told = newStateNode(Connecting)
	c.state.Store(c.told)
	c.begin().end(&lossError{c.cause})
	if a := cfg.attach; a != nil {
		c.resume = c.newSession(a.id, a.password)
	}
	return c
}

// newRand is a source of its own for one of several goroutines. What each is
// given repeats by Seed if they ask in the same order.
func (c *client) newRand() *rand.Rand {
	c.mu.Lock()
	defer c.mu.Unlock()
	return rand.New(rand.NewPCG(c.seeds.Uint64(), c.seeds.Uint64()))
}

// live is the life-cycle goroutine.
func (c *client) live() {
	defer close(c.ended)
	for {
		l := c.connect()
		if l == nil {
			break
		}
		began := c.now()
		cause := c.serve(l)
		c.disconnect(l, cause)
		c.cfg.hooks.disconnect(l.at, c.now()-began, cause)
		c.tellStates()
		c.lived(c.now() - began)
		if c.end() != nil {
			break
		}
	}
	c.finish()
}

// connect tries hosts until one accepts the session, or a new one. It returns
// nil when there is nothing more to try.
func (c *client) connect() *link {
	for c.sleep(0) {
		c.adopt(c.latest.entry, c.latest.addr)
		e, ok := c.next()
		if !ok {
			if d, again := c.pause(); !again || !c.sleep(d) {
				return nil
			}
			c.hosts.again()
			continue
		}
		l, g, err := c.try(e)
		if errors.Is(err, errExpired) {
			if !c.loseSession("the server says so") {
				return nil
			}
			l, g, err = c.try(e) // it answers, so it is as good as the next
		}
		if err == nil {
			c.open(l, g)
			return l
		}
		c.noteFailure(e, err)
		if auth := new(authError); errors.As(err, &auth) {
			c.finally(auth)
			return nil
		}
	}
	return nil
}

// sleep waits, and loses the session when its time has come. It is false when
// the client is to end.
func (c *client) sleep(d time.Duration) bool {
	if left, ok := c.remaining(); ok {
		d = min(d, max(left/3, leastPause), left)
	}
	if d > 0 {
		t := time.NewTimer(d)
		defer t.Stop()
		select {
		case <-t.C:
		case <-c.updated:
		case <-c.ctx.Done():
		}
	}
	if c.ctx.Err() != nil {
		c.finally(ErrClosed)
		return false
	}
	if left, ok := c.remaining(); ok && left <= 0 {
		return c.loseSession("nothing heard from any server for its timeout")
	}
	return true
}

// remaining is how long it is until the session is given up, if no server is
// heard. It is false when that is not known.
func (c *client) remaining() (time.Duration, bool) {
	if c.resume == nil {
		return 0, false
	}
	at, ok := c.resume.Deadline()
	return time.Until(at), ok
}

func (c *client) noteFailure(e endpoint, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ctx.Err() != nil && c.causes[e.entry] != nil {
		return // it failed because of Close
	}
	c.counters.failures++
	c.cause = fmt.Errorf("%s: %w", e, err)
	c.causes[e.entry] = c.cause
	c.log.Debug("not connected", "server", e, "cause", err)
}

// open makes l the connection of all calls. Watches are written before any of
// them.
func (c *client) open(l *link, g greeting) {
	s, fresh := c.resume, c.session.Load() != c.resume
	if !c.resumes() {
		if s != nil {
			s.lose(ErrSessionExpired)
			c.cfg.hooks.sessionEnd(s, ErrSessionExpired)
		}
		s, fresh = c.newSession(g.id, g.password), true
		s.readOnly = g.readOnly
		c.resume = s
	}
	if !g.readOnly {
		c.searched = 0
	}
	s.timeout.Store(int64(g.timeout))
	s.heard.Store(l.heard)
	c.session.Store(s)
	c.latest, c.hosts.last = l.at, l.at.addr
	c.log.Info("connected", "server", l.at, "session", s, "timeout", g.timeout)

	c.mu.Lock()
	b := l.out.Lock()
	b = l.appendAuths(b) // what has been added meanwhile
	b = c.watches.appendRestore(b, c.seen)
	l.out.Unlock(b)
	c.server = l.at.name
	if c.counters.connections++; fresh {
		c.counters.sessions++
	}
	if l.cause == nil {
		c.link = l
		c.watches.tell(Event{Type: EventResync, Zxid: -1})
	}
	c.begin()
	if g.readOnly {
		c.setState(ReadOnly)
	} else {
		c.setState(Connected)
	}
	var refused queue
	for c.link != nil && c.waiting.first != nil {
		r := c.waiting.pop()
		if err := l.transmit(r); err != nil {
			r.phase, r.err = over, err
			refused.push(r)
		}
	}
	c.mu.Unlock()
	l.flush()
	for r := refused.pop(); r != nil; r = refused.pop() {
		c.fail(r, r.err, unsent)
	}
	if fresh {
		c.cfg.hooks.sessionBegin(s)
	}
	c.tellStates()
}

// serve keeps the connection alive until it is down or Close is called.
func (c *client) serve(l *link) error {
	timeout := c.resume.Timeout()
	patience := timeout * 2 / 3
	if k := c.cfg.lostAfter; k > 0 {
		patience = min(patience, time.Duration(k*float64(timeout)))
	}
	timer := time.NewTimer(timeout)
	defer timer.Stop()
	search := c.search(l)
	defer func() { search.stop() }()
	for {
		now := c.now()
		silence := time.Duration(l.heard.Load()) + patience - now
		idle := time.Duration(l.wrote.Load()) + timeout/3 - now
		if silence <= 0 {
			return fmt.Errorf("nothing heard from %s for %v", l.at, patience)
		}
		if idle <= 0 {
			l.ping()
			continue
		}
		timer.Reset(min(silence, idle))
		select {
		case <-timer.C:
		case <-l.down:
			return l.cause
		case <-c.updated:
			if c.adopt(l.at.entry, l.address()) && c.drain(l) {
				return errUpdated
			}
			search.stop()
			search = c.search(l)
		case e := <-search.found:
			if search.stop(); c.drain(l) {
				c.favoured, c.searched = e, search.pause
				return errWritable
			}
		case <-c.ctx.Done():
			c.hangUp(l)
			return ErrClosed
		}
	}
}

// drain lets calls wait for the next connection, and waits until those under
// way are answered, for a third of the session at most. It is false when Close
// is called meanwhile.
func (c *client) drain(l *link) bool {
	c.settle(l, c.resume.Timeout()/3, c.ctx.Done())
	return c.ctx.Err() == nil
}

// settle makes calls wait, and waits for a time until those under way are
// answered.
func (c *client) settle(l *link, d time.Duration, stop <-chan struct{}) {
	r := c.request(proto.OpExists) // any would do: its answer is the last
	r.path = "/"
	c.mu.Lock()
	c.link = nil
	err := l.transmit(r)
	c.mu.Unlock()
	if err != nil {
		return
	}
	l.flush()
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-r.done:
		c.recycle(r)
	case <-l.down:
	case <-t.C:
	case <-stop:
	}
}

// farewell is how long Close waits for a server to end the session.
const farewell = time.Second

// hangUp ends the session at the server, behind all calls that were made,
// unless it is to be left.
func (c *client) hangUp(l *link) {
	c.finally(ErrClosed)
	if c.leaving() {
		c.settle(l, farewell, nil)
		return
	}
	r := c.request(proto.OpCloseSession)
	c.mu.Lock()
	err := l.transmit(r)
	c.mu.Unlock()
	if err != nil {
		return
	}
	l.flush()
	t := time.NewTimer(farewell)
	defer t.Stop()
	select {
	case <-r.done:
		c.gone = true
		return
	case <-l.down:
	case <-t.C:
		l.fail(fmt.Errorf("closeSession not answered within %v", farewell))
	}
	l.close()
	c.failSent(l, ErrClosed)
	<-r.done
	c.gone = r.err == nil // the answer may have come at the same time
	c.mu.Lock()
	c.cause = l.cause
	c.mu.Unlock()
}

// disconnect cleans up after l. Whoever sees a call fail with ErrConnectionLoss
// sees the state as no longer Connected.
func (c *client) disconnect(l *link, cause error) {
	l.fail(cause)
	l.close()
	c.seen = c.lastZxid.Load()
	if auth := new(authError); errors.As(cause, &auth) {
		c.finally(auth)
	}
	if end := c.end(); end != nil {
		c.attended.Load().end(end)
		c.failSent(l, end)
		return
	}
	c.attended.Load().end(&lossError{cause})
	c.log.Info("connection lost", "server", l.at, "session", c.resume, "cause", cause)
	c.mu.Lock()
	c.server, c.cause = "", cause
	c.setState(Suspended)
	c.watches.tell(Event{Type: EventDisconnected, Zxid: -1})
	c.mu.Unlock()
	c.failSent(l, &lossError{cause})
}

// failSent fails what was sent on a link that is closed.
func (c *client) failSent(l *link, err error) {
	c.mu.Lock()
	left := l.ring
	l.ring = ring{}
	for i := range left.n {
		left.at(i).phase = over
	}
	c.mu.Unlock()
	for i := range left.n {
		c.fail(left.at(i), err, unknown)
	}
}

// loseSession tells everybody that the session is gone. It is false when there
// is to be no other.
func (c *client) loseSession(why string) bool {
	s := c.resume
	c.resume, c.seen = nil, 0
	c.lastZxid.Store(0) // a server with less, such as a wiped one, must do for a new session
	c.log.Warn("session lost", "session", s, "cause", why)
	if c.session.Load() == nil { // Attach
		c.finally(ErrSessionExpired)
		return false
	}
	c.release(s, Lost, ErrSessionExpired)
	if c.cfg.oneSession {
		c.finally(ErrSessionExpired)
		return false
	}
	return true
}

// release ends all that depends on a session. Whoever sees the state sees its
// context ended.
func (c *client) release(s *Session, state State, cause error) {
	if s != nil {
		s.lose(cause)
	}
	c.mu.Lock()
	c.setState(state)
	c.watches.end(cause)
	pending := c.waiting
	c.waiting = queue{}
	for r := pending.first; r != nil; r = r.after {
		r.phase = over
	}
	c.mu.Unlock()
	for r := pending.pop(); r != nil; r = pending.pop() {
		c.fail(r, cause, unsent)
	}
	if s != nil && s == c.session.Load() {
		c.cfg.hooks.sessionEnd(s, cause)
	}
	c.tellStates()
}

// finally makes the client accept no more calls. The first cause counts.
func (c *client) finally(cause error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.fatal == nil {
		c.fatal = cause
	}
	c.link = nil
}

// end is why the client has ended or is about to, or nil.
func (c *client) end() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.fatal
}

func (c *client) lastCause() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.cause
}

// finish is the last act of the life-cycle goroutine.
func (c *client) finish() {
	cause := c.end()
	state := Closed
	if errors.Is(cause, ErrAuthFailed) {
		state = AuthFailed
	}
	c.log.Info("ended", "cause", cause)
	c.cancel()
	if cause == ErrClosed && c.resume != nil && !c.gone && !c.leaving() {
		c.stayed = &lossError{c.lastCause()}
	}
	c.mu.Lock()
	c.server = ""
	c.mu.Unlock()
	c.release(c.resume, state, cause)
	c.failAuths(cause)
	c.upcalls.end()
	c.tasks.Wait()
}
