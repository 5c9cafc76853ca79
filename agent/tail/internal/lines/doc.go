// Package lines cuts bytes into lines with exact positions, whatever the reads
// were that brought the bytes. It opens nothing, keeps nothing and allocates
// nothing but the slice it appends to. A Splitter is a value that any number of
// goroutines may use.
package lines
