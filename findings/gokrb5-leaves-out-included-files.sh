#!/usr/bin/env bash
# gokrb5 8.4.4 (Go module) and krb5.conf(5)'s includedir, with which Fedora's and RHEL's krb5.conf begins.
#
# Guess: the realms of included files are known, as MIT's libraries know them; or the directive is an error.
# Seen:  neither. MIT finds the KDC of the included realm and gokrb5 finds none, without an error:
#          MIT: the realm's KDC was asked
#          gokrb5: 0 realms, error <nil>
# So:    a program in Go that logs in by GSSAPI needs a krb5.conf with the realm in the file itself, or in DNS.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
mkdir conf.d
cat >conf.d/realm.conf <<EOF
[realms]
 R.TEST = {
  kdc = 127.0.0.1:1
 }
EOF
cat >krb5.conf <<EOF
includedir $dir/conf.d
[libdefaults]
 default_realm = R.TEST
 dns_lookup_kdc = false
EOF
apt-get update -qq
apt-get download -q krb5-user libkrb5-3 libk5crypto3 libkrb5support0 libgssrpc4 libkadm5clnt-mit12 >/dev/null 2>&1
for deb in ./*.deb; do dpkg -x "$deb" root; done
said=$(KRB5_CONFIG=$dir/krb5.conf KRB5_TRACE=/dev/stdout LD_LIBRARY_PATH=$(echo root/usr/lib/*-linux-gnu) root/usr/bin/kinit -c "FILE:$dir/cache" me </dev/null 2>&1 || true)
grep -q '127.0.0.1:1' <<<"$said" && echo "MIT: the realm's KDC was asked" || { echo "changed: $said"; exit 1; }
cat >main.go <<EOF
package main

import (
	"fmt"

	"github.com/jcmturner/gokrb5/v8/config"
)

func main() {
	c, err := config.Load("krb5.conf")
	fmt.Printf("gokrb5: %d realms, error %v\n", len(c.Realms), err)
}
EOF
go mod init x >/dev/null 2>&1
go get github.com/jcmturner/gokrb5/v8@v8.4.4 >/dev/null 2>&1
got=$(GOFLAGS=-mod=mod go run .)
echo "$got"
[[ $got == "gokrb5: 0 realms, error <nil>" ]] || { echo changed; exit 1; }
