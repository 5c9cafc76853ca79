package agent

import (
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestCleanMappings(t *testing.T) {
	t.Parallel()
	const smaps = `00400000-00500000 r-xp 00001000 08:01 11                 /usr/bin/logctl
Size:               1024 kB
Rss:                 800 kB
Anonymous:             0 kB
VmFlags: rd ex mr mw me
00500000-00600000 r--p 00101000 08:01 11                 /usr/bin/logctl
Rss:                  12 kB
Anonymous:             4 kB
Locked:                0 kB
00600000-00700000 r--p 00201000 08:01 11                 /usr/bin/logctl
Rss:                   0 kB
Anonymous:             0 kB
00700000-00800000 rw-p 00301000 08:01 11                 /usr/bin/logctl
Rss:                  40 kB
Anonymous:             0 kB
00800000-00900000 r-xp 00000000 08:01 12                 /usr/lib/libc.so.6
Rss:                  40 kB
00900000-00a00000 rw-p 00000000 00:00 0
Rss:                  40 kB
00a00000-00b00000 r-xp 00000000 08:01 13                 /opt/usr/bin/logctl
Rss:                  40 kB
7ffc0000-7ffd0000 rw-p 00000000 00:00 0                  [stack]
Rss:                  40 kB
`
	want := []mapping{{0x400000, 0x500000, 800 << 10}, {0x600000, 0x700000, 0}}
	got := cleanMappings([]byte(smaps), "/usr/bin/logctl")
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(mapping{})); diff != "" {
		t.Error(diff)
	}
}

func TestReleasePages(t *testing.T) {
	before, err := releasePages()
	if err != nil {
		t.Fatal(err)
	}
	program, err := os.Readlink("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	smaps, err := os.ReadFile("/proc/self/smaps")
	if err != nil {
		t.Fatal(err)
	}
	after, parts := int64(0), cleanMappings(smaps, program)
	for _, m := range parts {
		after += m.resident
	}
	if len(parts) == 0 || before <= 0 || after >= before {
		t.Errorf("%d bytes of %d mappings are resident, %d were before", after, len(parts), before)
	}
}
