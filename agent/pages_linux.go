package agent

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// releasePages gives back the pages of the program's file that starting has brought
// into memory: code that runs once, and its tables. Those that are needed again come
// back from the page cache. Only mappings are given back that are read-only and of which
// no page differs from the file, so that nothing is lost. It returns how many bytes of
// them were resident.
func releasePages() (resident int64, err error) {
	program, err := os.Readlink("/proc/self/exe")
	if err != nil {
		return 0, fmt.Errorf("release pages of the program: %w", err)
	}
	smaps, err := os.ReadFile("/proc/self/smaps")
	if err != nil {
		return 0, fmt.Errorf("release pages of the program: %w", err)
	}
	for _, m := range cleanMappings(smaps, program) {
		if _, _, code := unix.Syscall(unix.SYS_MADVISE, m.start, m.end-m.start, unix.MADV_DONTNEED); code != 0 {
			return resident, fmt.Errorf("release pages of %s: madvise: %w", program, code)
		}
		resident += m.resident
	}
	return resident, nil
}

// mapping is a part of the address space.
type mapping struct {
	start, end uintptr
	resident   int64 // bytes
}

// cleanMappings lists the mappings of a file that are read-only and have no page of
// their own, in the text of /proc/PID/smaps.
func cleanMappings(smaps []byte, file string) []mapping {
	var out []mapping
	ours := false // the lines are about the last of out
	for raw := range bytes.Lines(smaps) {
		line := strings.TrimSuffix(string(raw), "\n")
		if line == "" {
			continue
		}
		if line[0] < 'A' || line[0] > 'Z' { // "55d0-55e0 r-xp 00000000 08:01 1234   /usr/bin/logctl"
			m, access := mappingOf(line)
			if ours = strings.HasSuffix(line, " "+file) && (access == "r--p" || access == "r-xp"); ours {
				out = append(out, m)
			}
			continue
		}
		if !ours {
			continue
		}
		if n, ok := kilobytes(line, "Rss:"); ok {
			out[len(out)-1].resident = n << 10
		} else if n, ok := kilobytes(line, "Anonymous:"); ok && n > 0 {
			out, ours = out[:len(out)-1], false
		}
	}
	return out
}

// mappingOf reads the first line of a mapping.
func mappingOf(line string) (m mapping, access string) {
	span, rest, _ := strings.Cut(line, " ")
	access, _, _ = strings.Cut(rest, " ")
	from, to, _ := strings.Cut(span, "-")
	start, err1 := strconv.ParseUint(from, 16, 64)
	end, err2 := strconv.ParseUint(to, 16, 64)
	if err1 != nil || err2 != nil {
		return mapping{}, ""
	}
	return mapping{start: uintptr(start), end: uintptr(end)}, access
}

// kilobytes reads a line like "Rss:   12 kB".
func kilobytes(line, field string) (int64, bool) {
	text, ok := strings.CutPrefix(line, field)
	if !ok {
		return 0, false
	}
	n, err := strconv.ParseInt(strings.TrimSpace(strings.TrimSuffix(text, "kB")), 10, 64)
	return n, err == nil
}
