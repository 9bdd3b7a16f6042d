package zk

import (
	"context"
	"errors"
	"time"
)

var (
	// ErrNotCommitted is the error of an operation of a [Txn] before Commit, and
	// of one of a [ReadTxn] before Read.
	ErrNotCommitted = errors.New("not committed")

	// ErrNotTried is the error of an operation of a [Txn] behind the one that
	// failed, and of all others where one is not valid, so that none was sent.
	ErrNotTried = errors.New("not tried: another operation of the transaction failed")
)

// A Txn is a transaction to be: operations that are collected, and then done
// all or not at all by Commit, which fills in what the methods have returned.
//
//	tx := c.Txn()
//	tx.Check("/leader", epoch)
//	made := tx.Create("/jobs/j-", job, zk.PersistentSequential)
//	if err := tx.Commit(ctx); err != nil {
//		return err
//	}
//	log.Print("created ", made.Path)
//
// As long as the transaction has not succeeded, Err of every result is an
// [*Error] with the operation and its path, which wraps
//
//   - [ErrNotCommitted] before Commit,
//   - of the operation that failed, its [Code], or what is not valid about it,
//   - [ErrRolledBack] before that one,
//   - [ErrNotTried] behind it,
//   - of all, what made Commit fail where no server has answered. If
//     [MayHaveApplied] they may have been done.
//
// A Txn is for one goroutine at a time.
type Txn struct {
	c         *Conn
	ops       []Op
	results   []txnResult
	committed bool
}

// Txn begins to collect a transaction.
func (c *Conn) Txn() *Txn { return &Txn{c: c} }

// A txnResult is filled in when it is known what became of an operation.
type txnResult interface{ fill(res OpResult) }

// TxnCreated is what became of a node to be created.
type TxnCreated struct {
	Path string // which a sequential mode makes longer; "" unless it was created
	Stat Stat   // zero of servers before 3.8.2, which do not tell
	Err  error  // see Txn
}

// TxnSet is what became of a node whose data was to be set.
type TxnSet struct {
	Stat Stat  // after it
	Err  error // see Txn
}

// TxnDone is what became of a Delete or Check.
type TxnDone struct {
	Err error // see Txn
}

func (t *TxnCreated) fill(res OpResult) { t.Path, t.Stat, t.Err = res.Path, res.Stat, res.Err }
func (t *TxnSet) fill(res OpResult)     { t.Stat, t.Err = res.Stat, res.Err }
func (t *TxnDone) fill(res OpResult)    { t.Err = res.Err }

// addTo adds an operation to t.
func addTo[R txnResult](t *Txn, o Op, res R) R {
	res.fill(OpResult{Err: &Error{Op: o.name, Path: o.path, Err: ErrNotCommitted, fate: unsent}})
	t.ops, t.results = append(t.ops, o), append(t.results, res)
	return res
}

// Create creates a node; see [Conn.Create].
func (t *Txn) Create(path string, data []byte, mode CreateMode, acl ...ACL) *TxnCreated {
	return addTo(t, CreateOp(path, data, mode, acl...), new(TxnCreated))
}

// CreateTTL creates a node with a time to live; see [Conn.CreateTTL].
func (t *Txn) CreateTTL(path string, data []byte, mode CreateMode, ttl time.Duration, acl ...ACL) *TxnCreated {
	return addTo(t, CreateTTLOp(path, data, mode, ttl, acl...), new(TxnCreated))
}

// Set sets the data of a node; see [Conn.Set].
func (t *Txn) Set(path string, data []byte, version int32) *TxnSet {
	return addTo(t, SetOp(path, data, version), new(TxnSet))
}

// Delete deletes a node; see [Conn.Delete].
func (t *Txn) Delete(path string, version int32) *TxnDone {
	return addTo(t, DeleteOp(path, version), new(TxnDone))
}

// Check makes the transaction depend on the version of a node; see [CheckOp].
func (t *Txn) Check(path string, version int32) *TxnDone {
	return addTo(t, CheckOp(path, version), new(TxnDone))
}

// Commit does all operations, each as if those before it were done, or none
// and fails: the error then wraps a [*MultiError], which names the one that
// failed, and its Code. It can be called once. Without operations it succeeds
// if a server answers.
func (t *Txn) Commit(ctx context.Context) error {
	if err := t.begin(); err != nil {
		return &Error{Op: "multi", Err: err, fate: unsent}
	}
	results, err := t.c.Multi(ctx, t.ops...)
	t.conclude(results, err)
	return err
}

// Commit is [Txn.Commit]. The results are there when the Future is done.
func (a Async) Commit(t *Txn) *Future[struct{}] {
	err := t.begin()
	if err != nil {
		return failed[struct{}](t.c, "multi", "", err)
	}
	var results []OpResult
	f := &Future[struct{}]{conn: t.c, op: "multi"}
	f.read = func(c *Conn, r *request) (_ struct{}, err error) {
		results, err = c.multiResults(t.ops, r)
		return struct{}{}, err
	}
	f.note = func(err error) { t.conclude(results, err) }
	r, err := t.c.multiRequest(t.ops)
	if err != nil {
		f.settle(struct{}{}, &Error{Op: "multi", Err: err, fate: unsent})
		return f
	}
	f.submit(r)
	return f
}

func (t *Txn) begin() error {
	if t.committed {
		return badArguments(errors.New("the transaction has been committed before"))
	}
	t.committed = true
	return nil
}

// conclude tells every result what became of it.
func (t *Txn) conclude(results []OpResult, err error) {
	all, _ := errors.AsType[*Error](err)
	one, named := errors.AsType[*MultiError](err)
	for i, o := range t.ops {
		var res OpResult
		switch {
		case err == nil:
			res = results[i]
		case !named:
			res.Err = all.Err
		case i == one.Index:
			res.Err = one.Err
		case results != nil && results[i].Err == ErrRolledBack:
			res.Err = ErrRolledBack
		default:
			res.Err = ErrNotTried
		}
		if res.Err != nil {
			res.Err = &Error{Op: o.name, Path: o.path, Err: res.Err, Zxid: all.Zxid, fate: all.fate}
		}
		t.results[i].fill(res)
	}
}
