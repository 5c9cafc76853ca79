//go:build !windows

// Command writer is for Windows: build it with GOOS=windows.
package main

import "os"

func main() { os.Exit(2) }
