#!/usr/bin/env bash
# One numbered line after another through a system tool that rotates files.
#
# Usage: run.sh WRITER DIR LINES PAUSE_MICROSECONDS SIZE. $DRIVER is the Go driver: `stdout` writes to its
# standard output, `append` to DIR/app.log and opens that anew at SIGHUP.
set -euo pipefail
name=$1 dir=$2 lines=$3 pause=$4 size=$5
every=0.5
[[ $name != *dateext* ]] || every=1.1 # names are by the second
state=$(mktemp -d)
trap 'rm -rf "$state"' EXIT

# append starts the program that writes DIR/app.log, as $writer.
append() {
  "$DRIVER" append "$dir" "$lines" "$pause" "$size" &
  writer=$!
  while [[ ! -e $dir/app.log ]]; do sleep 0.01; done
}

# each SECONDS COMMAND... runs the command again and again while the writer lives.
each() {
  local every=$1
  shift
  while kill -0 "$writer" 2>/dev/null; do
    sleep "$every"
    "$@"
  done
  wait "$writer"
}

# by_logrotate WORDS...: logrotate as cron would run it, each half second, with these directives.
by_logrotate() {
  {
    echo "$dir/app.log {"
    printf '  %s\n' "size 1" "rotate 400" missingok "su root root" "$@"
    echo "}"
  } >"$state/conf"
  append
  each "$every" logrotate -s "$state/status" "$state/conf"
}
hup="postrotate
    kill -HUP \$(cat $state/pid) 2>/dev/null || true
  endscript"

# with_pid notes the writer for postrotate before logrotate runs.
by_logrotate_hup() {
  {
    echo "$dir/app.log {"
    printf '  %s\n' "size 1" "rotate 400" missingok "su root root" "$@" "$hup"
    echo "}"
  } >"$state/conf"
  append
  echo "$writer" >"$state/pid"
  each "$every" logrotate -s "$state/status" "$state/conf"
}

# move is what a site's own cron script does: away into a directory of its own, then a signal.
move() {
  mv "$dir/app.log" "$dir/archive/app.$(date +%s%N).log" 2>/dev/null || true # the writer has ended
  kill -HUP "$writer" 2>/dev/null || true
}
save() {
  savelog -q -n -c 400 "$dir/app.log" >/dev/null
  kill -HUP "$writer" 2>/dev/null || true
}

feed() { "$DRIVER" stdout "$dir" "$lines" "$pause" "$size"; }

case $name in
  logrotate-create) by_logrotate_hup create nocompress ;;
  logrotate-compress) by_logrotate_hup create compress ;;
  logrotate-delaycompress) by_logrotate_hup create compress delaycompress ;;
  logrotate-zstd) by_logrotate_hup create compress "compresscmd /usr/bin/zstd" "compressext .zst" "compressoptions -q --rm" ;;
  logrotate-dateext) by_logrotate_hup create nocompress dateext "dateformat -%Y%m%d-%s" ;;
  logrotate-dateext-extension) by_logrotate_hup create nocompress dateext "dateformat -%Y%m%d-%s" "extension .log" ;;
  logrotate-extension) by_logrotate_hup create nocompress "extension .log" ;;
  logrotate-olddir) by_logrotate_hup create nocompress "olddir old" "createolddir 0755 root root" ;;
  logrotate-shred) by_logrotate_hup create nocompress shred ;;
  logrotate-renamecopy) by_logrotate_hup renamecopy nocompress "olddir old" "createolddir 0755 root root" ;;
  logrotate-copytruncate) by_logrotate copytruncate nocompress ;;
  logrotate-copytruncate-gz) by_logrotate copytruncate compress ;;
  logrotate-copytruncate-dateext) by_logrotate copytruncate nocompress dateext "dateformat -%Y%m%d-%s" "extension .log" ;;
  savelog) append; each 0.5 save ;;
  cron-mv) mkdir -p "$dir/archive"; append; each 0.5 move ;;
  svlogd) printf 's%d\nn400\n' "$size" >"$dir/config"; feed | svlogd "$dir" ;;
  s6-log) feed | s6-log "n400" "s$size" "$dir" ;;
  multilog) feed | multilog "s$size" n400 "$dir" ;;
  rotatelogs) feed | rotatelogs "$dir/app.log" "$((size / 1024))K" ;;
  rotatelogs-link) feed | rotatelogs -L "$dir/current" "$dir/app.%Y%m%d%H%M%S.log" 1 ;;
  rotatelogs-n) feed | rotatelogs -n 50 "$dir/app.log" "$((size / 1024))K" ;;
  cronolog) feed | cronolog "$dir/app-%Y%m%d-%H%M%S.log" || (($? == 3)) ;; # how it ends
  cronolog-link) feed | cronolog -S "$dir/current" "$dir/app-%Y%m%d-%H%M%S.log" || (($? == 3)) ;;
  supervisord)
    cat >"$state/conf" <<CONF
[supervisord]
nodaemon=true
logfile=/dev/null
logfile_maxbytes=0
pidfile=$state/pid
[program:driver]
command=$DRIVER stdout $dir $lines $pause $size
autorestart=false
startsecs=0
stdout_logfile=$dir/app.log
stdout_logfile_maxbytes=$size
stdout_logfile_backups=400
CONF
    supervisord -c "$state/conf" >/dev/null &
    sup=$!
    sleep "$(awk "BEGIN{print $lines*$pause/1000000+3}")"
    kill "$sup"
    wait "$sup" || true
    ;;
  *) echo "no writer $name" >&2; exit 2 ;;
esac
