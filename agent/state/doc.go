// Package state says how a task stands: it is the one place that decides, from
// evidence, and the one table of the words, meanings and remedies.
//
// Contract: Judge is pure. It looks at an Evidence and returns a State with a Code,
// the file it is about and a reason in full; it never reads a word to find a
// code. Table lists every Code once. Presences, reports, metrics, health answers,
// the log, `logctl status` and the console show what Judge said, and take the
// meaning of a Code from Table; docs/states.md is written from it.
//
// The order in which evidence counts, from the first to the last:
//
//	paused -> does not run -> no file can be read -> the topic takes nothing ->
//	no broker answers -> no file yet -> some file cannot be read ->
//	the topic is slow -> a line waits for long -> lines flow -> quiet
//
// The package imports nothing of ours and keeps nothing but Tracker's memory of
// since when a task is in its state.
package state
