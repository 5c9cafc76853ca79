package tail

import (
	"errors"
	"go/ast"
	"go/types"
	"strings"
	"testing"
)

// unguarded are the parts of a Set, a slot and a File that are written without Set.mu: by
// who holds scanMu, by the holder of the file, or by their own means.
var unguarded = map[string]string{
	"Set.looks":     "scanMu",
	"Set.walker":    "scanMu", // its fields: the walker itself stays
	"slot.family":   "scanMu",
	"slot.heldOpen": "scanMu",
	"slot.mtime":    "scanMu",
	"Set.inbox":     "its own lock",
	"File.reading":  "the holder",
}

// TestWritesAreGuarded: what Set.mu guards is written with the lock held. Status, reports and
// all who decide read it, on many goroutines.
func TestWritesAreGuarded(t *testing.T) {
	w := newLockWalk(t)
	info := &types.Info{Selections: map[*ast.SelectorExpr]*types.Selection{}}
	conf := types.Config{Importer: noImports{}, Error: func(error) {}} // the types of this package are all that is asked for
	_, _ = conf.Check("logctl/agent/tail", w.fset, w.files, info)
	seen := 0
	w.assign = func(st ast.Stmt, locked bool) {
		var to []ast.Expr
		switch st := st.(type) {
		case *ast.AssignStmt:
			to = st.Lhs
		case *ast.IncDecStmt:
			to = []ast.Expr{st.X}
		}
		for _, e := range to {
			part := guardedPart(info, e)
			if part == "" || unguarded[part] != "" {
				continue
			}
			if seen++; !locked {
				t.Errorf("%s: %s is written without the lock", w.fset.Position(e.Pos()), part)
			}
		}
	}
	for name, decls := range w.funcs {
		for _, d := range decls {
			switch r := receiver(d); {
			case r == "Rounds", r == "Watcher", name == "open": // nobody else has the Set yet
			case r == "Set", r == "File", r == "slot", r == "":
				w.block(d.Body.List, strings.HasSuffix(name, "Locked"))
			}
		}
	}
	if seen < 170 {
		t.Errorf("only %d writes were seen", seen)
	}
}

// noImports spares the checking of all that is imported.
type noImports struct{}

func (noImports) Import(string) (*types.Package, error) { return nil, errors.New("not asked for") }

// guardedPart returns what e is a part of, as "File.pos", or "File.reading" for all that a
// reader has; "" when e is no part of a Set, a slot or a File.
func guardedPart(info *types.Info, e ast.Expr) string {
	for {
		switch x := e.(type) {
		case *ast.IndexExpr:
			e = x.X
		case *ast.SelectorExpr:
			if part := partOf(info.Selections[x]); part != "" {
				return part
			}
			e = x.X
		default:
			return ""
		}
	}
}

func partOf(sel *types.Selection) string {
	if sel == nil {
		return ""
	}
	of := sel.Recv()
	if p, ok := of.(*types.Pointer); ok {
		of = p.Elem()
	}
	named, ok := of.(*types.Named)
	if !ok {
		return ""
	}
	name := named.Obj().Name()
	if name != "Set" && name != "slot" && name != "File" {
		return ""
	}
	first := named.Underlying().(*types.Struct).Field(sel.Index()[0]) //nolint:forcetypeassert // all three are structs
	if group := name + "." + first.Name(); unguarded[group] != "" {
		return group
	}
	return name + "." + sel.Obj().Name()
}
