package config

import (
	"fmt"
	"io"
	"strings"
)

// Print writes the effective settings as an ini file that Load reads back, each
// with where it came from as a comment. Secrets are not in the settings (they
// stand in files); a password inside an address is masked.
func (c *Config) Print(w io.Writer) error {
	section := ""
	width := 0
	for _, v := range c.values {
		width = max(width, len(v.Key)+len(" = ")+len(masked(v)))
	}
	width = min(width, 48)
	for _, v := range c.values {
		if v.Section != section {
			gap := "\n"
			if section == "" {
				gap = ""
			}
			section = v.Section
			if _, err := fmt.Fprintf(w, "%s[%s]\n", gap, section); err != nil {
				return err
			}
		}
		if _, err := fmt.Fprintf(w, "%-*s ; %s\n", width, strings.TrimRight(v.Key+" = "+oneLine(masked(v)), " "), oneLine(v.Source)); err != nil {
			return err
		}
	}
	return nil
}

// oneLine keeps a value of several lines, which the environment may hold, from looking
// like other settings.
func oneLine(text string) string {
	return strings.NewReplacer("\n", `\n`, "\r", `\r`).Replace(text)
}

// masked is the value as it may be shown.
func masked(v Value) string {
	if v.Key != "address" {
		return v.Text
	}
	items := splitList(v.Text)
	for i, it := range items {
		items[i] = maskedAddress(it)
	}
	return strings.Join(items, ",")
}

// maskedAddress is an address without the login in it.
func maskedAddress(address string) string {
	i := strings.LastIndexByte(address, '@')
	if i < 0 {
		return address
	}
	scheme := ""
	if before, _, ok := strings.Cut(address[:i], "://"); ok {
		scheme = before + "://"
	}
	return scheme + "****" + address[i:]
}
