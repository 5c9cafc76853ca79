#!/bin/sh
# After the files are there. deb: configure [OLD-VERSION]; rpm: 1 first, 2 upgrade; apk: the version.
set -e
first=no
case "$1" in
configure) [ -n "$2" ] || first=yes ;;
1) first=yes ;;
2) ;;
abort-*) exit 0 ;;
esac

# The settings may name password files: only root and the agent read them.
chgrp logctl /etc/logctl/config.ini
install -d -o logctl -g logctl -m 0700 /var/lib/logctl

command -v systemctl >/dev/null || exit 0
running=no
if [ -d /run/systemd/system ]; then
  running=yes
  systemctl daemon-reload || true
fi
if [ "$first" = yes ]; then
  # On at the next boot, not now: without addresses of Kafka and etcd it has nothing to do.
  systemctl enable logctl.service || true
  if [ "$running" = yes ]; then
    echo "logctl: set the addresses in /etc/logctl/config.ini, then: systemctl start logctl"
  fi
elif [ "$running" = yes ]; then
  # The old agent stops in order and saves its positions, the new one goes on from there.
  systemctl try-restart logctl.service || true
fi
