package rotation_test

import (
	"slices"
	"testing"

	"logctl/agent/tail/internal/rotation"
	"logctl/internal/testkit/ceiling"
)

func TestOf(t *testing.T) {
	for _, c := range []struct {
		writer, base, name string
		place              rotation.Place
		text, packed       string
		certain            bool
	}{
		{"logrotate", "app.log", "app.log.1", rotation.Behind, ".1", "", true},
		{"logrotate compress", "app.log", "app.log.2.gz", rotation.Behind, ".2", ".gz", true},
		{"logrotate dateext", "app.log", "app.log-20260131", rotation.Behind, "-20260131", "", true},
		{"logrotate extension", "app.log", "app.1.log", rotation.Within, ".1", "", false},
		{"logrotate extension, compressed", "app.log", "app.1.log.gz", rotation.Within, ".1", ".gz", false},
		{"savelog", "messages", "messages.0", rotation.Behind, ".0", "", true},
		{"by hand", "app.log", "app.log.old", rotation.Behind, ".old", "", true},
		{"by hand", "app.log", "app.log.bak", rotation.Behind, ".bak", "", true},
		{"by hand", "app.log", "app.old", rotation.Within, ".old", "", false},
		{"lumberjack", "app.log", "app-2026-01-31T18-29-40.123.log.gz", rotation.Within, "-2026-01-31T18-29-40.123", ".gz", true},
		{"timberjack", "app.log", "app-2026-01-31T18-29-40.123-size.log.zst", rotation.Within, "-2026-01-31T18-29-40.123-size", ".zst", true},
		{"a log of its own each day", "app.log", "app-2026-01-31-error.log", 0, "", "", false},
		{"loguru", "app.log", "app.2026-01-31_18-29-40_123456.log", rotation.Within, ".2026-01-31_18-29-40_123456", "", true},
		{"spdlog", "app.log", "app.3.log", rotation.Within, ".3", "", false},
		{"winston tailable", "app.log", "app1.log", rotation.Within, "1", "", false},
		{"flexi_logger", "app_rCURRENT.log", "app_r00001.log", rotation.Number, "_r00001", "", true},
		{"flexi_logger, without rCURRENT", "app.log", "app_r00001.log", rotation.Within, "_r00001", "", false},
		{"java.util.logging", "app.0.log", "app.1.log", rotation.Number, "1", "", false},
		{"java.util.logging", "java.log.0", "java.log.12", rotation.Number, "12", "", false},
		{"date in front", "app.log", "20260131-app.log", rotation.Front, "20260131", "", false},
		{"number in front", "app.log", "1.app.log", rotation.Front, "1", "", false},
		{"svlogd", "current", "@4000000065f0c1a20f2d1c8c.s", rotation.Stamp, "@4000000065f0c1a20f2d1c8c.s", "", true},
		{"multilog, cut off", "current", "@4000000065f0c1a20f2d1c8c.u", rotation.Stamp, "@4000000065f0c1a20f2d1c8c.u", "", true},
		{"kubelet, compressing", "0.log", "0.log.20260131-182940.tmp", 0, "", "", false},
		{"kubelet, compressed", "0.log", "0.log.20260131-182940.gz", rotation.Behind, ".20260131-182940", ".gz", true},
		{"gzip, writing", "app.log", "app.log.1.gz.tmp", rotation.Behind, ".1", ".gz.tmp", true},
		{"the log itself", "app.log", "app.log", 0, "", "", false},
		{"the log, compressed", "app.log", "app.log.gz", 0, "", "", false},
		{"another number", "web1", "web12", 0, "", "", false},
		{"the separator is the tag's", "app.log.", "app.log.1", 0, "", "", false},
		{"another log", "app.log", "apple.log", 0, "", "", false},
		{"another log", "app.log", "app-error.log", 0, "", "", false},
		{"another log", "app.log", "app.log.txt", 0, "", "", false},
		{"another log", "current", "@short.s", 0, "", "", false},
		{"another port", "app.8080.log", "app.8081.log", 0, "", "", false},
		{"another worker", "file0.log", "file1.log", 0, "", "", false},
		{"another worker", "app-0.log", "app-1.log", 0, "", "", false},
		{"another worker", "app_0.log", "app_1.log", 0, "", "", false},
		{"another worker", "file1.log", "file10.log", 0, "", "", false},
		{"another worker", "file1.log", "file12.log.gz", 0, "", "", false},
		{"ten is not nought", "app.10.log", "app.11.log", 0, "", "", false},
	} {
		t.Run(c.writer+" "+c.name, func(t *testing.T) {
			tag, ok := rotation.Of(c.base, c.name)
			want := rotation.Tag{Place: c.place, Text: c.text, Packed: c.packed, Certain: c.certain}
			if ok != (c.place != 0) || tag != want {
				t.Errorf("Of(%q, %q) = %+v, %v; want %+v", c.base, c.name, tag, ok, want)
			}
			if bases := rotation.Bases(c.name); ok != slices.Contains(bases, c.base) {
				t.Errorf("Bases(%q) = %q", c.name, bases)
			}
		})
	}
}

func TestOlder(t *testing.T) {
	for _, c := range []struct {
		name   string
		base   string
		rising bool
		oldest []string // to youngest
	}{
		{"numbers that move up", "app.log", false, []string{"app.log.10", "app.log.9", "app.log.1"}},
		{"numbers that rise", "app.log", true, []string{"app.log.1", "app.log.9", "app.log.10"}},
		{"before the extension", "app.log", false, []string{"app.10.log", "app.9.log", "app.1.log.gz"}},
		{"flexi_logger rises by itself", "app_rCURRENT.log", false, []string{"app_r00000.log", "app_r00001.log", "app_r00010.log"}},
		{"dates", "app.log", false, []string{"app.log-20260131", "app.log-20260201"}},
		{"dates with a number", "app.log", false, []string{"app-2026-01-31.9.log", "app-2026-01-31.10.log", "app-2026-02-01.1.log"}},
		{"dates with and without a time", "app.log", false, []string{"app.log-20260131", "app.log-202601311829", "app.log-20260201"}},
		{"stamps", "current", false, []string{"@4000000065f0c1a20f2d1c8c.s", "@4000000065f0c1a30f2d1c8c.u"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			tag := func(name string) rotation.Tag {
				tag, ok := rotation.Of(c.base, name)
				if !ok {
					t.Fatalf("%q is no rotated %q", name, c.base)
				}
				return tag
			}
			got := slices.Clone(c.oldest)
			slices.Reverse(got)
			slices.SortFunc(got, func(a, b string) int { return rotation.Older(tag(a), tag(b), c.rising) })
			if !slices.Equal(got, c.oldest) {
				t.Errorf("oldest first: %q, want %q", got, c.oldest)
			}
		})
	}
}

func TestLearn(t *testing.T) {
	for _, c := range []struct {
		base, seen, pattern string
		match, other        []string
	}{
		{"app.log", "app-7.log", "app-#.log", []string{"app-8.log", "app-12.log.gz"}, []string{"app-x.log", "app-8.log2"}},
		{"web1.log", "web1-3.log", "web1-#.log", []string{"web1-4.log"}, []string{"web2-3.log"}},
		{"app.log", "done_2026_01_31.txt", "done_#_#_#.txt", []string{"done_2026_02_01.txt"}, []string{"done_2026_02.txt"}},
		{"app.log", "archived.log", "archived.log", []string{"archived.log", "archived.log.zst"}, []string{"archived2.log"}},
	} {
		t.Run(c.seen, func(t *testing.T) {
			p, ok := rotation.Learn(c.base, c.seen)
			if !ok || p.String() != c.pattern {
				t.Fatalf("Learn(%q, %q) = %q, %v; want %q", c.base, c.seen, p, ok, c.pattern)
			}
			check(t, p, c.match, c.other)
		})
	}
	if p, ok := rotation.Learn("app.log", "app.log"); ok {
		t.Errorf("a file that was not renamed taught %q", p)
	}
}

func TestBetween(t *testing.T) {
	p, ok := rotation.Between("prog.web01.root.log.INFO.20260131-182940.4711", "prog.web01.root.log.INFO.20260131-190000.4712")
	if !ok {
		t.Fatal("two targets of one link are not alike")
	}
	check(t, p, []string{"prog.web01.root.log.INFO.20260131-184500.4711"},
		[]string{"prog.web02.root.log.INFO.20260131-184500.4711", "prog.web01.root.log.ERROR.20260131-184500.4711"})
	if p, ok := rotation.Between("a.1.log", "b.2.log"); ok {
		t.Errorf("different programs are alike: %q", p)
	}
}

func check(t *testing.T, p rotation.Pattern, match, other []string) {
	t.Helper()
	for _, n := range match {
		if _, ok := p.Match(n); !ok {
			t.Errorf("%q does not match %q", p, n)
		}
	}
	for _, n := range other {
		if _, ok := p.Match(n); ok {
			t.Errorf("%q matches %q", p, n)
		}
	}
}

func TestDated(t *testing.T) {
	for name, want := range map[string]string{
		"app-2026-01-31.log":                  "app-*.log",
		"app-2026-01-31-2.log":                "app-*.log",
		"app-01-31-2026-1.log":                "app-*.log",
		"postgresql-2026-01-31_182940.log":    "postgresql-*.log",
		"localhost_access_log.2026-01-31.txt": "localhost_access_log.*.txt",
		"prefix.2026-01-31-18":                "prefix.*",
		"app-20260131T18.log.gz":              "app-*.log",
		"worker-1-2026-01-31.log":             "worker-1-*.log",
		"app.log.1769817600":                  "app.log.*",
		"app-1.log":                           "",
		"app.log.1069817600":                  "",
		"app.8080.log":                        "",
		"20260131.log":                        "*.log",
		"2026-01-31":                          "",
		"build-1234567890123.log":             "",
	} {
		family, tag, ok := rotation.Dated(name)
		if family != want || ok != (want != "") {
			t.Errorf("Dated(%q) = %q, %+v, %v; want %q", name, family, tag, ok, want)
		}
	}
}

func TestIsArchive(t *testing.T) {
	for name, want := range map[string]bool{"archive": true, "Old": true, "2026-01": true, "2026": true, "01": true, "nginx": false, "8080": false, "1": false} {
		if got := rotation.IsArchive(name); got != want {
			t.Errorf("IsArchive(%q) = %v, want %v", name, got, want)
		}
	}
	if tag, ok := rotation.In("app.log", "app.log.gz"); !ok || tag.Place != rotation.Same || tag.Packed != ".gz" {
		t.Errorf("app.log.gz in an archive: %+v, %v", tag, ok)
	}
}

func FuzzOf(f *testing.F) {
	f.Add("app.log", "app.log.1")
	f.Add("app.0.log", "app.1.log")
	f.Fuzz(func(t *testing.T, base, name string) {
		ceiling.Within(t, 128<<20, func() {
			tag, ok := rotation.Of(base, name)
			if !ok && tag != (rotation.Tag{}) {
				t.Errorf("no rotated name, but %+v", tag)
			}
			if ok && rotation.Older(tag, tag, false) != 0 {
				t.Errorf("%+v is older than itself", tag)
			}
			if p, ok := rotation.Learn(base, name); ok {
				if _, again := p.Match(name); !again {
					t.Errorf("%q learned from %q does not match it", p, name)
				}
			}
			rotation.Dated(name)
		})
	})
}
