#!/usr/bin/env bash
# pm2-logrotate 3.0.0 (npm, with pm2 7.0.4): `retain` where the name of one application ends with that of another.
#
# Guess: retain 2 keeps the two youngest rotated files of each application.
# Seen:  after a rotation of "api" the module lists the names that hold "api__" anywhere, so those of "web-api" too, sorts
#        them as text and keeps the first two from behind: web-api's. Every rotated file of "api" is deleted in the same
#        moment in which it was made: "deleted: 3 or more of api, left: 0 of api, 2 of web-api".
# So:    a follower can have the lines of "api" from its live file alone, up to the moment of the truncation. Give such
#        applications directories of their own.
set -euo pipefail
dir=$(mktemp -d)
trap 'PM2_HOME=$dir/home "$dir/node_modules/.bin/pm2" kill >/dev/null 2>&1 || true; rm -rf "$dir"' EXIT
cd "$dir"
echo '{"private": true}' >package.json
npm install --silent --no-audit --no-fund pm2@7.0.4 pm2-logrotate@3.0.0
export PM2_HOME=$dir/home
mkdir -p "$PM2_HOME" logs
cat >"$PM2_HOME/module_conf.json" <<'CONF'
{"pm2-logrotate": {"max_size": "1K", "retain": "2", "compress": "false", "workerInterval": "1", "rotateInterval": "0 0 1 1 *", "rotateModule": "false"}}
CONF
echo "setInterval(() => console.log('x'.repeat(200)), 100)" >app.js
touch logs/web-api__2026-01-01_00-00-00.log logs/web-api__2026-01-02_00-00-00.log # rotated some time ago
(cd node_modules/pm2-logrotate && "$dir/node_modules/.bin/pm2" install . >/dev/null)
node_modules/.bin/pm2 start app.js --name api --output logs/api.log --error logs/api-error.log >/dev/null
deleted() { cat "$PM2_HOME"/logs/*.log | grep -c '"api__.*" has been deleted' || true; }
for _ in $(seq 60); do
  sleep 1
  [[ $(deleted) -lt 3 ]] || break
done
node_modules/.bin/pm2 kill >/dev/null
own=$(find logs -name 'api__*' | wc -l) others=$(find logs -name 'web-api__*' | wc -l)
echo "deleted: $(deleted) of api, left: $own of api, $others of web-api"
[[ $(deleted) -ge 3 && $own -le 1 && $others -eq 2 ]] # one may have been made when pm2 ended
