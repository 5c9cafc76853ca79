//go:build race

package testkit

// Race says whether the race detector is on, under which bars of time and memory say
// little.
const Race = true
