package cli

import (
	"os"
	"strconv"
	"strings"
	"syscall"
)

// limits reads those of this process and of the kernel.
func limits() []limit {
	var out []limit
	var files syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &files); err == nil {
		out = append(out, limit{name: "open files (ulimit -n)", value: int64(min(files.Max, 1<<40)), least: 4096, files: true,
			effect: "of more files some are closed and opened in turn", do: "raise LimitNOFILE in the unit, or ulimit -n"})
	}
	for _, l := range []limit{
		{name: "fs.inotify.max_user_watches", least: 8192, effect: "directories beyond it are looked at once a second instead", do: "sysctl fs.inotify.max_user_watches=524288"},
		{name: "fs.inotify.max_user_instances", least: 16, effect: "without one, files are looked at once a second instead", do: "sysctl fs.inotify.max_user_instances=512"},
	} {
		text, err := os.ReadFile("/proc/sys/" + strings.ReplaceAll(l.name, ".", "/"))
		if err != nil {
			continue
		}
		if l.value, err = strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64); err == nil {
			out = append(out, l)
		}
	}
	return out
}

// diskFree is how many bytes this user may still write on the disk of a directory, or of the
// nearest one above that exists.
func diskFree(dir string) (int64, bool) {
	var st syscall.Statfs_t
	for {
		err := syscall.Statfs(dir, &st)
		if err == nil {
			return int64(st.Bavail) * int64(st.Bsize), true
		}
		i := strings.LastIndexByte(strings.TrimRight(dir, "/"), '/')
		if i < 0 || dir == "/" {
			return 0, false
		}
		dir = dir[:max(i, 1)]
	}
}
