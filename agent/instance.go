package agent

import (
	"hash/fnv"
	"net"
	"os"
	"path/filepath"
	"strconv"
)

// instance names this host and data directory among all that may go by one agent id. It is
// the same when the agent was killed and starts again, so that it is not taken for its own
// twin as long as its old lease lives; and another one on a copy of this host's image, whose
// name and files are the same.
func instance(dataDir string) string {
	h := fnv.New64a()
	// The kernel makes it anew at each start.
	boot, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	_, _ = h.Write(boot) // a hash does not fail
	if err != nil {
		if cards, err := net.Interfaces(); err == nil {
			for _, c := range cards {
				_, _ = h.Write(c.HardwareAddr)
			}
		}
	}
	if dir, err := filepath.Abs(dataDir); err == nil {
		dataDir = dir
	}
	_, _ = h.Write([]byte(dataDir))
	return strconv.FormatUint(h.Sum64(), 16)
}
