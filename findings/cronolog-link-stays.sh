#!/usr/bin/env bash
# cronolog 1.6.2 (Debian 12): where the symbolic link of -S leads after a rotation.
#
# Guess: to the file that is written now, as the links of rotatelogs, klog and pino-roll do.
# Seen:  to the first file, for good: "4 files, the link leads to number 1".
# So:    an entry that names the link gets the first file only; the entry is a glob over the dated names.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
apt-get update -qq
apt-get download -q cronolog=1.6.2+rpk-3 >/dev/null 2>&1
dpkg -x ./*.deb root
for n in 1 2 3 4 5 6 7; do
  echo "line $n"
  sleep 0.5
done | root/usr/bin/cronolog -S "$dir/current" "$dir/app-%H%M%S.log" || (($? == 3)) # its status at the end of input
files=(app-*.log)
target=$(basename "$(readlink current)")
for i in "${!files[@]}"; do
  [[ ${files[i]} == "$target" ]] && echo "${#files[@]} files, the link leads to number $((i + 1))"
done
((${#files[@]} > 1)) && [[ $target == "${files[0]}" ]] || { echo changed; exit 1; }
