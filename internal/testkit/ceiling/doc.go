// Package ceiling measures what a piece of work takes of the heap, for tests that bound it.
// It uses nothing of this program, so that the tests of every package can use it.
package ceiling
