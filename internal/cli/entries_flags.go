package cli

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"logctl/etcdcfg"
)

// entryFlags are the optional fields of an entry as flags.
type entryFlags struct {
	from, encoding, format                  string
	start, multiline                        string
	exclude, rotated, include, excludeLines []string
	labels                                  []string
	poll, paused                            bool
}

func (f *entryFlags) add(cmd *cobra.Command) {
	s := cmd.Flags()
	s.StringVar(&f.from, "from", "", "where files present at the first start begin: end (default) or beginning")
	s.StringArrayVar(&f.rotated, "rotated", nil, "old generations of the files, where their names do not tell: this `glob`, relative to the file's directory (repeatable)")
	s.StringArrayVar(&f.exclude, "exclude", nil, "leave out files that match this `glob` (repeatable)")
	s.StringVar(&f.encoding, "encoding", "", "of the files: utf-8 (default), gbk, gb18030, big5, utf-16le, ...")
	s.StringVar(&f.format, "format", "", "of the lines: raw (default), cri (containerd, CRI-O), docker (json-file) or auto (either)")
	s.StringVar(&f.multiline, "multiline", "", "how lines are joined to records: a `preset` ("+strings.Join(etcdcfg.MultilinePresets(), ", ")+"), or an object such as {\"end\": \"^}$\", \"timeout\": \"5s\"}")
	s.StringVar(&f.start, "multiline-start", "", "`regex` of the first line of a record; lines that do not match belong to it")
	s.StringArrayVar(&f.include, "include-lines", nil, "send only lines that match this `regex` (repeatable)")
	s.StringArrayVar(&f.excludeLines, "exclude-lines", nil, "do not send lines that match this `regex` (repeatable)")
	s.StringArrayVar(&f.labels, "label", nil, "`name=value`, sent as a header (repeatable)")
	s.BoolVar(&f.poll, "poll", false, "look for changes by time only, for network file systems")
	s.BoolVar(&f.paused, "paused", false, "keep the entry in the list but do not collect")
	complete := func(flag string, values ...string) {
		_ = cmd.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(values, cobra.ShellCompDirectiveNoFileComp))
	}
	complete("from", etcdcfg.FromEnd, etcdcfg.FromBeginning)
	complete("format", etcdcfg.Formats()...)
	complete("multiline", etcdcfg.MultilinePresets()...)
	complete("encoding", "utf-8", "gbk", "gb18030", "big5", "utf-16le", "utf-16be", "shift_jis", "euc-kr", "windows-1252")
}

// changedField returns the name of a flag that was given and is about one entry.
func changedField(s *pflag.FlagSet) (name string) {
	of := []string{"path", "topic", "from", "exclude", "rotated", "encoding", "format", "multiline", "multiline-start", "include-lines", "exclude-lines", "label", "poll", "paused"}
	s.Visit(func(flag *pflag.Flag) {
		if slices.Contains(of, flag.Name) {
			name = flag.Name
		}
	})
	return name
}

// apply sets the fields whose flags were given. An empty value takes a field away.
func (f *entryFlags) apply(s *pflag.FlagSet, e *etcdcfg.Entry) error {
	list := func(values []string) []string {
		return slices.DeleteFunc(slices.Clone(values), func(v string) bool { return v == "" })
	}
	var problems []error
	note := func(err error) { problems = append(problems, err) }
	if s.Changed("multiline") && s.Changed("multiline-start") {
		note(&usageError{errors.New("--multiline and --multiline-start cannot be given together: write {\"start\": \"regex\", ...}")})
	}
	s.Visit(func(flag *pflag.Flag) {
		switch flag.Name {
		case "from":
			e.From = f.from
		case "rotated":
			e.Rotated = list(f.rotated)
		case "exclude":
			e.Exclude = list(f.exclude)
		case "encoding":
			e.Encoding = f.encoding
		case "format":
			e.Format = f.format
		case "multiline-start":
			e.Multiline = nil
			if f.start != "" {
				e.Multiline = &etcdcfg.Multiline{Start: f.start}
			}
		case "multiline":
			m, err := parseMultiline(f.multiline)
			e.Multiline = m
			note(err)
		case "include-lines":
			e.IncludeLines = list(f.include)
		case "exclude-lines":
			e.ExcludeLines = list(f.excludeLines)
		case "label":
			labels, err := parseLabels(list(f.labels))
			e.Labels = labels
			note(err)
		case "poll":
			e.Poll = f.poll
		case "paused":
			e.Disabled = f.paused
		}
	})
	return errors.Join(problems...)
}

// parseMultiline reads a preset or an object; a regular expression has a flag of its own,
// so that a misspelt preset is none.
func parseMultiline(text string) (*etcdcfg.Multiline, error) {
	m, err := etcdcfg.ParseMultiline(text)
	if err == nil && m != nil && m.Start == text {
		err = fmt.Errorf("%q is no preset and no object: the presets are %s; for a regular expression use --multiline-start", text, strings.Join(etcdcfg.MultilinePresets(), ", "))
	}
	if err != nil {
		return nil, &usageError{fmt.Errorf("--multiline: %w", err)}
	}
	return m, nil
}

func parseLabels(list []string) (map[string]string, error) {
	labels := make(map[string]string, len(list))
	for _, l := range list {
		name, value, ok := strings.Cut(l, "=")
		if !ok || name == "" {
			return nil, &usageError{fmt.Errorf("--label: %q is not name=value", l)}
		}
		labels[name] = value
	}
	return labels, nil
}

func sortedKeys(m map[string]string) []string { return slices.Sorted(maps.Keys(m)) }
