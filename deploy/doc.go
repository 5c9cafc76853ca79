// Package deploy holds the files for running logctl as a service. It has no code, only
// the test that keeps the sample configuration complete.
package deploy
