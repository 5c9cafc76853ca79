package etcdcfg

import (
	"errors"
	"fmt"
	"strings"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/htmlindex"
	"golang.org/x/text/encoding/unicode"
)

// LookupEncoding returns the encoding of an entry's files by its name: utf-8,
// utf-16le, utf-16be, gbk, gb18030, big5, shift_jis, euc-kr, windows-1252 and the
// other names of the WHATWG list, but none that leaves the byte order open, and ansi, the
// code page of the machine that asks (UTF-8 on other systems than Windows). It is nil for "" and for utf-8, whose bytes are
// sent as they are.
func LookupEncoding(name string) (encoding.Encoding, error) {
	switch plain := strings.ToLower(strings.TrimSpace(name)); plain {
	case "", "utf-8", "utf8":
		return nil, nil
	case "utf-16le", "utf16le":
		return unicode.UTF16(unicode.LittleEndian, unicode.UseBOM), nil
	case "utf-16be", "utf16be":
		return unicode.UTF16(unicode.BigEndian, unicode.UseBOM), nil
	case "ansi":
		return ansi()
	case "cp936", "gb2312":
		name = "gbk"
	}
	enc, err := htmlindex.Get(name)
	if err != nil {
		return nil, fmt.Errorf("unknown encoding %q: %s", name, encodingHint(name))
	}
	canonical, err := htmlindex.Name(enc)
	switch canonical {
	case "utf-16le", "utf-16be": // under a name that leaves open which
		return nil, fmt.Errorf("encoding %q does not say the order of bytes: %s", name, encodingHint("utf-16"))
	case "replacement", "x-user-defined":
		err = errors.ErrUnsupported
	}
	if err != nil {
		return nil, fmt.Errorf("encoding %q cannot be decoded: %s", name, encodingHint(name))
	}
	if canonical == "utf-8" {
		return nil, nil
	}
	return enc, nil
}

// codePageName is the name of a Windows code page in the WHATWG list.
func codePageName(n uint32) string {
	switch n {
	case 65001:
		return "utf-8"
	case 932:
		return "shift_jis"
	case 936:
		return "gbk"
	case 949:
		return "euc-kr"
	case 950:
		return "big5"
	case 54936:
		return "gb18030"
	}
	return fmt.Sprintf("windows-%d", n)
}

// encodingHint names what was probably meant.
func encodingHint(name string) string {
	plain := strings.ToLower(strings.NewReplacer("_", "", "-", "", " ", "").Replace(name))
	switch {
	case plain == "utf16" || plain == "unicode" || plain == "ucs2":
		return "say which: utf-16le (Windows) or utf-16be"
	case strings.HasPrefix(plain, "gb"):
		return "use gbk or gb18030"
	case plain == "ansi" || plain == "default" || plain == "acp":
		return "name it: gbk on Chinese Windows, windows-1252 on Western, or ansi for the machine's own code page"
	case strings.HasPrefix(plain, "cp"):
		return "use windows-" + strings.TrimPrefix(plain, "cp") + " if it is a Windows code page"
	}
	return "use for example utf-8, gbk, gb18030, big5, utf-16le, shift_jis, windows-1252"
}
