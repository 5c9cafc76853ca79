#!/bin/sh
# Before the files are there (deb: install|upgrade, rpm: 1|2, apk: the version): the user
# the agent runs as. An existing one is left as it is.
set -e
if ! getent group logctl >/dev/null 2>&1; then
  if command -v groupadd >/dev/null; then groupadd --system logctl; else addgroup -S logctl; fi
fi
if ! getent passwd logctl >/dev/null 2>&1; then
  shell=/usr/sbin/nologin
  [ -x "$shell" ] || shell=/sbin/nologin
  if command -v useradd >/dev/null; then
    useradd --system --gid logctl --home-dir /var/lib/logctl --no-create-home --shell "$shell" \
      --comment "logctl agent" logctl
  else
    adduser -S -D -H -G logctl -h /var/lib/logctl -s "$shell" -g "logctl agent" logctl
  fi
fi
