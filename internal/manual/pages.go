package manual

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"logctl/internal/cli"
	"logctl/internal/config"
)

const made = "<!-- Made by `make docs` from the program's own tables; a test keeps it current. -->\n"

// Pages returns the generated pages by their names in docs/.
func Pages() map[string][]byte {
	return map[string][]byte{"commands.md": commands(cli.Describe()), "settings.md": settings(config.Known()), "metrics.md": metrics(Metrics())}
}

// commands is the reference of every command that help shows, the root first.
func commands(root *cobra.Command) []byte {
	var b bytes.Buffer
	b.WriteString("# Commands\n\n" + made + "\n")
	b.WriteString("Exit codes of every command: 0 well, 1 failure, 2 wrong usage or settings. Data goes to stdout, everything else to stderr.\n" +
		"`logctl help COMMAND` and `man logctl-COMMAND` say the same; `logctl completion SHELL` completes commands, flags, topics and entries.\n")
	root.InitDefaultHelpCmd()
	shared := map[string]bool{}
	root.PersistentFlags().VisitAll(func(f *pflag.Flag) { shared[f.Name] = true })
	b.WriteString("\n## Flags of every command\n\n")
	flagTable(&b, root.PersistentFlags(), nil)
	var each func(c *cobra.Command)
	each = func(c *cobra.Command) {
		if c != root {
			command(&b, c, shared)
		}
		for _, sub := range c.Commands() {
			if sub.IsAvailableCommand() && sub.Name() != "completion" && sub.Name() != "help" {
				each(sub)
			}
		}
	}
	each(root)
	return b.Bytes()
}

func command(b *bytes.Buffer, c *cobra.Command, shared map[string]bool) {
	fmt.Fprintf(b, "\n## %s\n\n", c.CommandPath())
	text := c.Long
	if text == "" {
		text = c.Short + "."
	}
	fmt.Fprintf(b, "    %s\n\n%s\n", c.UseLine(), prose(text))
	own := c.NonInheritedFlags()
	if own.HasAvailableFlags() {
		b.WriteByte('\n')
		flagTable(b, own, shared)
	}
	if c.Example != "" {
		fmt.Fprintf(b, "\nExamples:\n\n```\n%s\n```\n", dedent(c.Example))
	}
}

// flagTable lists flags, but for help and for shared ones that mean here what they mean
// everywhere.
func flagTable(b *bytes.Buffer, flags *pflag.FlagSet, shared map[string]bool) {
	b.WriteString("| flag | default | meaning |\n|---|---|---|\n")
	flags.VisitAll(func(f *pflag.Flag) {
		if f.Hidden || f.Name == "help" || f.Name == "version" {
			return
		}
		name := "--" + f.Name
		if f.Shorthand != "" {
			name = "-" + f.Shorthand + ", " + name
		}
		kind, usage := pflag.UnquoteUsage(f)
		if kind != "" {
			name += " " + kind
		}
		def := f.DefValue
		switch def {
		case "", "[]", "false", "0", "0s":
			def = ""
		default:
			def = "`" + def + "`"
		}
		fmt.Fprintf(b, "| `%s` | %s | %s |\n", name, def, tableCell(usage))
	})
}

// settings is the reference of every key of the ini file.
func settings(keys []config.Key) []byte {
	var b bytes.Buffer
	b.WriteString("# Settings\n\n" + made + `
Flags win over the environment, the environment over the ini file, the file over defaults. The file is ` + "`--config FILE`" + `, else the
first of ` + "`conf/config.ini`, `$XDG_CONFIG_HOME/logctl/config.ini` and `/etc/logctl/config.ini`" + `. A misspelt key is an error that names the one
that may have been meant. ` + "`logctl agent --print-config`" + ` shows every value and where it came from.
[deploy/config.ini](../deploy/config.ini) is a file with every key to copy.

Sizes are ` + "`64MiB`, `1KiB` or bytes; times `250ms`, `2s`, `5m`" + `; lists are comma separated. Passwords stand in files, never in the ini file.
`)
	section := ""
	for _, k := range keys {
		if k.Section != section {
			section = k.Section
			fmt.Fprintf(&b, "\n## [%s]\n\n| key | default | meaning | environment |\n|---|---|---|---|\n", section)
		}
		def := ""
		if k.Default != "" {
			def = "`" + tableCell(k.Default) + "`"
		}
		env := "LOGCTL_" + strings.ToUpper(k.Section+"_"+k.Name)
		fmt.Fprintf(&b, "| `%s` | %s | %s | `%s` |\n", k.Name, def, tableCell(k.Help), env)
	}
	return b.Bytes()
}

// tableCell keeps text from ending the cell of a table.
func tableCell(s string) string {
	return strings.NewReplacer("|", `\|`, "\n", " ", "<", "&lt;").Replace(s)
}

// prose is a command's long text as Markdown: paragraphs stay, indented lines are kept as
// they are.
func prose(s string) string {
	var out []string
	for _, p := range strings.Split(strings.TrimSpace(s), "\n\n") {
		lines := strings.Split(p, "\n")
		if plain := !strings.HasPrefix(p, " "); plain {
			kept := -1
			for i, l := range lines {
				if strings.HasPrefix(l, "  ") {
					kept = i
					break
				}
			}
			if kept > 0 { // a list below its heading
				out = append(out, strings.ReplaceAll(strings.Join(lines[:kept], "\n"), "<", "&lt;"), "```\n"+dedent(strings.Join(lines[kept:], "\n"))+"\n```")
			} else {
				out = append(out, strings.ReplaceAll(p, "<", "&lt;"))
			}
			continue
		}
		out = append(out, "```\n"+dedent(p)+"\n```")
	}
	return strings.Join(out, "\n\n")
}

// dedent takes two leading spaces from each line.
func dedent(s string) string {
	lines := strings.Split(strings.Trim(s, "\n"), "\n")
	for i := range lines {
		lines[i] = strings.TrimPrefix(lines[i], "  ")
	}
	return strings.Join(lines, "\n")
}
