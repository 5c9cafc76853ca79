// Package verify proves, line by line, what became of log files: it compares the files
// of a host with the records of their topics by the address (host, file, pos) that every
// record carries.
//
// Topics are read once, from one end to the other. Of each file generation a Ledger keeps
// intervals of bytes that arrived, not lines, so that its memory grows with holes and
// repeats and not with traffic. Compare then reads the files, rotated and compressed
// generations included, and says of each what arrived once, what twice, what not at all,
// what out of order and, when the values were hashed, what was altered.
//
// What cannot be told is named and not counted as a hole: what is older than the topic
// keeps, bytes that an entry with from = end passed over, the last lines of a file that
// is being written to, and files of entries whose rules change lines (encodings, filters),
// of which only repeats and order are judged.
//
// The package writes nothing, to no topic and no file. A Ledger is for one goroutine.
package verify
