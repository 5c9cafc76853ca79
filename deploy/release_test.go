package deploy

import (
	"os"
	"strings"
	"testing"
	"text/template"

	"sigs.k8s.io/yaml"
)

// TestEachBinaryHasItsBill: the bill of materials of the binary of packages had the name of the
// whole binary's, so that one of them was left, and which one was chance.
func TestEachBinaryHasItsBill(t *testing.T) {
	data, err := os.ReadFile("../.goreleaser.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var release struct {
		Builds []struct{ ID string }
		Sboms  []struct{ Documents []string }
	}
	if err := yaml.Unmarshal(data, &release); err != nil {
		t.Fatal(err)
	}
	if len(release.Builds) < 3 || len(release.Sboms) != 1 || len(release.Sboms[0].Documents) != 1 {
		t.Fatalf("%+v", release)
	}
	of := map[string]string{}
	for _, b := range release.Builds {
		// As goreleaser does: variables first, then the template.
		text := os.Expand(release.Sboms[0].Documents[0], func(name string) string { return map[string]string{"artifactID": b.ID}[name] })
		// It has functions of its own, of which one was used here.
		name, err := template.New(b.ID).Funcs(template.FuncMap{"contains": strings.Contains}).Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		var bill strings.Builder
		if err := name.Execute(&bill, map[string]string{"ArtifactName": "logctl", "Version": "1.0.0", "Os": "linux", "Arch": "amd64",
			"ArtifactPath": "dist/" + b.ID + "_linux_amd64_v1/logctl"}); err != nil {
			t.Fatal(err)
		}
		if other, taken := of[bill.String()]; taken {
			t.Errorf("the bills of %s and %s are both %s", other, b.ID, bill.String())
		}
		of[bill.String()] = b.ID
	}
	if of["logctl_1.0.0_linux_amd64.cdx.json"] != "full" {
		t.Errorf("bills: %v", of)
	}
}
