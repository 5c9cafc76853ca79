package etcdcfg

import (
	"fmt"

	"golang.org/x/sys/windows"
	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/htmlindex"
)

// ansi is the encoding of the machine's own code page, which programs without Unicode
// write; nil where that is UTF-8.
func ansi() (encoding.Encoding, error) { return codePage(windows.GetACP()) }

func codePage(n uint32) (encoding.Encoding, error) {
	name := codePageName(n)
	if name == "utf-8" {
		return nil, nil
	}
	enc, err := htmlindex.Get(name)
	if err != nil {
		return nil, fmt.Errorf("encoding ansi: this machine's code page %d cannot be decoded; name the encoding", n)
	}
	return enc, nil
}
