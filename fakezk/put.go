package fakezk

import (
	"fmt"

	"github.com/zookit/zookit/internal/proto"
)

// Put stores data at path, for preparing what a test needs: it sets the data of
// a znode that is there, or creates it, open to all, and its missing parents.
// No ACL holds it back, and watches fire. It fails for a path that no znode can
// have, and below an ephemeral.
func (e *Ensemble) Put(path string, data []byte) error {
	var fx effects
	e.mu.Lock()
	code := e.put(path, data, &fx)
	e.mu.Unlock()
	fx.run()
	if code != proto.OK {
		return fmt.Errorf("fakezk: put %s: %w", path, code)
	}
	return nil
}

func (e *Ensemble) put(path string, data []byte, fx *effects) proto.Code {
	if err := proto.CheckPath(path); err != nil {
		return proto.BadArguments
	}
	for end := range path {
		if end == 0 || path[end] != '/' || e.state.tree.get(path[:end]) != nil {
			continue
		}
		if code := e.putOne(path[:end], []byte{}, fx); code != proto.OK {
			return code
		}
	}
	return e.putOne(path, data, fx)
}

// putOne is a transaction of its own.
func (e *Ensemble) putOne(path string, data []byte, fx *effects) (code proto.Code) {
	t := txn{zxid: e.state.next(), now: e.wallClock(), ids: []identity{{schemeSuper, ""}}}
	if e.state.tree.get(treePath(path)) != nil {
		_, code = e.state.set(&t, path, data, -1)
	} else {
		_, code = e.state.create(&t, &createArgs{
			op: proto.OpCreate, path: path, data: data, acl: openACL.entries, ttl: -1,
		})
	}
	e.fire(fx)
	return code
}
