package harness

import (
	"context"
	"fmt"
	"slices"

	"github.com/zookit/zookit/zk"
)

// The assertions below look at what the server has stored, and fail the test.
// Want... looks once; Await... waits, up to 30 s, for what code under test
// does in the background. On a real ensemble they look as its super user, and
// on an external one as anybody, below the test's chroot.

// WantNode returns the znode at path, which has to have the data.
func (e *Ensemble) WantNode(path, data string) Znode {
	e.t.Helper()
	z, ok := e.look(path)
	switch {
	case !ok:
		e.t.Fatalf("harness: %s is not there; want it with data %q", path, data)
	case string(z.Data) != data:
		e.t.Fatalf("harness: %s has data %q; want %q", path, z.Data, data)
	}
	return z
}

// WantNoNode fails when there is a znode at path.
func (e *Ensemble) WantNoNode(path string) {
	e.t.Helper()
	if z, ok := e.look(path); ok {
		e.t.Fatalf("harness: %s is there with data %q; want no such node", path, z.Data)
	}
}

// WantChildren fails unless the znode at path has just the named children, in
// any order.
func (e *Ensemble) WantChildren(path string, names ...string) {
	e.t.Helper()
	if why := e.childrenDiffer(path, names); why != "" {
		e.t.Fatalf("harness: %s", why)
	}
}

// WantEphemeral fails unless path is an ephemeral of the session.
func (e *Ensemble) WantEphemeral(path string, session *zk.Session) {
	e.t.Helper()
	z, ok := e.look(path)
	switch {
	case !ok:
		e.t.Fatalf("harness: %s is not there; want an ephemeral of session 0x%x", path, session.ID())
	case z.Owner != session.ID():
		e.t.Fatalf("harness: %s is owned by session 0x%x; want 0x%x", path, z.Owner, session.ID())
	}
}

// WantWatch fails unless there is a watch of the kind ("data", "children",
// "persistent" or "recursive") on path.
func (e *Ensemble) WantWatch(path, kind string) {
	e.t.Helper()
	watches := e.Watches()
	if !slices.ContainsFunc(watches, func(w Watch) bool { return w.Path == path && w.Kind == kind }) {
		e.t.Fatalf("harness: there is no %s watch on %s, but %v", kind, path, watches)
	}
}

// AwaitNode returns the znode at path once it is there.
func (e *Ensemble) AwaitNode(path string) (z Znode) {
	e.t.Helper()
	e.await(func() (why string) {
		var ok bool
		if z, ok = e.look(path); !ok {
			return path + " is not there"
		}
		return ""
	})
	return z
}

// AwaitData returns the znode at path once it is there with the data.
func (e *Ensemble) AwaitData(path, data string) (z Znode) {
	e.t.Helper()
	e.await(func() (why string) {
		var ok bool
		if z, ok = e.look(path); !ok || string(z.Data) != data {
			return fmt.Sprintf("%s (there: %v) has data %q; want %q", path, ok, z.Data, data)
		}
		return ""
	})
	return z
}

// AwaitNoNode waits until there is no znode at path.
func (e *Ensemble) AwaitNoNode(path string) {
	e.t.Helper()
	e.await(func() (why string) {
		if _, ok := e.look(path); ok {
			return path + " is there"
		}
		return ""
	})
}

// AwaitChildren waits until the znode at path has just the named children, in
// any order.
func (e *Ensemble) AwaitChildren(path string, names ...string) {
	e.t.Helper()
	e.await(func() string { return e.childrenDiffer(path, names) })
}

func (e *Ensemble) childrenDiffer(path string, want []string) (why string) {
	got, ok, err := e.inspector.Children(path)
	if err != nil {
		e.t.Helper()
		e.t.Fatalf("harness: look at %s: %v", path, err)
	}
	if !ok {
		return fmt.Sprintf("%s is not there; want it with the children %v", path, want)
	}
	want = slices.Sorted(slices.Values(want))
	if slices.Sort(got); !slices.Equal(got, want) {
		return fmt.Sprintf("%s has the children %v; want %v", path, got, want)
	}
	return ""
}

// look is the znode at path.
func (e *Ensemble) look(path string) (Znode, bool) {
	z, ok, err := e.inspector.Znode(path)
	if err != nil {
		e.t.Helper()
		e.t.Fatalf("harness: look at %s: %v", path, err)
	}
	return z, ok
}

// await looks when there may be news until there is nothing to complain of.
func (e *Ensemble) await(look func() (why string)) {
	e.t.Helper()
	ctx, cancel := context.WithTimeout(e.t.Context(), patience)
	defer cancel()
	var why string
	err := e.inspector.Await(ctx, func() bool {
		why = look()
		return why == ""
	})
	if err != nil {
		e.t.Fatalf("harness: after %v: %s", patience, why)
	}
}
