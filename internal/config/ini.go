package config

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"strings"

	"gopkg.in/ini.v1"
)

// iniValue is a key of the file with the line it stands on.
type iniValue struct {
	text string
	line int // 1 is the first
}

// readINI reads an ini file into a map by "section.key". Unknown sections and
// keys, and keys given twice, come back as problems.
func readINI(path string) (map[string]iniValue, []error, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, nil, fmt.Errorf("read config: %w", err)
	}
	data = bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))
	file, err := ini.LoadSources(ini.LoadOptions{SpaceBeforeInlineComment: true, Insensitive: true, IgnoreContinuation: true}, data)
	if err != nil {
		return nil, nil, &Problem{path + lineOfSyntaxError(data, err), "not an ini file: " + err.Error() +
			"; expected [section] and key = value lines"}
	}
	known, sections := map[string]bool{}, []string{}
	keysOf := map[string][]string{}
	for _, s := range settings() {
		known[s.section+"."+s.key] = true
		if len(keysOf[s.section]) == 0 {
			sections = append(sections, s.section)
		}
		keysOf[s.section] = append(keysOf[s.section], s.key)
	}
	out := map[string]iniValue{}
	var problems []error
	lines := lineNumbers(data)
	for _, sec := range file.Sections() {
		name := sec.Name()
		if name == ini.DefaultSection || name == "default" {
			for _, k := range sec.Keys() {
				problems = append(problems, &Problem{where(path, lines["."+k.Name()]),
					fmt.Sprintf("key %q stands before any [section]", k.Name())})
			}
			continue
		}
		if keysOf[name] == nil {
			problems = append(problems, &Problem{where(path, lines[name]), fmt.Sprintf("unknown section [%s]%s", name, didYouMean(name, sections))})
			continue
		}
		for _, k := range sec.Keys() {
			id := name + "." + k.Name()
			if !known[id] {
				problems = append(problems, &Problem{where(path, lines[id]), fmt.Sprintf("unknown key %q in [%s]%s", k.Name(), name, didYouMean(k.Name(), keysOf[name]))})
				continue
			}
			if at := lines[id]; len(at) > 1 {
				problems = append(problems, &Problem{where(path, at[1:]), fmt.Sprintf("key %q of [%s] stands on line %d already", k.Name(), name, at[0])})
			}
			text := k.Value()
			if strings.HasPrefix(text, ";") || strings.HasPrefix(text, "#") {
				text = "" // "key = ; comment": the library takes the comment for the value
			}
			out[id] = iniValue{text: text, line: first(lines[id])}
		}
	}
	return out, problems, nil
}

// lineNumbers finds the lines on which each section (by its name) and each key
// (as "section.key") stands; the ini library does not tell them.
func lineNumbers(data []byte) map[string][]int {
	out := map[string][]int{}
	section := ""
	sc := bufio.NewScanner(bytes.NewReader(data))
	sc.Buffer(nil, 1<<20)
	for n := 1; sc.Scan(); n++ {
		line := strings.TrimSpace(sc.Text())
		switch {
		case line == "" || line[0] == ';' || line[0] == '#':
		case line[0] == '[':
			section, _, _ = strings.Cut(line[1:], "]")
			section = strings.ToLower(strings.TrimSpace(section))
			out[section] = append(out[section], n)
		default:
			if i := strings.IndexAny(line, "=:"); i > 0 {
				key := section + "." + strings.ToLower(strings.TrimSpace(line[:i]))
				out[key] = append(out[key], n)
			}
		}
	}
	return out
}

// lineOfSyntaxError gives ":N" for the line that the parser's message quotes, or
// nothing when it cannot be told.
func lineOfSyntaxError(data []byte, err error) string {
	for n, line := range strings.Split(string(data), "\n") {
		t := strings.TrimSpace(line)
		if t != "" && strings.Contains(err.Error(), t) {
			return fmt.Sprintf(":%d", n+1)
		}
	}
	return ""
}

func where(path string, lines []int) string {
	if len(lines) == 0 {
		return path
	}
	return fmt.Sprintf("%s:%d", path, lines[0])
}

func first(lines []int) int {
	if len(lines) == 0 {
		return 0
	}
	return lines[0]
}
