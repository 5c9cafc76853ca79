// Package rotation knows how programs name the old generations of a log.
//
// The grammar covers a number or a date behind the full name (app.log.1), before
// the extension (app.1.log, app_r00001.log, app-2026-01-31.log) and in front
// (20260131-app.log), the words .old and .bak, the TAI64N stamps of svlogd, s6-log
// and multilog beside "current", and writers whose active file has the number 0
// (java.util.logging) or the word rCURRENT (flexi_logger). The ending of a
// compressed file is not part of a tag. What the grammar does not know can be
// learned from a file that was seen under two names: see Learn and Between.
//
// A name alone rarely proves anything: app.1.log may be the log of a second
// worker. Tag.Certain tells which names need no other evidence; for all others the
// caller must know that the file was not written side by side with the log.
//
// The package is pure: it reads no file, keeps no state, and may be called from
// any goroutine. A name is the last element of a path.
package rotation
