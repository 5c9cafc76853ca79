#!/usr/bin/env bash
# MariaDB 10.11.19 (Debian 12): what begins a record of the slow query log.
#
# Guess: a line "# Time: " begins each record, with date and zone, as MySQL has written since 5.7.
# Seen:  only the first record of a second has one, without zone and with the hour padded by a blank;
#        the others begin at "# User@Host: ": "10 records, 2 with a time".
# So:    a joiner that looks for "# Time: " glues the queries of a second into one record.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
apt-get update -qq
apt-get download -q mariadb-server-core=1:10.11.19-0+deb12u1 mariadb-common libaio1 libnuma1 libpcre2-8-0 liburing2 >/dev/null 2>&1
for deb in *.deb; do dpkg -x "$deb" root; done
export LD_LIBRARY_PATH=$(echo root/usr/lib/*-linux-gnu)
server=root/usr/sbin/mariadbd
common=(--no-defaults --user="$(id -un)" --datadir="$dir/data" --lc-messages-dir="$dir/root/usr/share/mysql" --skip-networking --socket="$dir/s" --pid-file="$dir/pid" --innodb-buffer-pool-size=8M --event-scheduler=disabled --log-error="$dir/error.log")
mkdir data
{ printf 'create database mysql;\nuse mysql;\n'; cat root/usr/share/mysql/mysql_system_tables.sql; } | "$server" "${common[@]}" --bootstrap >/dev/null 2>&1
python3 -m pip install -q --target py pymysql==1.1.1 2>/dev/null
"$server" "${common[@]}" --skip-grant-tables --slow-query-log=1 --slow-query-log-file="$dir/slow.log" --long-query-time=0 >/dev/null 2>&1 &
until [[ -S s ]]; do sleep 0.2; done
PYTHONPATH=py python3 - <<'PY'
import pymysql, time
c = pymysql.connect(unix_socket="s", user="root").cursor()
for i in range(10):
    time.sleep(1.2 if i == 5 else 0)
    c.execute("select %d" % i)
PY
kill "$(cat pid)"
wait
records=$(grep -c '^select [0-9];$' slow.log)
times=$(grep -cE '^# Time: [0-9]{6} [ 0-9][0-9]:[0-9]{2}:[0-9]{2}$' slow.log)
echo "$records records, $times with a time"
((records == 10 && times >= 2 && times <= 4)) || { echo changed; exit 1; }
