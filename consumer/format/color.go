package format

import (
	"fmt"
	"strconv"
)

// ParseColor decides whether output is coloured. mode is auto, always or never. With
// auto a terminal is, unless NO_COLOR is set to anything or TERM is dumb, and
// anything is when CLICOLOR_FORCE is set to something else than 0.
func ParseColor(mode string, terminal bool, getenv func(string) string) (bool, error) {
	switch mode {
	case "always":
		return true, nil
	case "never":
		return false, nil
	case "", "auto":
	default:
		return false, fmt.Errorf("color %q: want auto, always or never", mode)
	}
	switch {
	case getenv("NO_COLOR") != "":
		return false, nil
	case getenv("CLICOLOR_FORCE") != "" && getenv("CLICOLOR_FORCE") != "0":
		return true, nil
	case getenv("TERM") == "dumb":
		return false, nil
	}
	return terminal, nil
}

// The colours of the fields of a record, as parameters of an SGR sequence.
const (
	colorReset  = "\x1b[0m"
	colorDim    = "\x1b[2m"
	colorKey    = "\x1b[36m"
	colorMatch  = "\x1b[1;30;43m"
	colorHeader = "\x1b[2;36m"
)

// partitionColors returns the colours that partitions take in turn: those of the
// basic palette that are readable on dark and on light backgrounds.
func partitionColors() [12]string {
	var out [12]string
	for i, c := range [12]int{32, 33, 34, 35, 36, 31, 92, 93, 94, 95, 96, 91} {
		out[i] = "\x1b[" + strconv.Itoa(c) + "m"
	}
	return out
}
