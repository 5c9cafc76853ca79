// Package history decides what became of a log's files from what was seen of them:
// facts in, a decision out. It is pure: it imports neither os nor sync and asks no
// clock, so that each decision can be written down as a table and tested as one.
//
// Evidence is asked in this order: content (head, mark, length), identity (inode,
// creation time), names, and modification times last, for anybody may set them and
// clocks are stepped. Where evidence contradicts itself, the answer is to read: a line
// that comes twice can be told by its position, a line that is lost cannot be had back.
package history
