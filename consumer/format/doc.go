// Package format writes records for people and for programs: text, raw, JSON, a
// table, or a template.
//
// It promises that raw output is the value byte for byte, that JSON output is one
// object per line whatever the record holds, and that with Options.Escape no byte of
// a record can reach a terminal as a command: control characters are shown. It never
// writes to a file or terminal itself: a Printer appends to a slice.
//
// A Printer is for one goroutine at a time.
package format
