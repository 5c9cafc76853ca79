package main

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
)

// subject is a way to bring the lines of a file into a topic.
type subject struct {
	name string
	// config is what it runs with, as shown in the results: a command line or a file.
	// {kafka}, {topic}, {file}, {dir}, {etcd} and {key} stand for the run's values.
	config string
	// ends: the program ends by itself at the end of the file.
	ends bool
	// start begins the work on file.
	start func(ctx context.Context, l *lab, s subject, topic, file string) (*process, error)
}

// fill puts the run's values into a config.
func (l *lab) fill(text, topic, file, dir, key string) string {
	return strings.NewReplacer("{kafka}", l.kafka, "{etcd}", l.etcd, "{topic}", topic,
		"{file}", file, "{dir}", dir, "{key}", key).Replace(text)
}

// command starts the subject whose config is a command line.
func command(program string) func(context.Context, *lab, subject, string, string) (*process, error) {
	return func(ctx context.Context, l *lab, s subject, topic, file string) (*process, error) {
		if program == "" {
			program = l.self
		}
		args := strings.Fields(l.fill(s.config, topic, file, l.dir, ""))[1:]
		return start(ctx, l.dir, program, args...)
	}
}

// configured starts a program whose config is a file: args name it as {conf}.
func configured(program string, args ...string) func(context.Context, *lab, subject, string, string) (*process, error) {
	return func(ctx context.Context, l *lab, s subject, topic, file string) (*process, error) {
		dir, err := l.scratch(s.name)
		if err != nil {
			return nil, err
		}
		conf := filepath.Join(dir, "conf")
		if err := os.WriteFile(conf, []byte(l.fill(s.config, topic, file, dir, "")), 0o600); err != nil {
			return nil, err
		}
		var filled []string
		for _, a := range args {
			filled = append(filled, strings.ReplaceAll(l.fill(a, topic, file, dir, ""), "{conf}", conf))
		}
		return start(ctx, dir, program, filled...)
	}
}

// subjects are all that can run on this machine, the raw limit first.
func (l *lab) subjects() []subject {
	all := []subject{
		{name: "raw limit, 3 partitions", ends: true, start: command(""),
			config: "bench raw -kafka {kafka} -topic {topic} -file {file} -partitions 3"},
		{name: "raw limit, 1 partition", ends: true, start: command(""),
			config: "bench raw -kafka {kafka} -topic {topic} -file {file} -partitions 1"},
	}
	if l.logctl != "" {
		all = append(all, logctlSubjects()...)
	}
	all = append(all, subject{name: "lesson: hpcloud/tail + AsyncProducer", start: command(""),
		config: "bench lesson -kafka {kafka} -topic {topic} -file {file}"})
	all = append(all, peers()...)
	if len(l.peers) == 0 {
		return all
	}
	var wanted []subject
	for _, s := range all {
		for _, prefix := range l.peers {
			if strings.HasPrefix(s.name, prefix) {
				wanted = append(wanted, s)
				break
			}
		}
	}
	return wanted
}

// installed are the subjects whose program is on the machine.
func installed(program string, s ...subject) []subject {
	if _, err := exec.LookPath(program); err != nil {
		return nil
	}
	return s
}

// versionNumber is what a version looks like.
var versionNumber = regexp.MustCompile(`\d+\.\d+(\.\d+)*\S*`)

// version is the number a program gives as its version.
func version(ctx context.Context, program string, args ...string) string {
	out, err := exec.CommandContext(ctx, program, args...).CombinedOutput()
	if err != nil && len(out) == 0 {
		return err.Error()
	}
	for line := range strings.Lines(string(out)) {
		if strings.HasPrefix(line, "Copyright") || strings.HasPrefix(line, "Error") || strings.HasPrefix(line, "kcat -") {
			continue
		}
		if v := versionNumber.FindString(line); v != "" {
			return v
		}
	}
	return strings.TrimSpace(string(out))
}
