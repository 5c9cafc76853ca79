#!/bin/sh
# Before the files go. deb: remove|upgrade; rpm: 0 removal, 1 upgrade; apk: the version.
set -e
case "$1" in
upgrade | deconfigure | failed-upgrade | 1) exit 0 ;; # the agent runs on until the new one is there
esac
if command -v systemctl >/dev/null; then
  if [ -d /run/systemd/system ]; then
    systemctl stop logctl-verify.timer logctl.service || true
  fi
  systemctl disable logctl-verify.timer logctl.service || true
fi
