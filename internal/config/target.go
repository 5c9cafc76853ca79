package config

import (
	"errors"
	"fmt"
	"math"
	"net"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/bmatcuk/doublestar/v4"
)

// target puts the text of one setting into its field or says what is wrong.
type target func(text string) error

func text(p *string) target {
	return func(s string) error { *p = s; return nil }
}

// template is a text that is not empty and holds no placeholder but those that are
// replaced: {host} would stand in the key of every host as it is.
func template(p *string) target {
	return func(s string) error {
		if s == "" {
			return errors.New("must not be empty")
		}
		for _, found := range regexp.MustCompile(`\{\w*\}`).FindAllString(s, -1) {
			if !slices.Contains([]string{"{hostname}", "{ip}", "{node}"}, found) {
				return fmt.Errorf("%s is not replaced: {hostname}, {ip} and {node} are", found)
			}
		}
		*p = s
		return nil
	}
}

// listen is an address to listen at, or nothing.
func listen(p *string) target {
	return func(s string) error {
		if s != "" {
			_, port, err := net.SplitHostPort(s)
			if err == nil {
				_, err = net.LookupPort("tcp", port)
			}
			if err != nil {
				return fmt.Errorf("%q is not host:port", s)
			}
		}
		*p = s
		return nil
	}
}

func boolean(p *bool) target {
	return func(s string) error {
		switch strings.ToLower(s) {
		case "true", "yes", "on", "1":
			*p = true
		case "false", "no", "off", "0", "":
			*p = false
		default:
			return fmt.Errorf("%q is not true or false", s)
		}
		return nil
	}
}

func integer(p *int, least int) target {
	return func(s string) error {
		n, err := strconv.Atoi(s)
		if err != nil || n < least {
			return fmt.Errorf("%q is not a whole number of at least %d", s, least)
		}
		*p = n
		return nil
	}
}

func choice(p *string, known ...string) target {
	return func(s string) error {
		for _, k := range known {
			if strings.EqualFold(s, k) {
				*p = k
				return nil
			}
		}
		return fmt.Errorf("%q is not one of %s", s, strings.Join(nonEmpty(known), ", "))
	}
}

func duration(p *time.Duration) target {
	return func(s string) error {
		d, err := time.ParseDuration(s)
		if n, e := strconv.Atoi(s); err != nil && e == nil {
			d, err = time.Duration(n)*time.Second, nil // the lesson writes bare seconds
		}
		if err != nil || d <= 0 {
			return fmt.Errorf("%q is not a duration such as 2s or 500ms", s)
		}
		*p = d
		return nil
	}
}

func size(p *int64, least int64) target {
	return func(s string) error {
		n, err := ParseSize(s)
		if err != nil {
			return err
		}
		if n < least {
			return fmt.Errorf("%q is less than %d bytes", s, least)
		}
		*p = n
		return nil
	}
}

// ParseSize reads a number of bytes: digits with an optional unit of B, kB, MB,
// GB (powers of 1000) or KiB, MiB, GiB (powers of 1024); K, M and G mean the
// latter.
func ParseSize(s string) (int64, error) {
	units := []struct {
		name   string
		factor int64
	}{
		{"KiB", 1 << 10}, {"MiB", 1 << 20}, {"GiB", 1 << 30},
		{"KB", 1e3}, {"MB", 1e6}, {"GB", 1e9},
		{"K", 1 << 10}, {"M", 1 << 20}, {"G", 1 << 30}, {"B", 1},
	}
	number, factor := strings.TrimSpace(s), int64(1)
	for _, u := range units {
		if n := len(number) - len(u.name); n > 0 && strings.EqualFold(number[n:], u.name) {
			number, factor = strings.TrimSpace(number[:n]), u.factor
			break
		}
	}
	f, err := strconv.ParseFloat(number, 64)
	if err != nil || !(f >= 0) || f*float64(factor) > math.MaxInt64/2 {
		return 0, fmt.Errorf("%q is not a size such as 64MiB", s)
	}
	return int64(f * float64(factor)), nil
}

// globs are separated by commas, but for those in braces: /var/log/{nginx,app}/*.log is one.
func globs(p *[]string) target {
	return func(s string) error {
		*p = nil
		depth, from := 0, 0
		for i, c := range s + "," {
			switch {
			case c == '{':
				depth++
			case c == '}':
				depth--
			case c == ',' && (depth <= 0 || i == len(s)):
				if g := strings.TrimSpace(s[from:i]); g != "" {
					if !doublestar.ValidatePathPattern(g) {
						return fmt.Errorf("%q is not a glob", g)
					}
					*p = append(*p, g)
				}
				from = i + 1
			}
		}
		return nil
	}
}

func listOf(p *[]string, known ...string) target {
	return func(s string) error {
		items := splitList(s)
		for _, it := range items {
			if !slices.Contains(known, it) {
				return fmt.Errorf("%q is not one of %s", it, strings.Join(known, ", "))
			}
		}
		*p = items
		return nil
	}
}

// addresses are host:port, with http:// or https:// before it where that is allowed.
func addresses(p *[]string, schemes bool) target {
	return func(s string) error {
		items := splitList(s)
		if len(items) == 0 {
			return errors.New("must name at least one host:port")
		}
		for _, it := range items {
			hostport, shown := it, maskedAddress(it)
			if schemes {
				hostport = strings.TrimPrefix(strings.TrimPrefix(it, "http://"), "https://")
				if hostport != it {
					hostport = strings.TrimSuffix(hostport, "/")
				}
				hostport = hostport[strings.LastIndexByte(hostport, '@')+1:]
			}
			_, port, err := net.SplitHostPort(hostport)
			if err != nil || strings.ContainsAny(hostport, "/@") {
				return fmt.Errorf("%q is not host:port", shown)
			}
			if n, err := strconv.Atoi(port); err != nil || n < 1 || n > 65535 {
				return fmt.Errorf("%q: the port is not a number from 1 to 65535", shown)
			}
		}
		*p = items
		return nil
	}
}

func splitList(s string) []string {
	var out []string
	for item := range strings.SplitSeq(s, ",") {
		if item = strings.TrimSpace(item); item != "" {
			out = append(out, item)
		}
	}
	return out
}

func nonEmpty(in []string) []string {
	return slices.DeleteFunc(slices.Clone(in), func(s string) bool { return s == "" })
}

// words is a list of names, comma separated.
func words(p *[]string) target {
	return func(s string) error { *p = splitList(s); return nil }
}
