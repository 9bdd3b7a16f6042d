package zk

import (
	"context"
	"errors"
)

// A ReadTxn is reads of several nodes at one moment: it collects them, and Read
// fills in what the methods have returned. What is wrong with one of them its
// own Err says.
//
//	tx := c.ReadTxn()
//	config, members := tx.Get("/config"), tx.Children("/members")
//	if err := tx.Read(ctx); err != nil {
//		return err
//	}
//
// It takes a server of 3.6. A ReadTxn is for one goroutine at a time.
type ReadTxn struct {
	c       *Conn
	ops     []ReadOp
	results []readResult
	done    bool
}

// ReadTxn begins to collect reads.
func (c *Conn) ReadTxn() *ReadTxn { return &ReadTxn{c: c} }

// A readResult is filled in when there is an answer, or will be none.
type readResult interface{ fill(res ReadResult) }

// TxnData is the data of a node.
type TxnData struct {
	Data []byte
	Stat Stat
	Err  error // an *Error; ErrNotCommitted before Read
}

// TxnChildren is the names of a node's children, in no order.
type TxnChildren struct {
	Names []string
	Err   error // an *Error; ErrNotCommitted before Read
}

func (t *TxnData) fill(res ReadResult)     { *t = TxnData{res.Data, res.Stat, res.Err} }
func (t *TxnChildren) fill(res ReadResult) { *t = TxnChildren{res.Children, res.Err} }

func addRead[R readResult](t *ReadTxn, o ReadOp, res R) R {
	res.fill(ReadResult{Err: &Error{Op: o.name, Path: o.path, Err: ErrNotCommitted, fate: unsent}})
	t.ops, t.results = append(t.ops, o), append(t.results, res)
	return res
}

// Get reads the data of a node; see [Conn.Get].
func (t *ReadTxn) Get(path string) *TxnData { return addRead(t, GetOp(path), new(TxnData)) }

// Children reads the names of a node's children; see [Conn.ChildNames].
func (t *ReadTxn) Children(path string) *TxnChildren {
	return addRead(t, ChildrenOp(path), new(TxnChildren))
}

// Read reads all. If it fails there are no results, and the Err of each says
// why. It can be called once. Without reads it succeeds if a server answers.
func (t *ReadTxn) Read(ctx context.Context) error {
	if t.done {
		return &Error{Op: "multi read", Err: badArguments(errors.New("the nodes have been read before")), fate: unsent}
	}
	t.done = true
	results, err := t.c.MultiRead(ctx, t.ops...)
	all, _ := errors.AsType[*Error](err)
	for i, o := range t.ops {
		if err != nil {
			t.results[i].fill(ReadResult{Err: &Error{Op: o.name, Path: o.path, Err: all.Err, fate: all.fate}})
		} else {
			t.results[i].fill(results[i])
		}
	}
	return err
}
