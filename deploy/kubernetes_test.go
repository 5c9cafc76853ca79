package deploy

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"text/template"

	"sigs.k8s.io/yaml"

	"logctl/internal/config"
)

// chart renders a template of the Helm chart with Go's templates and those of Helm's
// functions that the chart uses.
type chart struct {
	t      *testing.T
	values map[string]any
}

func newChart(t *testing.T, set map[string]any) *chart {
	t.Helper()
	c := &chart{t: t, values: map[string]any{}}
	c.parse("helm/logctl/values.yaml", &c.values)
	merge(c.values, set)
	return c
}

func merge(into, from map[string]any) {
	for k, v := range from {
		if inner, ok := v.(map[string]any); ok {
			if old, ok := into[k].(map[string]any); ok {
				merge(old, inner)
				continue
			}
		}
		into[k] = v
	}
}

func (c *chart) parse(file string, into any) {
	c.t.Helper()
	data, err := os.ReadFile(file)
	if err == nil {
		err = yaml.Unmarshal(data, into)
	}
	if err != nil {
		c.t.Fatalf("%s: %v", file, err)
	}
}

func (c *chart) render(name string) (string, error) {
	c.t.Helper()
	dir := "helm/logctl/templates"
	all := template.New("")
	indent := func(n int, s string) string {
		pad := "\n" + strings.Repeat(" ", n)
		return pad + strings.ReplaceAll(s, "\n", pad)
	}
	all.Funcs(template.FuncMap{
		"nindent": indent,
		"quote":   func(v any) string { return fmt.Sprintf("%q", fmt.Sprint(v)) },
		"default": func(def, v any) any {
			if v == nil || v == "" {
				return def
			}
			return v
		},
		"required": func(why string, v any) (any, error) {
			if v == nil || v == "" {
				return nil, errors.New(why)
			}
			return v, nil
		},
		"toYaml": func(v any) (string, error) {
			out, err := yaml.Marshal(v)
			return strings.TrimSuffix(string(out), "\n"), err
		},
		"sha256sum": func(s string) string { return fmt.Sprintf("%x", sha256.Sum256([]byte(s))) },
		"include": func(path string, data any) (string, error) {
			var b bytes.Buffer
			err := all.ExecuteTemplate(&b, filepath.Base(path), data)
			return b.String(), err
		},
	})
	if _, err := all.ParseGlob(dir + "/*"); err != nil {
		return "", err
	}
	var meta map[string]any
	c.parse("helm/logctl/Chart.yaml", &meta)
	data := map[string]any{
		"Values":   c.values,
		"Release":  map[string]any{"Name": "logs", "Namespace": "collect"},
		"Chart":    map[string]any{"AppVersion": meta["appVersion"]},
		"Template": map[string]any{"BasePath": "logctl/templates"},
	}
	var b bytes.Buffer
	err := all.ExecuteTemplate(&b, name, data)
	return b.String(), err
}

// daemonSet is what the tests look at of a DaemonSet.
type daemonSet struct {
	Kind     string
	Metadata struct{ Name, Namespace string }
	Spec     struct {
		Template struct {
			Metadata struct{ Annotations map[string]string }
			Spec     struct {
				AutomountServiceAccountToken *bool
				Containers                   []struct {
					Image           string
					Args            []string
					Env             []map[string]any
					SecurityContext struct {
						ReadOnlyRootFilesystem, AllowPrivilegeEscalation *bool
						Capabilities                                     struct{ Drop, Add []string }
					}
					VolumeMounts []struct {
						Name, MountPath string
						ReadOnly        bool
					}
				}
				Volumes []struct{ Name string }
			}
		}
	}
}

func (d *daemonSet) check(t *testing.T, what string) {
	t.Helper()
	pod := d.Spec.Template.Spec
	if d.Kind != "DaemonSet" || len(pod.Containers) != 1 || pod.AutomountServiceAccountToken == nil || *pod.AutomountServiceAccountToken {
		t.Fatalf("%s: %+v", what, d)
	}
	c := pod.Containers[0]
	sec := c.SecurityContext
	if sec.ReadOnlyRootFilesystem == nil || !*sec.ReadOnlyRootFilesystem || sec.AllowPrivilegeEscalation == nil || *sec.AllowPrivilegeEscalation ||
		fmt.Sprint(sec.Capabilities.Drop, sec.Capabilities.Add) != "[ALL] [DAC_READ_SEARCH]" {
		t.Errorf("%s: rights %+v", what, sec)
	}
	env, err := json.Marshal(c.Env)
	if err != nil || !bytes.Contains(env, []byte(`"fieldPath":"spec.nodeName"`)) || !bytes.Contains(env, []byte("LOGCTL_AGENT_HOST")) {
		t.Errorf("%s: environment %s, %v", what, env, err)
	}
	volumes := map[string]bool{}
	for _, v := range pod.Volumes {
		volumes[v.Name] = true
	}
	for _, m := range c.VolumeMounts {
		if !volumes[m.Name] {
			t.Errorf("%s: no volume %q", what, m.Name)
		}
		if m.ReadOnly == (m.MountPath == "/var/lib/logctl") {
			t.Errorf("%s: %s read-only: %v", what, m.MountPath, m.ReadOnly)
		}
	}
	// The variables it sets are settings.
	var environ []string
	for _, e := range c.Env {
		if name := fmt.Sprint(e["name"]); strings.HasPrefix(name, "LOGCTL_") {
			environ = append(environ, name+"="+strings.ReplaceAll(fmt.Sprint(e["value"]), "$(NODE_NAME)", "node-1"))
		}
	}
	if _, err := config.Load(config.Sources{Environ: environ}); err != nil {
		t.Errorf("%s: %v", what, err)
	}
}

// checkIni holds the settings of a ConfigMap to what the program accepts.
func checkIni(t *testing.T, what, text string) *config.Config {
	t.Helper()
	file := filepath.Join(t.TempDir(), "config.ini")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := config.Load(config.Sources{File: file})
	if err != nil {
		t.Fatalf("%s: %v\n%s", what, err, text)
	}
	return c
}

type configMap struct {
	Kind string
	Data map[string]string
}

func TestDaemonSetOfTheDirectory(t *testing.T) {
	data, err := os.ReadFile("kubernetes/daemonset.yaml")
	if err != nil {
		t.Fatal(err)
	}
	docs := bytes.Split(data, []byte("\n---\n"))
	var settings configMap
	var set daemonSet
	if err := errors.Join(yaml.Unmarshal(docs[1], &settings), yaml.Unmarshal(docs[2], &set)); err != nil {
		t.Fatal(err)
	}
	set.check(t, "daemonset.yaml")
	checkIni(t, "daemonset.yaml", settings.Data["config.ini"])
}

func TestHelmChartRenders(t *testing.T) {
	for name, values := range map[string]map[string]any{
		"defaults": {},
		"everything": {
			"kafka": map[string]any{"address": "k1:9092,k2:9092"}, "extraConfig": "scan_interval = 2s\n[tui]\nread_only = true", "secretName": "logctl-secret",
			"logDirectories": []any{"/var/log", "/data/logs"}, "nodeSelector": map[string]any{"logs": "yes"}, "priorityClassName": "system-node-critical",
			"podAnnotations": map[string]any{"a": "b"}, "imagePullSecrets": []any{map[string]any{"name": "pull"}}, "image": map[string]any{"tag": "9"},
			"affinity": map[string]any{"nodeAffinity": map[string]any{}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			c := newChart(t, values)
			var settings configMap
			var set daemonSet
			for file, into := range map[string]any{"configmap.yaml": &settings, "daemonset.yaml": &set} {
				text, err := c.render(file)
				if err == nil {
					err = yaml.UnmarshalStrict([]byte(text), &map[string]any{})
				}
				if err == nil {
					err = yaml.Unmarshal([]byte(text), into)
				}
				if err != nil {
					t.Fatalf("%s: %v\n%s", file, err, text)
				}
			}
			set.check(t, name)
			got := checkIni(t, name, settings.Data["config.ini"])
			if name == "everything" {
				if len(got.Kafka.Address) != 2 || !got.TUI.ReadOnly || set.Spec.Template.Spec.Containers[0].Image != "logctl:9" {
					t.Errorf("%+v, image %q", got, set.Spec.Template.Spec.Containers[0].Image)
				}
			}
			if set.Spec.Template.Metadata.Annotations["checksum/config"] == "" {
				t.Error("new settings would not restart the agents")
			}
			if _, err := c.render("NOTES.txt"); err != nil {
				t.Error(err)
			}
		})
	}
	if _, err := newChart(t, map[string]any{"kafka": map[string]any{"address": ""}}).render("configmap.yaml"); err == nil {
		t.Error("a chart without brokers renders")
	}
}

// TestHelmItself lints and renders the chart by helm, as its users do, where there is one:
// kubernetes_test.go renders by Go's templates everywhere.
func TestHelmItself(t *testing.T) {
	helm := os.Getenv("LOGCTL_HELM")
	if helm == "" {
		t.Skip("needs LOGCTL_HELM: run make helm-check")
	}
	run := func(args ...string) []byte {
		t.Helper()
		out, err := exec.Command(helm, args...).CombinedOutput()
		if err != nil {
			t.Fatalf("helm %s: %v\n%s", strings.Join(args, " "), err, out)
		}
		return out
	}
	run("lint", "--strict", "helm/logctl")
	rendered := run("template", "collect", "helm/logctl", "--kube-version", "1.30.0", "--namespace", "logs", "--set", `kafka.address=k1:9092\,k2:9092`, "--set", "etcd.address=e:2379")
	var set daemonSet
	var settings configMap
	kinds := 0
	for doc := range bytes.SplitSeq(rendered, []byte("\n---\n")) {
		var kind struct{ Kind string }
		if err := yaml.Unmarshal(doc, &kind); err != nil {
			t.Fatalf("%v\n%s", err, doc)
		}
		var err error
		switch kind.Kind {
		case "DaemonSet":
			kinds++
			err = yaml.Unmarshal(doc, &set)
		case "ConfigMap":
			kinds++
			err = yaml.Unmarshal(doc, &settings)
		case "":
		default:
			t.Errorf("the chart makes a %s: the agent asks the API server for nothing", kind.Kind)
		}
		if err != nil {
			t.Fatalf("%v\n%s", err, doc)
		}
	}
	if kinds != 2 {
		t.Fatalf("%d objects:\n%s", kinds, rendered)
	}
	set.check(t, "helm template")
	if got := checkIni(t, "helm template", settings.Data["config.ini"]); len(got.Kafka.Address) != 2 {
		t.Errorf("brokers: %v", got.Kafka.Address)
	}
}

func TestComposeNamesSettings(t *testing.T) {
	var file struct {
		Services map[string]struct{ Environment map[string]any }
	}
	data, err := os.ReadFile("compose.yaml")
	if err == nil {
		err = yaml.Unmarshal(data, &file)
	}
	if err != nil {
		t.Fatal(err)
	}
	var environ []string
	for name, value := range file.Services["agent"].Environment {
		environ = append(environ, fmt.Sprintf("%s=%v", name, value))
	}
	if _, err := config.Load(config.Sources{Environ: environ}); err != nil || len(environ) < 4 {
		t.Errorf("%v: %v", environ, err)
	}
	if len(file.Services) != 4 {
		t.Errorf("services: %v", file.Services)
	}
}
