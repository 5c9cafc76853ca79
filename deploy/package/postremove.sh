#!/bin/sh
# After the files are gone. deb: remove|purge|upgrade; rpm: 0 removal, 1 upgrade.
# Positions stay: without them a new installation would begin at the files' ends. Only a
# purge (deb) takes them, and the user with them.
set -e
if [ -d /run/systemd/system ] && command -v systemctl >/dev/null; then
  systemctl daemon-reload || true
fi
if [ "$1" = purge ]; then
  rm -rf /var/lib/logctl /etc/logctl
  if command -v userdel >/dev/null; then
    userdel logctl 2>/dev/null || true
    groupdel logctl 2>/dev/null || true
  fi
fi
