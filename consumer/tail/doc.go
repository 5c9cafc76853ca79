// Package tail is the loop of the tail-topic command: it reads records, decodes,
// filters and prints them.
//
// It promises that Config.Out gets records and nothing else, that Config.Messages
// gets everything else, that a writer that blocks stops the reading and loses
// nothing, that output is flushed whenever no record waits, and that a closed pipe
// is a quiet end.
package tail
