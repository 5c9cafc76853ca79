package tail

import (
	"os"

	"logctl/agent/tail/internal/fingerprint"
	"logctl/agent/tail/internal/fsys"
	"logctl/agent/tail/internal/lines"
)

// endState is where to start at the end of a file: at the start of the last line, if
// that is unfinished. It reads backwards in small steps, mostly one: lines are short. No
// lock may be held meanwhile.
func endState(h *os.File, size int64, sp lines.Splitter) State {
	unit := int64(sp.Unit())
	end := dataEnd(h, size-size%unit, unit)
	st := State{Pos: end}
	low := max(0, end-int64(sp.MaxLine))
	low += low % unit
	b := make([]byte, min(end-low, spaceStep))
	for to := end; to > low; {
		from := max(low, to-int64(len(b)))
		n, err := fsys.ReadFull(h, b[:to-from], from)
		if err != nil || int64(n) < to-from {
			break
		}
		if last := lastEnd(sp, b[:n]); last > 0 || from == 0 {
			st.Pos = from + int64(last)
			break
		}
		to = from
	}
	st.MarkLen, st.Skipped = int(min(st.Pos, fingerprint.MarkMax)), st.Pos
	var head [fingerprint.HeadMax]byte
	if n, err := fsys.ReadFull(h, head[:min(st.Pos, fingerprint.HeadMax)], 0); err == nil {
		st.HeadLen, st.HeadHash = n, fingerprint.Sum(fingerprint.Empty, head[:n])
	}
	return st
}

// lastEnd returns the position after the last line end in b; 0: there is none.
func lastEnd(sp lines.Splitter, b []byte) int {
	last := 0
	for i := 0; i < len(b); {
		n := sp.Index(b[i:])
		if n < 0 {
			break
		}
		i += n + sp.Unit()
		last = i
	}
	return last
}
