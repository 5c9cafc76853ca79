//go:build !windows

package etcdcfg

import "golang.org/x/text/encoding"

// ansi is the encoding of the machine's own code page: UTF-8, where there is none.
func ansi() (encoding.Encoding, error) { return nil, nil }
