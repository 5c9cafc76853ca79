package config

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
)

// Sources says where settings come from beside the defaults.
type Sources struct {
	File    string              // ini file that must exist; empty: the first of SearchPaths that exists, if any
	Environ []string            // as os.Environ gives it
	Flags   map[string]FlagText // by "section.key"
}

// FlagText is a setting given on the command line.
type FlagText struct {
	Flag string // name with its dashes, for messages
	Text string
}

// Problem is a setting that cannot be used: where it stands and what is wrong.
type Problem struct {
	Where string // "conf/config.ini:3", "environment LOGCTL_KAFKA_ACKS", "flag --kafka"
	What  string
}

func (p *Problem) Error() string { return p.Where + ": " + p.What }

// SearchPaths lists the ini files that are looked for when none is named, first
// match wins: conf/config.ini, $XDG_CONFIG_HOME/logctl/config.ini,
// /etc/logctl/config.ini. On Windows it is %AppData%\logctl\config.ini and
// %ProgramData%\logctl\config.ini.
func SearchPaths(getenv func(string) string) []string { return searchPaths(getenv, runtime.GOOS) }

func searchPaths(getenv func(string) string, system string) []string {
	paths := []string{filepath.Join("conf", "config.ini")}
	if system == "windows" {
		for _, name := range []string{"APPDATA", "PROGRAMDATA"} {
			if dir := getenv(name); dir != "" {
				paths = append(paths, filepath.Join(dir, "logctl", "config.ini"))
			}
		}
		return paths
	}
	dir := getenv("XDG_CONFIG_HOME")
	if dir == "" {
		if home := getenv("HOME"); home != "" {
			dir = filepath.Join(home, ".config")
		}
	}
	if dir != "" {
		paths = append(paths, filepath.Join(dir, "logctl", "config.ini"))
	}
	return append(paths, "/etc/logctl/config.ini")
}

// Load reads the settings: defaults, then the ini file, then the environment,
// then flags. All problems are reported at once, joined, each a *Problem.
func Load(src Sources) (*Config, error) {
	env := environment(src.Environ)
	file, err := findFile(src.File, env)
	if err != nil {
		return nil, err
	}
	inFile := map[string]iniValue{}
	var problems []error
	if file != "" {
		inFile, problems, err = readINI(file)
		if err != nil {
			return nil, err
		}
	}
	problems = append(problems, unknownEnvironment(env)...)

	c := &Config{}
	for _, s := range settings() {
		v := Value{Section: s.section, Key: s.key, Text: s.def, Source: "default"}
		id := s.section + "." + s.key
		if in, ok := inFile[id]; ok {
			v.Text, v.Source = in.text, fmt.Sprintf("%s:%d", file, in.line)
		}
		if name := envName(s); env[name] != nil {
			v.Text, v.Source = *env[name], "environment "+name
		}
		if f, ok := src.Flags[id]; ok {
			v.Text, v.Source = f.Text, "flag "+f.Flag
		}
		v.Text = strings.TrimSpace(v.Text)
		if err := s.bind(c)(v.Text); err != nil {
			problems = append(problems, &Problem{v.Source, s.name() + ": " + err.Error()})
		}
		c.values = append(c.values, v)
	}
	if len(problems) == 0 {
		problems = append(problems, c.crossCheck()...)
	}
	if err := errors.Join(problems...); err != nil {
		return nil, err
	}
	return c, nil
}

// crossCheck finds settings that are fine alone and not together.
func (c *Config) crossCheck() []error {
	var out []error
	bad := func(section, key, what string) {
		for _, v := range c.values {
			if v.Section == section && v.Key == key {
				out = append(out, &Problem{v.Source, "[" + section + "] " + key + ": " + what})
			}
		}
	}
	if what := c.Kafka.Login.lacks(); what != "" {
		bad("kafka", "sasl_mechanism", what)
	}
	if c.Kafka.CertFile == "" && c.Kafka.KeyFile != "" {
		bad("kafka", "key_file", "cert_file and key_file go together")
	}
	if !c.Kafka.TLS && (c.Kafka.CAFile != "" || c.Kafka.CertFile != "") {
		bad("kafka", "tls", "certificates are given but tls is false: set tls = true")
	}
	if (c.Etcd.Username == "") != (c.Etcd.PasswordFile == "") {
		bad("etcd", "username", "username and password_file go together")
	}
	if c.Etcd.CertFile == "" && c.Etcd.KeyFile != "" {
		bad("etcd", "key_file", "cert_file and key_file go together")
	}
	return out
}

func findFile(named string, env map[string]*string) (string, error) {
	getenv := func(k string) string {
		if v := env[k]; v != nil {
			return *v
		}
		return ""
	}
	if named == "" {
		named = getenv("LOGCTL_CONFIG")
	}
	if named != "" {
		if _, err := os.Stat(named); err != nil {
			return "", fmt.Errorf("read config: %w", err)
		}
		return named, nil
	}
	for _, p := range SearchPaths(getenv) {
		_, err := os.Stat(p)
		if err == nil {
			return p, nil
		}
		if !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, fs.ErrPermission) {
			return "", fmt.Errorf("look for config: %w", err)
		}
	}
	return "", nil
}
