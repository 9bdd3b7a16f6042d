package zk

import (
	"bytes"
	"context"
	"fmt"
	"runtime"
	"strings"
	"time"

	"github.com/zookit/zookit/internal/jute"
	"github.com/zookit/zookit/internal/proto"
	"github.com/zookit/zookit/internal/wire"
)

// A request is one call from its arguments to its results. It is pooled, with
// its channel, so that a call allocates its results only. Who owns it changes:
// the caller until it is submitted and after done, or its future from then on;
// in between client.mu guards it, and once it is sent the reader of the
// connection may fill in results.
type request struct {
	op      proto.Op
	xid     int32
	phase   phase // guarded by client.mu
	orphan  bool  // nobody waits: who takes it off the ring recycles it; guarded by client.mu
	watch   bool
	bound   *Session // the only one in which it may happen; nil for any
	flags   int32    // of a create; mode of addWatch, kind of removeWatches and checkWatches
	version int32
	number  int64  // a TTL in ms, or the version of a config
	path    string // at the server
	data    []byte
	acls    []proto.ACL
	multi   []proto.MultiOp
	texts   [3]string // of reconfig

	ours    bool             // a removeWatches that RemoveWatches did not ask for
	oneShot *Watch           // to be armed by the reply
	lasting *PersistentWatch // to be armed by the reply

	code  proto.Code // what the server says
	zxid  int64      // of the reply
	err   error      // why there is no answer
	fate  fate
	stat  Stat
	value int32
	body  []byte // the data of a node
	name  string // the path of a created node
	list  lists

	done    chan struct{} // one slot, filled when code or err and the results are set
	timer   *time.Timer   // see RequestTimeout; made when it is needed, and kept as done is
	due     time.Duration // of a promise, as client.now
	promise promise       // told instead of done, for a call that nobody waits in
	seen    *ongoing      // what hooks are told, nil without any

	before, after *request // in client.waiting
}

// lists are the results of the rarer operations.
type lists struct {
	names   []string
	acls    []ACL
	ids     []Identity
	results []proto.MultiResult
}

type phase uint8

const (
	fresh   phase = iota
	waiting       // in client.waiting
	sent          // in the ring of a link
	over          // done is filled, or about to be
)

// A promise takes the request that it waited for, when code or err and the
// results are set. It is kept once, unless it expires before. Neither is called
// with client.mu.
type promise interface {
	keep(r *request)
	expire() // gives the request up, see RequestTimeout
}

// request is that of the client, bound as the view is.
func (c *Conn) request(op proto.Op) *request {
	r := c.client.request(op)
	r.bound = c.bound
	return r
}

func (c *client) request(op proto.Op) *request {
	r, _ := c.requests.Get().(*request)
	if r == nil {
		r = &request{done: make(chan struct{}, 1)}
	}
	r.op = op
	return r
}

// recycle gives r back, which nobody may use any more.
func (c *client) recycle(r *request) {
	clear(r.acls)
	*r = request{done: r.done, timer: r.timer, acls: r.acls[:0]}
	c.requests.Put(r)
}

// call is do for a request on a node: it checks the path and puts the chroot
// before it.
func (c *Conn) call(ctx context.Context, r *request, op, path string) error {
	full, err := c.full(path)
	if err != nil {
		c.recycle(r)
		return &Error{Op: op, Path: path, Err: err, fate: unsent}
	}
	r.path = full
	return c.do(ctx, r, op, path)
}

// full is the path at the server.
func (c *Conn) full(path string) (string, error) {
	if c.invalid != nil {
		return "", c.invalid
	}
	if err := proto.CheckPath(path); err != nil {
		return "", badArguments(err)
	}
	switch {
	case c.chroot == "":
		return path, nil
	case path == "/":
		return c.chroot, nil
	}
	return c.chroot + path, nil
}

// strip is the inverse of full. It tells whether the path is in the chroot.
func strip(chroot, path string) (string, bool) {
	switch {
	case chroot == "":
		return path, true
	case !strings.HasPrefix(path, chroot):
		return path, false
	case len(path) == len(chroot):
		return "/", true
	}
	return path[len(chroot):], path[len(chroot)] == '/'
}

// do submits r and waits for the answer. When it returns nil the caller reads
// the results and recycles r; otherwise r is gone.
func (c *client) do(ctx context.Context, r *request, op, path string) error {
	if c.cfg.hooks == nil {
		return c.perform(ctx, r, op, path)
	}
	o := c.cfg.hooks.begin(ctx, r, Call{Op: op, Path: path})
	err := c.perform(o.ctx, r, op, path)
	o.end(err)
	return err
}

// perform is do, of which nobody is told.
func (c *client) perform(ctx context.Context, r *request, op, path string) error {
	if ctx.Done() != nil && ctx.Err() != nil {
		c.recycle(r)
		return &Error{Op: op, Path: path, Err: contextError(ctx), fate: unsent}
	}
	c.mu.Lock()
	l, err := c.submit(r)
	crowd := l != nil && l.ring.n > 1
	var turn wire.Turn
	if l != nil && !crowd {
		turn = l.turn
	}
	c.mu.Unlock()
	if err != nil {
		c.recycle(r)
		return &Error{Op: op, Path: path, Err: err, fate: unsent}
	}
	if crowd {
		runtime.Gosched() // others who are about to append leave with us
	}
	reads := turn != nil && turn.Take()
	if l != nil {
		l.flush()
	}
	if reads {
		l.readUntil(r)
	}
	return c.wait(ctx, r, op, path)
}

// wait is the second half of perform.
func (c *client) wait(ctx context.Context, r *request, op, path string) error {
	canceled, late := ctx.Done(), c.limit(ctx, r)
	if canceled == nil && late == nil {
		<-r.done
	} else if err := c.waitOr(ctx, canceled, late, r, op, path); err != nil {
		return err
	}
	if err := r.failure(op, path); err != nil {
		c.recycle(r)
		return err
	}
	return nil
}

// waitOr waits for r, and gives it up if canceled or late come before.
func (c *client) waitOr(ctx context.Context, canceled <-chan struct{}, late <-chan time.Time, r *request, op, path string) error {
	var why error
	select {
	case <-r.done:
	case <-canceled:
		why = contextError(ctx)
	case <-late:
		why = c.cfg.timedOut()
	}
	if late != nil {
		r.timer.Stop()
	}
	if why == nil {
		return nil
	}
	if fate, ok := c.abandon(r); ok {
		return &Error{Op: op, Path: path, Err: c.whyWaited(why, fate), fate: fate}
	}
	<-r.done
	return nil
}

// failure is the error of a request that is over, nil when it was answered
// with results.
func (r *request) failure(op, path string) error {
	switch {
	case r.err != nil:
		return &Error{Op: op, Path: path, Err: r.err, fate: r.fate}
	case r.code == proto.NoNode && r.op == proto.OpExists:
		return nil // an answer like another
	case r.code != proto.OK:
		return &Error{Op: op, Path: path, Err: Code(r.code), Zxid: r.zxid}
	}
	return nil
}

// finish hands r to whoever waits for it.
func (r *request) finish() {
	if r.promise != nil {
		r.promise.keep(r)
		return
	}
	r.done <- struct{}{}
}

// whyWaited is err and, where that is why, that there was no connection.
func (c *client) whyWaited(err error, fate fate) error {
	if fate == unsent {
		return fmt.Errorf("%w while not connected (%v)", err, c.lastCause())
	}
	return err
}

// submit sends r on the connection, which the caller then flushes, or makes it
// wait for one. The caller holds c.mu.
func (c *client) submit(r *request) (*link, error) {
	if c.fatal != nil {
		return nil, c.fatal
	}
	if r.bound != nil && r.bound.ctx.Err() != nil {
		return nil, ErrSessionExpired
	}
	if len(r.data) > c.cfg.maxRequest {
		return nil, c.tooLong(len(r.data))
	}
	if c.link == nil {
		if r.promise != nil {
			r.own() // the caller goes on, and may use its slices
		}
		r.phase = waiting
		c.waiting.push(r)
		return nil, nil
	}
	return c.link, c.link.transmit(r)
}

// own makes r keep no slice of the caller.
func (r *request) own() {
	r.data = bytes.Clone(r.data)
	for i := range r.multi {
		r.multi[i].Data = bytes.Clone(r.multi[i].Data)
	}
}

func (c *client) tooLong(n int) error {
	return badArguments(fmt.Errorf("request of %d bytes, but %d are allowed (see MaxRequest)", n, c.cfg.maxRequest))
}

// abandon gives r up, unless the answer is there. It tells what becomes of the
// request, and r is gone.
func (c *client) abandon(r *request) (fate, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch r.phase {
	case waiting:
		c.waiting.remove(r)
		c.recycle(r)
		return unsent, true
	case sent:
		r.orphan, r.promise, r.seen = true, nil, nil // it stays in the ring until its answer comes
		return unknown, true
	}
	return answered, false
}

// fail completes r without an answer. The caller has taken it from where it
// was, and set its phase to over under client.mu, which it does not hold now.
func (c *client) fail(r *request, err error, f fate) {
	if r.orphan {
		c.recycle(r)
		return
	}
	r.err, r.fate = err, f
	r.finish()
}

// appendTo appends the frame.
func (r *request) appendTo(b []byte) []byte {
	b, start := wire.BeginFrame(b)
	b = proto.RequestHeader{Xid: r.xid, Op: r.op}.AppendTo(b)
	switch r.op {
	case proto.OpExists, proto.OpGetData, proto.OpGetChildren, proto.OpGetChildren2:
		b = proto.PathWatch{Path: r.path, Watch: r.watch}.AppendTo(b)
	case proto.OpSetData:
		b = proto.SetDataRequest{Path: r.path, Data: r.data, Version: r.version}.AppendTo(b)
	case proto.OpCreate2, proto.OpCreateContainer:
		b = proto.CreateRequest{Path: r.path, Data: r.data, ACL: r.acls, Flags: r.flags}.AppendTo(b)
	case proto.OpCreateTTL:
		m := proto.CreateRequest{Path: r.path, Data: r.data, ACL: r.acls, Flags: r.flags}
		b = proto.CreateTTLRequest{CreateRequest: m, TTL: r.number}.AppendTo(b)
	case proto.OpDelete:
		b = proto.PathVersion{Path: r.path, Version: r.version}.AppendTo(b)
	case proto.OpSetACL:
		b = proto.SetACLRequest{Path: r.path, ACL: r.acls, Version: r.version}.AppendTo(b)
	case proto.OpGetACL, proto.OpSync, proto.OpGetEphemerals, proto.OpGetAllChildrenNumber:
		b = proto.PathRecord{Path: r.path}.AppendTo(b)
	case proto.OpMulti, proto.OpMultiRead:
		b = proto.MultiRequest{Ops: r.multi}.AppendTo(b)
	case proto.OpAddWatch, proto.OpRemoveWatches, proto.OpCheckWatches:
		b = proto.PathKind{Path: r.path, Kind: r.flags}.AppendTo(b)
	case proto.OpSASL:
		b = proto.SASLToken{Token: r.data}.AppendTo(b)
	case proto.OpReconfig:
		for _, s := range r.texts {
			b = jute.AppendNullable(b, s, s == "")
		}
		b = jute.AppendLong(b, r.number)
	}
	return wire.EndFrame(b, start)
}

// decode reads the body of a successful reply. What outlives the frame is
// cloned; names that come together share one copy.
func (r *request) decode(body []byte) error {
	var in jute.Reader
	var stat proto.Stat
	switch r.op {
	case proto.OpGetData, proto.OpReconfig:
		in.Reset(body, "GetDataResponse")
		r.body = bytes.Clone(in.Buffer())
		stat.Decode(&in)
	case proto.OpExists, proto.OpSetData, proto.OpSetACL:
		in.Reset(body, "Stat")
		stat.Decode(&in)
	case proto.OpCreate2, proto.OpCreateContainer, proto.OpCreateTTL:
		in.Reset(body, "Create2Response")
		r.name = strings.Clone(in.Text())
		stat.Decode(&in)
	case proto.OpGetChildren, proto.OpGetEphemerals:
		in.Reset(bytes.Clone(body), "StringsRecord")
		r.list.names = in.Strings()
	case proto.OpGetChildren2:
		in.Reset(bytes.Clone(body), "GetChildren2Response")
		r.list.names = in.Strings()
		stat.Decode(&in)
	case proto.OpGetACL:
		in.Reset(bytes.Clone(body), "GetACLResponse")
		for _, a := range proto.DecodeACLs(&in, nil) {
			r.list.acls = append(r.list.acls, ACL{Perms: Perm(a.Perms), Scheme: a.Scheme, ID: a.ID})
		}
		stat.Decode(&in)
	case proto.OpSASL:
		in.Reset(body, "SASLToken")
		r.body = bytes.Clone(in.Buffer())
	case proto.OpGetAllChildrenNumber:
		in.Reset(body, "IntRecord")
		r.value = in.Int()
	case proto.OpWhoAmI:
		in.Reset(bytes.Clone(body), "WhoAmIResponse")
		var m proto.WhoAmIResponse
		m.Decode(&in)
		for _, id := range m.Info {
			r.list.ids = append(r.list.ids, Identity{Scheme: id.Scheme, User: id.User})
		}
	case proto.OpMulti, proto.OpMultiRead:
		in.Reset(bytes.Clone(body), "MultiResponse")
		var m proto.MultiResponse
		m.Decode(&in)
		if len(m.Results) != len(r.multi) {
			in.Fail(fmt.Sprintf("%d results for %d operations", len(m.Results), len(r.multi)))
		}
		r.list.results = m.Results
	}
	r.stat = Stat(stat)
	return in.Err()
}
