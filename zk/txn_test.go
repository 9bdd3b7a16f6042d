package zk

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/internal/proto"
)

// Where no server has answered, no result can be taken for success or failure.
func TestTxnWithoutAnswer(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, s *script) {
		c, p := s.start()
		for name, commit := range map[string]func(tx *Txn, ctx context.Context) func() error{
			"waits": func(tx *Txn, ctx context.Context) func() error {
				return async(func() error { return tx.Commit(ctx) }).wait
			},
			"async": func(tx *Txn, ctx context.Context) func() error {
				f := c.Async().Commit(tx)
				context.AfterFunc(ctx, func() { f.Cancel() })
				return func() error {
					_, err := f.Wait(bg)
					return err
				}
			},
		} {
			tx := c.Txn()
			made, deleted := tx.Create("/a", nil, PersistentSequential), tx.Delete("/b", AnyVersion)
			ctx, cancel := context.WithCancel(bg)
			wait := commit(tx, ctx)
			r := p.want(proto.OpMulti)
			cancel()
			err := wait()
			require.ErrorIs(t, err, context.Canceled, name)
			for _, err := range []error{err, made.Err, deleted.Err} {
				require.ErrorIs(t, err, context.Canceled)
				require.True(t, MayHaveApplied(err))
			}
			require.ErrorContains(t, made.Err, "zk: create /a: ")
			require.Empty(t, made.Path)
			p.reply(r.xid, 0, &proto.MultiResponse{Results: []proto.MultiResult{{Op: proto.OpCreate}, {Op: proto.OpDelete}}})
		}
		tx := c.Txn()
		made := tx.Create("/a", nil, Persistent)
		commit := c.Async().Commit(tx)
		p.want(proto.OpMulti)
		p.conn.Close()
		_, err := commit.Wait(bg)
		require.ErrorIs(t, err, ErrConnectionLoss)
		require.ErrorIs(t, made.Err, ErrConnectionLoss)
		require.True(t, MayHaveApplied(made.Err))
		c.Close()
		tx = c.Txn()
		set, made := tx.Set("/a", nil, 3), tx.Create("/b", nil, Persistent)
		_, err = c.Async().Commit(tx).Wait(bg)
		require.ErrorIs(t, err, ErrClosed)
		require.ErrorIs(t, set.Err, ErrClosed)
		require.True(t, NotSent(made.Err))
		read := c.ReadTxn()
		got := read.Get("/a")
		require.ErrorIs(t, read.Read(bg), ErrClosed)
		require.ErrorIs(t, got.Err, ErrClosed)
	})
}

// Answers of other forms: a whole refused, a culprit that is not named, an
// unknown code, a result of another kind, and too few.
func TestTxnAnswers(t *testing.T) {
	results := func(res ...proto.MultiResult) *proto.MultiResponse { return &proto.MultiResponse{Results: res} }
	failed := func(code proto.Code) proto.MultiResult { return proto.MultiResult{Op: proto.OpError, Err: code} }
	for name, tc := range map[string]struct {
		code proto.Code
		body *proto.MultiResponse
		want error
	}{
		"the whole":  {proto.SessionMoved, nil, ErrSessionMoved},
		"no culprit": {0, results(failed(proto.RuntimeInconsistency), failed(proto.RuntimeInconsistency)), ErrRuntimeInconsistency},
		"unknown":    {0, results(failed(0), failed(-126)), Code(-126)},
		"too few":    {0, results(failed(proto.NoNode)), ErrConnectionLoss},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, 1, func(t *testing.T, s *script) {
				c, p := s.start()
				tx := c.Txn()
				set, check := tx.Set("/a", nil, 0), tx.Check("/b", 0)
				commit := async(func() error { return tx.Commit(bg) })
				var body proto.Record
				if tc.body != nil {
					body = tc.body
				}
				p.reply(p.want(proto.OpMulti).xid, tc.code, body)
				err := commit.wait()
				require.ErrorIs(t, err, tc.want)
				require.Error(t, set.Err)
				require.Error(t, check.Err)
				require.True(t, errors.Is(set.Err, tc.want) || errors.Is(check.Err, tc.want))
				c.Close()
			})
		})
	}
}
