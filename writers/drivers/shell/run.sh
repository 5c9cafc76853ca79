#!/usr/bin/env bash
# One numbered line after another through a system tool that rotates files.
#
# Usage: run.sh WRITER DIR LINES PAUSE_MICROSECONDS SIZE. $DRIVER is the Go driver: `stdout` writes to its
# standard output, `append` to DIR/app.log and opens that anew at SIGHUP, `http` asks the server at the socket $SOCKET.
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

# by_nginx ACCESS_LOG_PARAMETERS: nginx logs one header of each request; logrotate moves its log and sends USR1, as the
# Debian package has it.
by_nginx() {
  cat >"$state/nginx.conf" <<CONF
user root;
pid $state/nginx.pid;
error_log $state/error.log;
worker_processes 1; # two workers write their buffers when they please
events {}
http {
  log_format line '\$http_x_line';
  keepalive_requests 1000000;
  access_log $dir/app.log line $1;
  server { listen unix:$state/socket; return 204; }
}
CONF
  cat >"$state/conf" <<CONF
$dir/app.log {
  size 1
  rotate 400
  missingok
  su root root
  create 0640 root adm
  $2
  postrotate
    kill -USR1 \$(cat $state/nginx.pid)
  endscript
}
CONF
  /usr/sbin/nginx -c "$state/nginx.conf"
  SOCKET=$state/socket "$DRIVER" http "$dir" "$lines" "$pause" "$size" &
  writer=$!
  each "$every" logrotate -s "$state/status" "$state/conf"
  /usr/sbin/nginx -c "$state/nginx.conf" -s quit
  while [[ -e $state/nginx.pid ]]; do sleep 0.05; done
}

# by_postgres NAME SETTINGS [SPEED]: a server that logs a message for each line; its collector rotates by size, or by the
# minute on a clock that runs so many times faster.
by_postgres() {
  local bin=/usr/lib/postgresql/15/bin as="setpriv --reuid=postgres --regid=postgres --clear-groups" server
  chmod 755 "$state"
  mkdir "$state/cluster"
  chown postgres "$state/cluster" "$dir"
  $as "$bin/initdb" -N -A trust -D "$state/cluster" >/dev/null
  cat >>"$state/cluster/postgresql.conf" <<CONF
listen_addresses = ''
unix_socket_directories = '$state/cluster'
logging_collector = on
log_directory = '$dir'
log_filename = '$1'
log_rotation_size = $((size / 1024))kB
log_error_verbosity = terse
client_min_messages = error
log_min_messages = log
log_min_error_statement = panic
$2
CONF
  local clock=()
  [[ -z ${3:-} ]] || clock=(faketime -f "+0 x$3")
  $as "${clock[@]}" "$bin/postgres" -D "$state/cluster" 2>/dev/null &
  server=$!
  until $as "$bin/pg_isready" -q -h "$state/cluster"; do sleep 0.1; done
  feed | sed -u "s/.*/DO \$\$BEGIN RAISE LOG '&';END\$\$;/" | $as psql -q -X -h "$state/cluster" -d postgres >/dev/null
  sleep 1 # the collector is told by a pipe
  kill -INT "$(head -1 "$state/cluster/postmaster.pid")"
  wait "$server" || true
}

# by_pm2 COMPRESS: pm2 keeps what the program writes to its output, the module pm2-logrotate copies and truncates it.
# Its worker looks each 30 s in production, each second here.
by_pm2() {
  export PM2_HOME=$state/pm2
  local module
  module=$(dirname "$(dirname "$(command -v pm2)")")/pm2-logrotate
  mkdir -p "$PM2_HOME"
  cat >"$PM2_HOME/module_conf.json" <<CONF
{"pm2-logrotate": {"max_size": "$((size / 1024))K", "retain": "400", "compress": "$1", "workerInterval": "1", "rotateInterval": "0 0 1 1 *", "rotateModule": "false"}}
CONF
  (cd "$module" && pm2 install . >/dev/null)
  pm2 start "$DRIVER" --name app --output "$dir/app.log" --error "$dir/app-error.log" --no-autorestart -- stdout "$dir" "$lines" "$pause" "$size" >/dev/null
  sleep "$(awk "BEGIN{print $lines*$pause/1000000+3}")"
  pm2 kill >/dev/null
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
  nginx) by_nginx "" nocompress ;;
  nginx-buffer) by_nginx "buffer=8k flush=1s" $'compress\n  delaycompress\n  sharedscripts' ;;
  postgres) by_postgres 'app-%Y%m%d-%H%M%S.log' "" ;;
  postgres-json) by_postgres 'app-%Y%m%d-%H%M%S.log' "log_destination = 'jsonlog'" ;;
  postgres-truncate) by_postgres 'app-%M.log' $'log_rotation_age = 1min\nlog_truncate_on_rotation = on\nlog_rotation_size = 0' 600 ;;
  pm2-logrotate) by_pm2 false ;;
  pm2-logrotate-gz) by_pm2 true ;;
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
