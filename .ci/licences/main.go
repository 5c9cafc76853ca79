// Command licences reads the licence of every module that is linked into logctl, in the module
// cache, and fails when one has none of the licences that may be. It runs in .ci/licences:
//
//	go run . -root ../..
package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/google/licensecheck"
)

// allowed are the licences that a binary under Apache-2.0 may carry, by SPDX.
var allowed = []string{"Apache-2.0", "MIT", "BSD-2-Clause", "BSD-2-Clause-Views", "BSD-3-Clause", "ISC", "0BSD", "CC0-1.0", "MPL-2.0", "MPL-2.0-no-copyleft-exception"}

func main() {
	root := flag.String("root", "../..", "directory of the module that is checked")
	flag.Parse()
	if err := run(*root); err != nil {
		fmt.Fprintln(os.Stderr, "licences:", err)
		os.Exit(1)
	}
}

type module struct {
	Path, Version, Dir string
	Main               bool
}

func run(root string) error {
	modules, err := linked(root)
	if err != nil {
		return err
	}
	var bad []error
	for _, m := range modules {
		found, err := licences(m.Dir)
		if err == nil && !slices.ContainsFunc(found, func(id string) bool { return slices.Contains(allowed, id) }) {
			err = fmt.Errorf("found %q, none of %s", found, strings.Join(allowed, ", "))
		}
		if err != nil {
			bad = append(bad, fmt.Errorf("%s %s: %w", m.Path, m.Version, err))
		}
		fmt.Printf("%-60s %-24s %s\n", m.Path, m.Version, strings.Join(found, ", "))
	}
	if len(modules) < 20 {
		bad = append(bad, fmt.Errorf("only %d modules: what was looked at?", len(modules)))
	}
	return errors.Join(bad...)
}

// linked lists the modules whose packages go into the binary.
func linked(root string) ([]module, error) {
	cmd := exec.Command("go", "list", "-deps", "-json=Module", ".")
	cmd.Dir, cmd.Stderr = root, os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("list packages: %w", err)
	}
	seen := map[string]module{}
	for d := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p struct{ Module *module }
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return nil, fmt.Errorf("list packages: %w", err)
		}
		if p.Module != nil && !p.Module.Main {
			seen[p.Module.Path] = *p.Module
		}
	}
	list := make([]module, 0, len(seen))
	for _, m := range seen {
		list = append(list, m)
	}
	slices.SortFunc(list, func(a, b module) int { return strings.Compare(a.Path, b.Path) })
	return list, nil
}

// licences are the SPDX names of the licence files at the root of a module.
func licences(dir string) ([]string, error) {
	var found []string
	for _, pattern := range []string{"LICEN[CS]E*", "COPYING*", "licen[cs]e*"} {
		files, err := filepath.Glob(filepath.Join(dir, pattern))
		if err != nil {
			return nil, err
		}
		for _, f := range files {
			text, err := os.ReadFile(f)
			if err != nil {
				return nil, err
			}
			for _, m := range licensecheck.Scan(text).Match {
				if !slices.Contains(found, m.ID) {
					found = append(found, m.ID)
				}
			}
		}
	}
	if len(found) == 0 {
		return nil, errors.New("no licence file is understood")
	}
	return found, nil
}
