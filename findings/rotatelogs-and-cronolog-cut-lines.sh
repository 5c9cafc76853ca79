#!/usr/bin/env bash
# Apache's rotatelogs 2.4.71 and cronolog 1.6.2 (Debian 12): where a file ends when the next one begins.
#
# Guess: a program that rotates its standard input turns over at the end of a line, as svlogd, s6-log and multilog do.
# Seen:  both turn over wherever the last read ended. A writer that buffers its output in blocks, as every C program does
#        into a pipe, makes reads that end inside a line: its first half is the end of one file, its second half the
#        beginning of the next. With 20,000 lines over some 5 s: "rotatelogs: 4 of 5 files end inside a line",
#        "cronolog: 4 of 5"; "svlogd: 0 of 18". Put together in order, the files hold every line.
# So:    a line without its end in a file that was rotated away need not be a torn one: it may go on in the next file.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
apt-get update -qq
apt-get download -q apache2-utils=2.4.71-1~deb12u1 cronolog=1.6.2+rpk-3 runit=2.1.2-54 libapr1=1.7.2-3+deb12u1 libaprutil1=1.6.3-1+deb12u1 >/dev/null 2>&1
for package in ./*.deb; do dpkg -x "$package" root; done
export LD_LIBRARY_PATH=$dir/root/usr/lib/$(uname -m)-linux-gnu
cat >writer.c <<'C'
#include <stdio.h>
#include <unistd.h>
int main(void) {
  for (int n = 1; n <= 20000; n++) {
    printf("line %08d ", n);
    for (int k = 0; k < 40 + n % 60; k++) putchar('x');
    putchar('\n');
    if (n % 50 == 0) usleep(10000);
  }
  return 0;
}
C
gcc -O1 -o writer writer.c
mkdir rotatelogs cronolog svlogd
printf 's100000\nn100\n' >svlogd/config
./writer | root/usr/bin/rotatelogs "$dir/rotatelogs/app.%H%M%S.log" 1 &
./writer | root/usr/bin/cronolog "$dir/cronolog/app-%H%M%S.log" &
./writer | root/usr/bin/svlogd svlogd &
wait

# inside DIR: how many of its files end without a line end, and how many there are.
inside() {
  local n=0 cut=0 file
  for file in "$1"/app* "$1"/current "$1"/@*; do
    [[ -s $file ]] || continue
    n=$((n + 1))
    [[ $(tail -c1 "$file" | od -An -tx1 | tr -d ' ') == 0a ]] || cut=$((cut + 1))
  done
  echo "$cut of $n files end inside a line"
}
for name in rotatelogs cronolog svlogd; do echo "$name: $(inside $name)"; done
[[ $(inside rotatelogs) != "0 of"* && $(inside cronolog) != "0 of"* && $(inside svlogd) == "0 of"* ]] || { echo "changed"; exit 1; }
