#!/usr/bin/env bash
# svlogd (runit 2.1.2), s6-log (s6 2.11.3) and multilog (daemontools 0.76), Debian 12: input that ends inside a line.
#
# Guess: the last line is written, as a program that dies while it writes says there what it died of.
# Seen:  only multilog writes it, with a line end of its own. svlogd and s6-log drop it without a word and end well:
#        "svlogd: one", "s6-log: one", "multilog: one two".
# So:    under runit and s6 the last words of a crash that lack a line end are in no file; no follower can have them.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
apt-get update -qq
apt-get download -q runit=2.1.2-54 daemontools=1:0.76-8.1 s6=2.11.3.2-1 libs6-2.11=2.11.3.2-1 libskarnet2.13=2.13.1.1-1 >/dev/null 2>&1
for package in ./*.deb; do dpkg -x "$package" root; done
export LD_LIBRARY_PATH=$dir/root/usr/lib/$(uname -m)-linux-gnu:$dir/root/lib/$(uname -m)-linux-gnu
export PATH=$dir/root/usr/bin:$dir/root/usr/sbin:$dir/root/bin:$PATH
mkdir svlogd
printf 's100000\nn100\n' >svlogd/config
printf 'one\ntwo' | svlogd svlogd
printf 'one\ntwo' | s6-log n100 s100000 ./s6-log
printf 'one\ntwo' | multilog n100 s100000 ./multilog
for name in svlogd s6-log multilog; do echo "$name: $(tr '\n' ' ' <$name/current)"; done
[[ $(<svlogd/current) == one && $(<s6-log/current) == one && $(tail -1 multilog/current) == two ]] || { echo "changed"; exit 1; }
