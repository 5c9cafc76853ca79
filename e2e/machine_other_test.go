//go:build !linux

package e2e

import "time"

// holdInotify is for Linux.
func holdInotify() int { return 0 }

// cpu is for Linux.
func (p *process) cpu() time.Duration {
	p.t.Helper()
	p.t.Fatal("what a process takes of the processors is measured on Linux only")
	return 0
}
