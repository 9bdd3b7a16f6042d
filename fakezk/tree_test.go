package fakezk

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// pathGen draws paths of few names, some of which are prefixes of others or
// have bytes below the slash.
func pathGen() *rapid.Generator[string] {
	name := rapid.SampledFrom([]string{"a", "b", "a b", "a-", "a.", "aa", "é", " "})
	return rapid.Custom(func(t *rapid.T) string {
		return "/" + strings.Join(rapid.SliceOfN(name, 1, 4).Draw(t, "names"), "/")
	})
}

// treeModel is a tree as a map, with the names of children by parent.
type treeModel map[string]bool

func (m treeModel) children(dir string) []string {
	var names []string
	for path := range m {
		if below(path, dir) && !strings.Contains(path[len(dir)+1:], "/") {
			names = append(names, path[len(dir)+1:])
		}
	}
	slices.Sort(names)
	return names
}

func (m treeModel) countBelow(dir string) (n int) {
	for path := range m {
		if below(path, dir) {
			n++
		}
	}
	return n
}

// sorted are the paths in order of their names from the root.
func (m treeModel) sorted() []string {
	var paths []string
	for path := range m {
		paths = append(paths, path)
	}
	slices.SortFunc(paths, func(a, b string) int {
		return slices.Compare(strings.Split(a, "/"), strings.Split(b, "/"))
	})
	return paths
}

// equal wants a tree to have what the model has.
func (m treeModel) equal(t *rapid.T, tr *tree) {
	var paths []string
	tr.nodes.Ascend(func(n *znode) bool { paths = append(paths, n.path); return true })
	require.Equal(t, m.sorted(), paths, "a node and its descendants are one range")
	for path := range m {
		n := tr.get(path)
		require.NotNil(t, n, path)
		names := tr.appendChildren(nil, n)
		slices.Sort(names)
		require.Equal(t, m.children(path), names, "children of %q", path)
		require.Equal(t, m.countBelow(path), tr.countBelow(path), "descendants of %q", path)
	}
}

// Whatever is put in and removed, a tree has the nodes, children and order of a
// map, and a clone has what the tree had when it was made.
func TestTreeIsAMap(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		tr, model := newTree(), treeModel{"": true}
		tr.put(&znode{})
		type pair struct {
			tree  *tree
			model treeModel
		}
		var clones []pair
		for range rapid.IntRange(0, 40).Draw(t, "steps") {
			path := pathGen().Draw(t, "path")
			parent := parentPath(path)
			switch {
			case rapid.IntRange(0, 9).Draw(t, "clone") == 0:
				clones = append(clones, pair{tr.clone(), cloneModel(model)})
			case model[path] && model.countBelow(path) == 0:
				tr.remove(path)
				delete(model, path)
				tr.mutable(tr.get(parent)).children--
			case !model[path] && model[parent]:
				tr.put(&znode{path: path})
				model[path] = true
				tr.mutable(tr.get(parent)).children++
			}
		}
		model.equal(t, tr)
		for _, c := range clones {
			c.model.equal(t, c.tree)
		}
	})
}

func cloneModel(m treeModel) treeModel {
	c := treeModel{}
	for path := range m {
		c[path] = true
	}
	return c
}
