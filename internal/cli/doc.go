// Package cli is the command line of logctl: one file per command, each turning
// flags, environment and ini file into the Config of a room and running it.
//
// Contract: data goes to stdout, everything else to stderr. Exit codes: 0 well, 1
// failure, 2 wrong usage (flags, arguments, settings). A closed stdout is a quiet
// end. Commands hold no state between runs; Main may be called many times in one
// process, also concurrently, with its own streams each.
package cli
