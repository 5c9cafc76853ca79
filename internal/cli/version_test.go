package cli

import (
	"runtime/debug"
	"testing"
)

func TestBuildStampedByGo(t *testing.T) {
	const rev = "8d8e8c0f00d1b2c3d4e5f60718293a4b5c6d7e8f"
	vcs := func(modified string) []debug.BuildSetting {
		return []debug.BuildSetting{{Key: "vcs.revision", Value: rev}, {Key: "vcs.time", Value: "2026-11-30T01:00:00Z"}, {Key: "vcs.modified", Value: modified}}
	}
	for _, c := range []struct {
		name   string
		linker buildInfo
		info   debug.BuildInfo
		want   string
	}{
		{"nothing known", buildInfo{}, debug.BuildInfo{Main: debug.Module{Version: "(devel)"}}, "logctl devel go1 os/arch"},
		{"a working tree", buildInfo{}, debug.BuildInfo{Main: debug.Module{Version: "v0.0.0-20261130010000-8d8e8c0f00d1"}, Settings: vcs("false")},
			"logctl devel-8d8e8c0f00d1 commit 8d8e8c0f00d1 of 2026-11-30T01:00:00Z go1 os/arch"},
		{"a changed working tree", buildInfo{}, debug.BuildInfo{Settings: vcs("true")},
			"logctl devel-8d8e8c0f00d1+changes commit 8d8e8c0f00d1 of 2026-11-30T01:00:00Z go1 os/arch"},
		{"go install of a tag", buildInfo{}, debug.BuildInfo{Main: debug.Module{Version: "v0.2.0"}}, "logctl 0.2.0 go1 os/arch"},
		{"a release", buildInfo{Version: "0.2.0", Commit: rev, Date: "2026-11-30T01:00:00Z"}, debug.BuildInfo{Settings: vcs("true")},
			"logctl 0.2.0 commit 8d8e8c0f00d1 of 2026-11-30T01:00:00Z go1 os/arch"},
	} {
		b := c.linker
		b.Go, b.Platform, b.Demo = "go1", "os/arch", true
		b.stamp(&c.info)
		if got := b.String(); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}
