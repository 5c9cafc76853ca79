#!/usr/bin/env bash
# k8s.io/klog/v2 v2.140.0: files that fill up twice within one second.
#
# Guess: a log that reaches MaxSize goes on in a new file, so all files together hold every line, as with glog for C++.
# Seen:  the name of a file has its second and the process id, nothing finer. A second file within the same second gets
#        the same name and is created with truncation: what the first one held is gone, without an error.
#        4,000 lines in about 2 s at MaxSize 64 KiB: "kept 1768 of 4000 lines in 4 files".
# So:    a follower can only have those lines if it read them before the second file began. Keep klog's MaxSize (default
#        1.8 GB) above what a program writes in a second.
set -euo pipefail
dir=$(mktemp -d)
trap 'chmod -R u+w "$dir"; rm -rf "$dir"' EXIT
cd "$dir"
cat >go.mod <<'MOD'
module finding
go 1.24
require (
	github.com/go-logr/logr v1.4.3
	k8s.io/klog/v2 v2.140.0
)
MOD
cat >main.go <<'GO'
package main

import (
	"flag"
	"os"
	"time"

	"k8s.io/klog/v2"
)

func main() {
	flags := flag.NewFlagSet("klog", flag.ExitOnError)
	klog.InitFlags(flags)
	_ = flags.Parse([]string{"-log_dir=" + os.Args[1], "-logtostderr=false"})
	klog.MaxSize = 64 << 10
	for n := 1; n <= 4000; n++ {
		klog.Infof("line %08d %060d", n, 0)
		if n%4 == 0 {
			time.Sleep(2 * time.Millisecond)
		}
	}
	klog.Flush()
}
GO
GOFLAGS=-mod=mod go build -o program . 2>/dev/null
mkdir logs
./program logs
kept=$(find logs -type f -exec cat {} + | grep -o 'line [0-9]*' | sort -u | wc -l)
files=$(find logs -type f | wc -l)
echo "kept $kept of 4000 lines in $files files"
((kept < 4000)) || { echo "changed: every line is kept now"; exit 1; }
