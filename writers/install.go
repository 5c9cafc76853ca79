package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// tools is the command line that starts the driver of each language.
type tools map[string][]string

// debian are the packages of the system's tools and of the C++, Ruby and Perl libraries.
var debian = []string{"g++", "libspdlog-dev", "liblog4cplus-dev", "libgoogle-glog-dev", "libboost-log-dev", "libpoco-dev", "liblog4cxx-dev",
	"ruby", "liblog-dispatch-perl", "liblog-dispatch-filerotate-perl", "logrotate", "runit", "s6", "daemontools",
	"cronolog", "apache2-utils", "nginx-light", "postgresql-15", "faketime", "debianutils", "zstd", "maven", "openjdk-17-jdk-headless", "nodejs", "npm"}

// install puts the drivers of the languages in use below cache, from their registries.
func install(ctx context.Context, drivers, cache string, want map[string]bool, packages bool) (tools, error) {
	if packages {
		// At run level 1 a package that brings a server does not start it.
		words := []string{"RUNLEVEL=1", "DEBIAN_FRONTEND=noninteractive", "apt-get", "install", "-y", "-qq", "--no-install-recommends"}
		if err := sh(ctx, ".", "env", append(words, debian...)...); err != nil {
			return nil, err
		}
	}
	t := tools{
		"go":         {filepath.Join(cache, "go", "driver")},
		"python":     {filepath.Join(cache, "venv", "bin", "python"), filepath.Join(drivers, "python", "driver.py")},
		"node":       {"node", filepath.Join(cache, "node", "driver.js")},
		"java":       {"java", "-Xmx128m", "-cp", filepath.Join(cache, "java", "target", "classes") + ":" + filepath.Join(cache, "java", "target", "lib", "*"), "Driver"},
		"cpp":        {filepath.Join(cache, "cpp", "driver")},
		"rust":       {filepath.Join(cache, "rust", "release", "driver")},
		"ruby":       {"ruby", filepath.Join(drivers, "ruby", "driver.rb")},
		"perl":       {"perl", filepath.Join(drivers, "perl", "driver.pl")},
		"containers": {filepath.Join(cache, "containers")},
		"shell":      {"bash", filepath.Join(drivers, "shell", "run.sh")},
	}
	for _, name := range []string{"go", "python", "node"} {
		want[name] = true // the shell's need them
	}
	steps := map[string]func() error{
		"go": func() error { return sh(ctx, filepath.Join(drivers, "go"), "go", "build", "-o", t["go"][0], ".") },
		"containers": func() error {
			return sh(ctx, filepath.Join(drivers, "containers"), "go", "build", "-o", t["containers"][0], ".")
		},
		"python": func() error {
			if err := sh(ctx, ".", "python3", "-m", "venv", filepath.Join(cache, "venv")); err != nil {
				return err
			}
			return sh(ctx, ".", t["python"][0], "-m", "pip", "install", "-q", "-r", filepath.Join(drivers, "python", "requirements.txt"))
		},
		"node": func() error {
			if err := copyDir(filepath.Join(drivers, "node"), filepath.Join(cache, "node")); err != nil {
				return err
			}
			return sh(ctx, filepath.Join(cache, "node"), "npm", "install", "--silent", "--no-audit", "--no-fund")
		},
		"java": func() error {
			if err := copyDir(filepath.Join(drivers, "java"), filepath.Join(cache, "java")); err != nil {
				return err
			}
			return sh(ctx, filepath.Join(cache, "java"), "mvn", "-q", "-B", "-DskipTests", "package")
		},
		"cpp": func() error {
			if err := os.MkdirAll(filepath.Dir(t["cpp"][0]), 0o755); err != nil {
				return err
			}
			return sh(ctx, filepath.Join(drivers, "cpp"), "g++", "-O1", "-std=c++17", "-I/usr/include/apr-1.0", "-DBOOST_LOG_DYN_LINK", "-DSPDLOG_COMPILED_LIB", "-DSPDLOG_FMT_EXTERNAL",
				"driver.cc", "-o", t["cpp"][0], "-lspdlog", "-lfmt", "-llog4cplus", "-lglog", "-lboost_log_setup", "-lboost_log",
				"-lboost_filesystem", "-lboost_thread", "-lboost_system", "-lPocoFoundation", "-llog4cxx", "-lapr-1", "-lpthread")
		},
		"rust": func() error {
			return sh(ctx, filepath.Join(drivers, "rust"), "cargo", "build", "-q", "--release", "--target-dir", filepath.Join(cache, "rust"))
		},
	}
	for name, step := range steps {
		if !want[name] {
			continue
		}
		stamp := filepath.Join(cache, name+".installed")
		is, err := sourcesOf(filepath.Join(drivers, name))
		if err != nil {
			return nil, err
		}
		if was, _ := os.ReadFile(stamp); bytes.Equal(was, is) {
			continue // there already
		}
		if err := step(); err != nil {
			return nil, fmt.Errorf("install the %s writers: %w", name, err)
		}
		if err := os.WriteFile(stamp, is, 0o644); err != nil {
			return nil, err
		}
	}
	return t, nil
}

// sourcesOf tells the sources of a driver from others: a hash of its files.
func sourcesOf(driver string) ([]byte, error) {
	h := sha256.New()
	err := filepath.WalkDir(driver, func(path string, d os.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		data, err := os.ReadFile(path)
		fmt.Fprintf(h, "%s %d\n%s", d.Name(), len(data), data)
		return err
	})
	return fmt.Appendf(nil, "%x\n", h.Sum(nil)), err
}

func sh(ctx context.Context, dir, name string, args ...string) error {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = dir, os.Stderr, os.Stderr
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

// copyDir copies the files of a driver, so that building it leaves the tree clean.
func copyDir(from, to string) error {
	if err := os.RemoveAll(filepath.Join(to, "target", "classes")); err != nil {
		return err
	}
	return filepath.WalkDir(from, func(path string, d os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		if d.IsDir() {
			if d.Name() == "target" || d.Name() == "node_modules" {
				return filepath.SkipDir
			}
			return os.MkdirAll(filepath.Join(to, rel), 0o755)
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(to, rel), data, 0o644)
	})
}
