package agent

import "sync/atomic"

// counters are what a task counts; cumulative since the agent started, also when
// the task is restarted.
type counters struct {
	lines, bytes           atomic.Uint64 // read
	ackedLines, ackedBytes atomic.Uint64
	split, skipped         atomic.Uint64 // by ship: lines sent in parts, lines no broker would take
	filtered, unparsed     atomic.Uint64 // by the line rules of the entry: records left out, lines not in its format
	lastRead               atomic.Int64  // Unix nanoseconds of the last chunk
	blocked                atomic.Int64  // Unix nanoseconds since when lines wait in their files because the topic is closed; 0: none do
}
