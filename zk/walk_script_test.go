package zk

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/internal/proto"
)

// Children come in the order of their names, whatever the order of the server,
// and without those that have vanished since they were listed.
func TestWalkSortsAndSkips(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, s *script) {
		c, p := s.start()
		var paths []string
		walk := async(func() error {
			for n, err := range c.Walk(context.Background(), "/") {
				if err != nil {
					return err
				}
				paths = append(paths, n.Path)
			}
			return nil
		})
		p.reply(p.want(proto.OpGetData).xid, 0, &proto.GetDataResponse{Stat: proto.Stat{NumChildren: 3}})
		p.reply(p.want(proto.OpGetChildren).xid, 0, &proto.StringsRecord{Strings: []string{"c", "a", "b"}})
		for _, code := range []proto.Code{0, proto.NoNode, 0} {
			r := p.want(proto.OpGetData)
			if code != 0 {
				p.reply(r.xid, code, nil)
				continue
			}
			p.reply(r.xid, 0, &proto.GetDataResponse{})
		}
		require.NoError(t, walk.wait())
		require.Equal(t, []string{"/", "/a", "/c"}, paths)
		go p.answerAll()
		require.NoError(t, c.Close())
	})
}
