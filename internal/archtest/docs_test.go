package archtest

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// The tables for those who come from other clients name what there is: every
// zk.Name, c.Method and the like of their second columns.
func TestDocsNameWhatThereIs(t *testing.T) {
	root := filepath.Join("..", "..")
	known := map[string]bool{}
	for variable, dir := range map[string]string{
		"zk": "zk", "admin": "zk/admin", "tlsfiles": "zk/tlsfiles", "gssapi": "zk/gssapi", "harness": "harness",
	} {
		declared(t, filepath.Join(root, dir), variable, known)
	}
	name := regexp.MustCompile(`\b(zk|admin|tlsfiles|gssapi|harness|c|w|f|tx|e)\.([A-Z]\w*)`)
	for _, doc := range []string{"from-go-zookeeper.md", "from-kazoo.md"} {
		text, err := os.ReadFile(filepath.Join(root, "docs", doc))
		require.NoError(t, err)
		n := 0
		for line := range strings.Lines(string(text)) {
			cells := strings.SplitN(line, " | ", 2)
			if len(cells) < 2 || !strings.HasPrefix(line, "|") {
				continue
			}
			for _, m := range name.FindAllStringSubmatch(cells[1], -1) {
				n++
				if !known[m[1]+"."+m[2]] {
					t.Errorf("%s names %s, which there is not: %s", doc, m[0], line)
				}
			}
		}
		require.Greater(t, n, 50, "names found in %s", doc)
	}
}

// declared adds what a package declares: as package.Name, and methods as those
// of the variables that the docs use.
func declared(t *testing.T, dir, pkg string, known map[string]bool) {
	receivers := map[string]string{"zk.Conn": "c", "zk.Txn": "tx", "zk.Future": "f", "zk.Watch": "w", "admin.Words": "w", "harness.Client": "c", "harness.Ensemble": "e"}
	files, err := filepath.Glob(filepath.Join(dir, "*.go"))
	require.NoError(t, err)
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
		require.NoError(t, err)
		for _, decl := range parsed.Decls {
			switch d := decl.(type) {
			case *ast.FuncDecl:
				if d.Recv == nil {
					known[pkg+"."+d.Name.Name] = true
				} else if v, ok := receivers[pkg+"."+receiver(d.Recv.List[0].Type)]; ok {
					known[v+"."+d.Name.Name] = true
				}
			case *ast.GenDecl:
				for _, spec := range d.Specs {
					switch s := spec.(type) {
					case *ast.TypeSpec:
						known[pkg+"."+s.Name.Name] = true
						if st, ok := s.Type.(*ast.StructType); ok && receivers[pkg+"."+s.Name.Name] != "" {
							for _, f := range st.Fields.List {
								for _, n := range f.Names {
									known[receivers[pkg+"."+s.Name.Name]+"."+n.Name] = true
								}
							}
						}
					case *ast.ValueSpec:
						for _, n := range s.Names {
							known[pkg+"."+n.Name] = true
						}
					}
				}
			}
		}
	}
}

// receiver is the name of the type of a method.
func receiver(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.StarExpr:
		return receiver(e.X)
	case *ast.IndexExpr:
		return receiver(e.X)
	case *ast.Ident:
		return e.Name
	}
	return ""
}
