package safe

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestNothingPassesTheSanitiserBy reads the program's own source: no other package
// makes Text by conversion, commands write to their streams through this package
// only, and formats of Sprintf are constants.
func TestNothingPassesTheSanitiserBy(t *testing.T) {
	root := filepath.Join("..", "..")
	set := token.NewFileSet()
	files := 0
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (strings.HasPrefix(d.Name(), ".") && path != root || slices.Contains([]string{"bench", "testdata", "findings"}, d.Name())):
			return filepath.SkipDir
		case !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") || strings.Contains(path, filepath.Join("internal", "safe")):
			return nil
		}
		src, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		f, err := parser.ParseFile(set, path, src, 0)
		if err != nil {
			return err
		}
		files++
		for _, at := range passages(f, strings.Contains(path, filepath.Join("internal", "cli"))) {
			t.Errorf("%v: %s", set.Position(at.pos), at.what)
		}
		return nil
	})
	if err != nil || files < 100 {
		t.Fatalf("%d files read: %v", files, err)
	}
}

// TestTheLinterSeesWhatItForbids gives it code that it must not like.
func TestTheLinterSeesWhatItForbids(t *testing.T) {
	for _, line := range []string{
		`_ = safe.Text(name)`, `_ = safe.Text(a.b + "x")`, `fmt.Fprintf(a.Out, "%s", name)`, `fmt.Fprintln(a.Err, name)`,
		`io.WriteString(a.Out, name)`, `json.NewEncoder(a.Out)`, `a.Out.Write(data)`, `safe.Sprintf(name)`, `safe.Fprintf(a.Out, name, 1)`,
	} {
		f, err := parser.ParseFile(token.NewFileSet(), "", "package p\nfunc f() {\n"+line+"\n}", 0)
		if err != nil {
			t.Fatal(err)
		}
		if len(passages(f, true)) != 1 {
			t.Errorf("%s is not seen", line)
		}
	}
}

type passage struct {
	pos  token.Pos
	what string
}

func passages(f *ast.File, command bool) (out []passage) {
	ast.Inspect(f, func(n ast.Node) bool {
		if fn, ok := n.(*ast.FuncDecl); ok && fn.Name.Name == "write" && fn.Recv != nil && command {
			return false // the one way past this package; see internal/cli/output.go
		}
		call, ok := n.(*ast.CallExpr)
		if !ok {
			return true
		}
		add := func(what string) { out = append(out, passage{call.Pos(), what}) }
		switch name := dotted(call.Fun); {
		case name == "safe.Text" && !constant(call.Args[0]):
			add("makes safe.Text past the sanitiser: use safe.Clean")
		case name == "safe.Sprintf" && !constant(call.Args[0]), name == "safe.Fprintf" && !constant(call.Args[1]):
			add("the format is no constant")
		case !command:
		case name == "a.Out.Write" || name == "a.Err.Write",
			(strings.HasPrefix(name, "fmt.Fprint") || name == "io.WriteString" || name == "json.NewEncoder") && slices.Contains([]string{"a.Out", "a.Err"}, dotted(call.Args[0])):
			add("writes to a stream past the sanitiser: use safe.Fprintf, or (*app).write for data")
		}
		return true
	})
	return out
}

// dotted is a name such as a.Out, or empty.
func dotted(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.Ident:
		return e.Name
	case *ast.SelectorExpr:
		if x := dotted(e.X); x != "" {
			return x + "." + e.Sel.Name
		}
	}
	return ""
}

func constant(e ast.Expr) bool {
	switch e := e.(type) {
	case *ast.BasicLit:
		return true
	case *ast.BinaryExpr:
		return constant(e.X) && constant(e.Y)
	}
	return false
}
