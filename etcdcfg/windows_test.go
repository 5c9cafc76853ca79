package etcdcfg

import (
	"strings"
	"testing"
)

func TestWindowsPaths(t *testing.T) {
	for path, want := range map[string]string{
		`C:\con`:                           "is a device on Windows",
		`C:\logs\NUL.txt`:                  "is a device on Windows",
		`C:/logs/com1`:                     "is a device on Windows",
		`D:\lpt³.log`:                      "is a device on Windows",
		`\\.\pipe\app`:                     "is a device",
		`C:\logs\a.log.`:                   "Windows drops the dot or space",
		`C:\logs.\a.log`:                   "Windows drops the dot or space",
		`C:\logs \a.log`:                   "Windows drops the dot or space",
		`C:\a:b.log`:                       "names a stream",
		`C:\logs\a.log:b`:                  "names a stream",
		`C:\logs\a|b.log`:                  "which no name on Windows has",
		`C:\console\a.log`:                 "",
		`C:\*.log`:                         "",
		`C:\logs\con*.log`:                 "",
		`C:\logs\..\a.log`:                 "",
		`\\host\share\app.log`:             "",
		`\\?\C:\logs\a.log`:                "",
		`C:\inetpub\logs\W3SVC1\u_ex*.log`: "",
		`/var/log/con`:                     "",
		`/var/log/a.log:b`:                 "",
	} {
		err := ValidateEntry(Entry{Path: path, Topic: "t"})
		switch {
		case want == "" && err != nil:
			t.Errorf("%s: %v", path, err)
		case want != "" && (err == nil || !strings.Contains(err.Error(), want)):
			t.Errorf("%s: %v, want %s", path, err, want)
		}
	}
}

func TestRepair(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{`[{"path": "d:\logs\s4.log", "topic": "web_log"}]`, `[{"path": "d:\\logs\\s4.log", "topic": "web_log"}]`},
		{"[\n {\"path\": \"C:\\temp\\new.log\", \"topic\": \"t\",},\n]", "[\n {\"path\": \"C:\\\\temp\\\\new.log\", \"topic\": \"t\"}\n]"},
		{`[{"path": "\\host\share\a.log", "topic": "t"}]`, `[{"path": "\\\\host\\share\\a.log", "topic": "t"}]`},
		{"\ufeff[]", "[]"},
		{`[{"path": "/var/log/a, ].log", "topic": "t" , }]`, `[{"path": "/var/log/a, ].log", "topic": "t"  }]`},
		{`[{"path": "/a.log", "topic": "t", "include_lines": ["\d+ \"x\""]}]`, `[{"path": "/a.log", "topic": "t", "include_lines": ["\\d+ \"x\""]}]`},
		{`[{"path": "D:\\right\\a.log", "topic": "t"}]`, `[{"path": "D:\\right\\a.log", "topic": "t"}]`},
	} {
		got, ok := Repair([]byte(c.text))
		if string(got) != c.want || !ok {
			t.Errorf("%s: %s, %v", c.text, got, ok)
		}
	}
	for _, text := range []string{`[{"path": "D:\logs\", "topic": "t"}]`, `{"path": "D:\a.log"}`, `[{"path": "a.log", "topic": "t",}]`, `[`, ``, `["D:\`, `[{"path": "C:\con", "topic": "t"}]`} {
		if got, ok := Repair([]byte(text)); ok {
			t.Errorf("%s is taken as %s", text, got)
		}
	}
}

func TestCodePages(t *testing.T) {
	for n, want := range map[uint32]string{936: "gbk", 1252: "windows-1252", 874: "windows-874", 932: "shift_jis", 950: "big5", 949: "euc-kr", 54936: "gb18030"} {
		enc, err := LookupEncoding(codePageName(n))
		if err != nil || enc == nil || codePageName(n) != want {
			t.Errorf("code page %d is %s: %v", n, codePageName(n), err)
		}
	}
	if codePageName(65001) != "utf-8" {
		t.Errorf("code page 65001 is %s", codePageName(65001))
	}
	if _, err := LookupEncoding("ANSI"); err != nil {
		t.Error(err)
	}
}
