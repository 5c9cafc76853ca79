// Package manual writes what is documented twice if people write it: the pages of the
// commands and the settings, the man pages and the completions, from the tables the
// program itself uses.
//
// It promises that the same program gives the same bytes. It never looks at the host it
// runs on. Pages returns what stands in docs/; a test holds the two equal, and
// `go run ./internal/manual/write` renews the files.
package manual
