package manual

import (
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra/doc"

	"logctl/internal/cli"
)

// WriteMan writes a man page of section 1 for each command into dir, which is made anew.
// date stands at the foot of the pages.
func WriteMan(dir string, date time.Time) error {
	if err := fresh(dir); err != nil {
		return err
	}
	head := &doc.GenManHeader{Title: "LOGCTL", Section: "1", Source: "logctl", Manual: "logctl", Date: &date}
	if err := doc.GenManTree(cli.Describe(), head, dir); err != nil {
		return fmt.Errorf("write man pages: %w", err)
	}
	return nil
}

// WriteCompletions writes the completions of bash, zsh, fish and PowerShell into dir, which
// is made anew.
func WriteCompletions(dir string) error {
	if err := fresh(dir); err != nil {
		return err
	}
	root := cli.Describe()
	for name, write := range map[string]func(file string) error{
		"logctl.bash": func(f string) error { return root.GenBashCompletionFileV2(f, true) },
		"_logctl":     root.GenZshCompletionFile,
		"logctl.fish": func(f string) error { return root.GenFishCompletionFile(f, true) },
		"logctl.ps1":  root.GenPowerShellCompletionFileWithDesc,
	} {
		if err := write(filepath.Join(dir, name)); err != nil {
			return fmt.Errorf("write completion: %w", err)
		}
	}
	return nil
}

// WritePages writes the generated pages into dir (docs/), beside the others.
func WritePages(dir string) error {
	for name, text := range Pages() {
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o644); err != nil {
			return fmt.Errorf("write page: %w", err)
		}
	}
	return nil
}

// fresh makes dir an empty directory.
func fresh(dir string) error {
	if err := os.RemoveAll(dir); err != nil {
		return fmt.Errorf("make room: %w", err)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("make room: %w", err)
	}
	return nil
}
