// Package config holds logctl's settings: one table of sections and keys, read
// from an ini file, the environment and flags, in rising order of precedence.
//
// It promises that every value knows where it came from, that an unknown key or
// section is an error that names file, line and the nearest known key, and that
// secrets never stand in a printed configuration (the configuration holds files
// of passwords, never passwords). It knows nothing of the rooms it configures:
// internal/cli converts a Config into their Config structs.
package config
