package tail

import (
	"go/ast"
	"go/build"
	"go/parser"
	"go/token"
	"io/fs"
	"slices"
	"strings"
	"testing"
)

// lockWalk reads the sources of this package and tells which calls may wait for a file
// system while Set.mu is held. It goes by names: a function is known by its own, and every
// function whose name ends in Locked is entered with the lock.
type lockWalk struct {
	fset  *token.FileSet
	funcs map[string][]*ast.FuncDecl
	waits map[string]string // functions that may wait, and for which call
	found []string

	files  []*ast.File
	assign func(st ast.Stmt, locked bool) // called for each statement; nil: nothing is
}

// fsCalls are the calls that may wait for a file system, as they are written here.
var fsCalls = []string{
	"fsys.StatPath", "fsys.StatFile", "fsys.Birth", "fsys.BirthPath", "fsys.ReadAt", "fsys.ReadFull", "fsys.SeekData", "fsys.NameOf",
	"fsys.Resolve", "fsys.ReadNames", "sys.StatPath", "sys.StatFile", "sys.StatFollowed", "sys.Birth", "sys.Open", "sys.ReadNames", "sys.Resolve",
	"fingerprint.First", "fingerprint.Match", "fingerprint.Compare", "fingerprint.Begins", "fingerprint.Extend", "trail.Ended", "trail.Along",
	"packed.Open", "quick.Read", "r.Read", "r.Skip", "io.ReadFull", "os.Lstat", "os.Readlink", "os.Open", "os.ReadDir",
	"h.Close", "handle.Close", "walker.Walk", "w.Walk", "cfg.Allowed", "opener.Real",
}

func newLockWalk(t *testing.T) *lockWalk {
	t.Helper()
	w := &lockWalk{fset: token.NewFileSet(), funcs: map[string][]*ast.FuncDecl{}, waits: map[string]string{}}
	pkgs, err := parser.ParseDir(w.fset, ".", func(i fs.FileInfo) bool { return !strings.HasSuffix(i.Name(), "_test.go") }, 0) //nolint:staticcheck // names are all that is asked for
	if err != nil {
		t.Fatal(err)
	}
	for name, f := range pkgs["tail"].Files {
		if ok, err := build.Default.MatchFile(".", name); err != nil || ok {
			w.files = append(w.files, f)
		}
		for _, d := range f.Decls {
			if d, ok := d.(*ast.FuncDecl); ok && d.Body != nil {
				name := d.Name.Name
				if d.Recv != nil {
					name = "." + name
				}
				w.funcs[name] = append(w.funcs[name], d)
			}
		}
	}
	for more := true; more; {
		more = false
		for name, decls := range w.funcs {
			if _, known := w.waits[name]; known {
				continue
			}
			for _, d := range decls {
				if call := w.firstWait(d.Body); call != "" {
					w.waits[name], more = call, true
				}
			}
		}
	}
	return w
}

// firstWait returns the first call in the body that may wait, "" if there is none. A call
// made with the lock suspended is one, too.
func (w *lockWalk) firstWait(body ast.Node) (call string) {
	ast.Inspect(body, func(n ast.Node) bool {
		if c, ok := n.(*ast.CallExpr); ok && call == "" && w.mayWait(c) {
			call = written(c.Fun)
		}
		return call == ""
	})
	return call
}

// mayWait tells whether a call may wait for a file system: one of fsCalls, or of a function
// of this package that makes one. A function that is called with the lock is judged by its
// own body.
func (w *lockWalk) mayWait(c *ast.CallExpr) bool {
	name := written(c.Fun)
	last := name[strings.LastIndexByte(name, '.')+1:]
	if last != name {
		last = "." + last
	}
	_, waits := w.waits[last]
	known := !slices.ContainsFunc([]string{"memory.", "heads.", "phase.", "slices.", "maps."}, func(p string) bool { return strings.Contains(name, p) })
	return waits && known && !strings.HasSuffix(last, "Locked") || slices.ContainsFunc(fsCalls, func(x string) bool { return name == x || strings.HasSuffix(name, "."+x) })
}

// written is a function as it is written in a call: "s.sys.StatFile".
func written(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.Ident:
		return e.Name
	case *ast.SelectorExpr:
		return written(e.X) + "." + e.Sel.Name
	case *ast.IndexExpr:
		return written(e.X)
	case *ast.CallExpr:
		return written(e.Fun)
	case *ast.ParenExpr:
		return written(e.X)
	}
	return "?"
}

// receiver is the name of the type that d is a method of; "": it is none.
func receiver(d *ast.FuncDecl) string {
	if d.Recv == nil {
		return ""
	}
	t := d.Recv.List[0].Type
	if p, ok := t.(*ast.StarExpr); ok {
		t = p.X
	}
	return written(t)
}

// block goes through statements in their order and returns whether the lock is held after
// them; locked: it is before.
func (w *lockWalk) block(list []ast.Stmt, locked bool) bool {
	for _, st := range list {
		locked = w.stmt(st, locked)
	}
	return locked
}

func (w *lockWalk) stmt(st ast.Stmt, locked bool) bool {
	inner := func(b *ast.BlockStmt, cond ...ast.Node) bool {
		for _, c := range cond {
			w.exprs(c, locked)
		}
		after := w.block(b.List, locked)
		if n := len(b.List); n > 0 {
			switch b.List[n-1].(type) {
			case *ast.ReturnStmt, *ast.BranchStmt:
				return locked // it does not go on behind the block
			}
		}
		return after
	}
	if w.assign != nil {
		w.assign(st, locked)
	}
	switch st := st.(type) {
	case *ast.BlockStmt:
		return w.block(st.List, locked)
	case *ast.IfStmt:
		if st.Init != nil {
			locked = w.stmt(st.Init, locked)
		}
		after := inner(st.Body, st.Cond)
		if st.Else != nil {
			w.stmt(st.Else, locked)
		}
		return after
	case *ast.ForStmt:
		for _, s := range []ast.Stmt{st.Init, st.Post} {
			if s != nil {
				w.stmt(s, locked)
			}
		}
		return inner(st.Body, st.Cond)
	case *ast.RangeStmt:
		return inner(st.Body, st.X)
	case *ast.SwitchStmt:
		if st.Init != nil {
			w.stmt(st.Init, locked)
		}
		w.exprs(st.Tag, locked)
		return inner(st.Body)
	case *ast.CaseClause:
		for _, e := range st.List {
			w.exprs(e, locked)
		}
		after := w.block(st.Body, locked)
		if n := len(st.Body); n > 0 {
			if _, ends := st.Body[n-1].(*ast.ReturnStmt); ends {
				return locked
			}
		}
		return after
	case *ast.SelectStmt:
		return inner(st.Body)
	case *ast.CommClause:
		return w.block(st.Body, locked)
	case *ast.DeferStmt:
		if strings.HasSuffix(written(st.Call.Fun), "mu.Unlock") {
			return locked // to the end
		}
		w.exprs(st.Call, locked)
		return locked
	case *ast.ExprStmt:
		if c, ok := st.X.(*ast.CallExpr); ok {
			switch name := written(c.Fun); {
			case strings.Contains(name, "inbox."): // another lock
			case strings.HasSuffix(name, "mu.Lock"), strings.HasSuffix(name, "mu.RLock"), strings.HasSuffix(name, "mu.resume"), strings.HasSuffix(name, "facts.Lock"):
				return true
			case strings.HasSuffix(name, "mu.Unlock"), strings.HasSuffix(name, "mu.RUnlock"), strings.HasSuffix(name, "mu.suspend"), strings.HasSuffix(name, "facts.Unlock"):
				return false
			}
		}
	}
	w.exprs(st, locked)
	return locked
}

// exprs notes the calls in n that may wait, if the lock is held.
func (w *lockWalk) exprs(n ast.Node, locked bool) {
	if n == nil || !locked {
		return
	}
	ast.Inspect(n, func(n ast.Node) bool {
		c, ok := n.(*ast.CallExpr)
		if !ok {
			return true
		}
		if name := written(c.Fun); name == "unlocked" || name == "go" {
			return false
		}
		if w.mayWait(c) {
			w.found = append(w.found, w.fset.Position(c.Pos()).String()+": "+written(c.Fun))
		}
		return true
	})
}

// TestNothingWaitsUnderTheLock: whoever asks a Set takes Set.mu, and must not wait for a
// file system. So none is called while it is held, unless it is suspended for the call.
func TestNothingWaitsUnderTheLock(t *testing.T) {
	w := newLockWalk(t)
	for name, decls := range w.funcs {
		for _, d := range decls {
			if r := receiver(d); r != "Rounds" && r != "Watcher" { // their locks are others
				w.block(d.Body.List, strings.HasSuffix(name, "Locked"))
			}
		}
	}
	slices.Sort(w.found)
	for _, at := range w.found {
		t.Errorf("%s is called with the lock held", at)
	}
	if len(w.waits) < 50 {
		t.Errorf("only %d functions are known to wait for a file system: the test sees too few", len(w.waits))
	}
}
