package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"
)

// fieldsMost is how many fields a struct may have: more of them have parts that have names.
const fieldsMost = 20

// largeStructs are those that have more and were not taken apart yet. None is to be added.
var largeStructs = map[string]bool{
	"agent.Config": true, "agent.task": true, "agent/report.collector": true, "agent/ship.Producer": true, "agent/ship.topic": true,
	"consumer.Config": true, "consumer.Reader": true, "consumer.partition": true, "internal/cli.tailTopicFlags": true,
	"tui.agentRow": true, "tui.env": true, "tui.fleetView": true, "tui.streamScreen": true, "tui.styles": true,
}

// TestStructsAreSmall holds structs of this module to fieldsMost fields.
func TestStructsAreSmall(t *testing.T) {
	seen := 0
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && path != "." && (strings.HasPrefix(d.Name(), ".") || path == "bench" || path == "writers" || path == "findings"):
			return filepath.SkipDir
		case d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go"):
			return nil
		}
		f, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		ast.Inspect(f, func(n ast.Node) bool {
			ts, ok := n.(*ast.TypeSpec)
			if !ok {
				return true
			}
			st, ok := ts.Type.(*ast.StructType)
			if !ok {
				return true
			}
			seen++
			name := filepath.ToSlash(filepath.Dir(path)) + "." + ts.Name.Name
			if n := fields(st); n > fieldsMost && !largeStructs[name] {
				t.Errorf("%s has %d fields, at most %d may be: name its parts", name, n, fieldsMost)
			}
			return true
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if seen < 500 {
		t.Errorf("only %d structs were seen", seen)
	}
}

func fields(st *ast.StructType) int {
	n := 0
	for _, f := range st.Fields.List {
		n += max(1, len(f.Names))
	}
	return n
}
