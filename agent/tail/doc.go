// Package tail follows files and turns their bytes into lines with exact byte
// positions.
//
// It promises
//   - that every line written to a followed file is handed out once, in the
//     order of the file, as long as the bytes can still be read from somewhere:
//     from the file, from its rotated name, from the descriptor of a deleted
//     file, from the copy that copytruncate made, from the compressed file that it became;
//   - that bytes which were known to exist and could not be read any more are
//     counted (Status.Unreadable) and logged, never passed over in silence;
//   - that a position (State) is enough to go on after a stop, whatever happened
//     to the file meanwhile: it is verified by identity and content before use;
//   - memory bounded by the chunks handed out, and no allocation per line.
//
// It never writes to, locks, or removes a file, and never decides what a line
// means: decoding, filtering and joining lines belong to its caller.
//
// A Set follows the files of one path or glob. Run looks at the file system (by
// notification and by a scan every Interval); any number of goroutines may call
// Ready, each gets a File of its own and is its only user until Release. Status,
// EachFile, Forgotten, Unsaved and Close may be called at any time from any goroutine, and
// wait for no file system: see guard.
//
//	for {
//		f, err := set.Ready(ctx)
//		if err != nil {
//			return err
//		}
//		for {
//			c, err := f.Next()
//			if err != nil { // io.EOF: nothing whole to read now
//				break
//			}
//			... use c.Lines; c.StateAt(pos) is what to save; c.Release() when done with c.Data
//		}
//		f.Release()
//	}
//
// A generation is the life of one file from its creation (or truncation) to its
// end. It has a FileID that no other generation ever has, also when the file
// system gives the same inode number again or the file is truncated. Generations
// of one watched name are handed out in order: the newer one becomes ready when
// the older one has been read to its end.
//
// The phases of a generation:
//
//	         content came        read to its end
//	Seen ───────────────▶ Reading ◀──────────▶ CaughtUp
//	 │ begins like another    │ name moved         │ name moved
//	 ▼                        ▼                    ▼
//	MaybeCopy ──▶ Reading   Rotated ──read──▶ (newer ones may go) ◀──▶ Late: written to after that
//	 │                        │                    │
//	 └────────────────────────┴────────────────────┴──▶ Ended: truncated, deleted, or a copy
//
// Whether newer generations wait is a phase of its own, with one table: history.Phase. A File,
// a Set and a watched name consist of parts with a doc comment each: parts.go, set.go, slot.go.
//
// What a file is, is decided by evidence in this order: content (head, mark, length),
// identity, names, times. Where evidence contradicts itself, the file is read. These
// decisions are pure functions in internal/history.
//
// What cannot be known is in the table "Known limits" of ARCHITECTURE.md.
package tail
