package cli

import (
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"strings"
	"time"

	"logctl/internal/safe"

	"github.com/spf13/cobra"
	"golang.org/x/term"
)

// A release build sets these three with the linker:
//
//	-ldflags "-X logctl/internal/cli.version=0.2.0 -X logctl/internal/cli.commit=… -X logctl/internal/cli.date=…"
var (
	version = "" // semantic version without the leading v
	commit  = "" // git commit, 40 hexadecimal digits
	date    = "" // time of that commit, RFC 3339
)

// buildInfo is what this binary was built from. Empty parts are not known.
type buildInfo struct {
	Version  string `json:"version"`
	Commit   string `json:"commit,omitempty"`
	Date     string `json:"date,omitempty"` // of the commit, RFC 3339 in UTC
	Go       string `json:"go"`
	Platform string `json:"platform"` // GOOS/GOARCH
	Demo     bool   `json:"demo"`     // whether the embedded servers of the demo are in it
}

// thisBuild describes this binary: by the linker's values of a release, else by what
// the go command stamped, else as "devel".
func thisBuild() buildInfo {
	b := buildInfo{Version: version, Commit: commit, Date: date, Demo: demoBuilt,
		Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH}
	if info, ok := debug.ReadBuildInfo(); ok {
		b.stamp(info)
	}
	if at, err := time.Parse(time.RFC3339, b.Date); err == nil {
		b.Date = at.UTC().Format(time.RFC3339)
	}
	return b
}

// stamp fills what the linker left empty. A module built by 'go install MODULE@v1.2.3'
// has a version and no commit, a working tree has a commit and no version.
func (b *buildInfo) stamp(info *debug.BuildInfo) {
	rev, at, dirty := "", "", ""
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			rev = s.Value
		case "vcs.time":
			at = s.Value
		case "vcs.modified":
			if s.Value == "true" {
				dirty = "+changes"
			}
		}
	}
	if b.Commit == "" && rev != "" {
		b.Commit, b.Date = rev+dirty, at
	}
	if b.Version != "" {
		return
	}
	b.Version = "devel"
	// The go command makes up a version from the commit for a working tree; a tag has no dash.
	if v := info.Main.Version; strings.HasPrefix(v, "v") && !strings.ContainsAny(v, "-+") {
		b.Version = strings.TrimPrefix(v, "v")
	} else if b.Commit != "" {
		b.Version = "devel-" + b.shortCommit() + dirty
	}
}

// shortCommit is the commit as people write it, 12 digits.
func (b *buildInfo) shortCommit() string { return b.Commit[:min(len(b.Commit), 12)] }

// String is the one line of 'logctl version'.
func (b *buildInfo) String() string {
	parts := []string{"logctl", b.Version}
	if b.Commit != "" {
		parts = append(parts, "commit", b.shortCommit())
	}
	if b.Date != "" {
		parts = append(parts, "of", b.Date)
	}
	if !b.Demo {
		parts = append(parts, "without the demo")
	}
	return strings.Join(append(parts, b.Go, b.Platform), " ")
}

// buildVersion is the version of this binary: the release's, else the commit it was
// built from, else "devel".
func buildVersion() string { return thisBuild().Version }

func newVersionCmd(a *app) *cobra.Command {
	output := "text"
	cmd := &cobra.Command{
		Use:   "version",
		Short: "Print the version, the commit and its date, and what it was built with",
		Example: `  logctl version
  logctl version -o json | jq -r .commit`,
		Args:              usageArgs(cobra.NoArgs),
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(*cobra.Command, []string) error {
			b := thisBuild()
			switch output {
			case "text":
				_, err := safe.Fprintf(a.Out, "%s\n", b.String())
				return err
			case "json":
				return a.encodeJSON(b, "")
			}
			return &usageError{fmt.Errorf("version: --output: %q is not text or json", output)}
		},
	}
	cmd.Flags().StringVarP(&output, "output", "o", output, "text or json")
	_ = cmd.RegisterFlagCompletionFunc("output", cobra.FixedCompletions([]string{"text", "json"}, cobra.ShellCompDirectiveNoFileComp))
	return cmd
}

func isTerminalFile(f *os.File) bool { return term.IsTerminal(int(f.Fd())) }
