// Package fingerprint knows a file again by its content: by the hash of its first
// bytes (the head), and by that of the bytes before a position (the mark).
//
// What is in a fingerprint is saved for later runs, so its hash (FNV-1a, 64 bits) is
// the same in every version. A read error, or a file that is too short, matches
// nothing. Nothing here is kept or locked.
package fingerprint
