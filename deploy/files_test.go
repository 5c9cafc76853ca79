package deploy

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"logctl/internal/cli"
)

// Every list of examples/ is one that agents accept, and stands in the table.
func TestExamplesAreValid(t *testing.T) {
	files, err := filepath.Glob("../examples/*.json")
	if err != nil || len(files) < 5 {
		t.Fatalf("%v, %v", files, err)
	}
	table, err := os.ReadFile("../examples/README.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		var errs bytes.Buffer
		code := cli.Main(t.Context(), []string{"entries", "check", file}, cli.Streams{In: strings.NewReader(""), Out: &bytes.Buffer{}, Err: &errs})
		if code != 0 || strings.Contains(errs.String(), "warning") {
			t.Errorf("%s: exit code %d: %s", file, code, errs.String())
		}
		if name := filepath.Base(file); !bytes.Contains(table, []byte("("+name+")")) {
			t.Errorf("examples/README.md does not name %s", name)
		}
	}
}

// TestUnitExposure holds the units to 1.5 by systemd's own count, where systemd is installed.
func TestUnitExposure(t *testing.T) {
	analyze, err := exec.LookPath("systemd-analyze")
	if err != nil {
		t.Skip("no systemd-analyze here")
	}
	for _, unit := range []string{"logctl.service", "logctl-verify.service"} {
		out, err := exec.Command(analyze, "security", "--offline=true", "--threshold=15", "--no-pager", unit).CombinedOutput()
		if err != nil && strings.Contains(string(out), "unrecognized option") {
			t.Skip("systemd-analyze is too old for --offline")
		}
		if err != nil {
			t.Errorf("%s: %v\n%s", unit, err, out)
		}
	}
}

// The scripts of the packages are read by dash, ash and bash.
func TestPackageScriptsParse(t *testing.T) {
	sh, err := exec.LookPath("sh")
	if err != nil {
		t.Skip("no shell here")
	}
	files, err := filepath.Glob("package/*")
	if err != nil || len(files) < 5 {
		t.Fatalf("%v, %v", files, err)
	}
	for _, f := range files {
		if out, err := exec.Command(sh, "-n", f).CombinedOutput(); err != nil {
			t.Errorf("%s: %v %s", f, err, out)
		}
	}
}
