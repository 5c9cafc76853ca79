#!/usr/bin/env bash
# librdkafka 2.16.0's mock cluster (confluent-kafka 2.16.1 from PyPI, test.mock.num.brokers): its answers about topics.
#
# Guess: every version of Metadata that it offers ends where the protocol says.
# Seen:  versions 8 and before do; from 9 on, the first with tagged fields, one byte stands behind the last field:
#          version 8: 0 bytes left
#          version 9: 1 byte left
#        librdkafka's own clients do not look behind the end; a client that does (sarama) can read nothing.
# So:    tests of such clients against the mock must ask for version 8.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
python3 -m venv venv
venv/bin/pip install -q confluent-kafka==2.16.1
cat >look.py <<'EOF'
import socket, struct
from confluent_kafka import Producer

p = Producer({'test.mock.num.brokers': 1, 'bootstrap.servers': 'unused', 'log_level': 0})
broker = next(iter(p.list_topics(timeout=10).brokers.values()))


def ask(version):
    body = struct.pack('>hhih', 3, version, 7, -1)
    if version < 9:
        body += struct.pack('>i', 0) + b'\0\0\0'  # no topic; create none; no rights
    else:
        body += b'\0' + b'\1' + b'\0\0\0' + b'\0'  # the same, with tagged fields of header and body
    with socket.create_connection((broker.host, broker.port), 5) as s:
        s.sendall(struct.pack('>i', len(body)) + body)
        size = struct.unpack('>i', s.recv(4, socket.MSG_WAITALL))[0]
        return s.recv(size, socket.MSG_WAITALL)[4:]


def left(version, b):
    flexible, at = version >= 9, 0

    def take(n):
        nonlocal at
        at += n
        return b[at - n:at]

    def length():
        return take(1)[0] - 1 if flexible else struct.unpack('>i', take(4))[0]

    def text():
        n = take(1)[0] - 1 if flexible else struct.unpack('>h', take(2))[0]
        take(max(n, 0))

    def tags():
        if flexible:
            assert take(1) == b'\0'
    tags()           # of the header
    take(4)          # throttle time
    for _ in range(length()):
        take(4), text(), take(4), text(), tags()
    text(), take(4)  # cluster, controller
    assert length() == 0
    take(4)          # rights
    tags()
    return len(b) - at


for version in 8, 9:
    n = left(version, ask(version))
    print(f'version {version}: {n} byte{"" if n == 1 else "s"} left')
EOF
got=$(venv/bin/python look.py 2>/dev/null)
echo "$got"
[[ $got == $'version 8: 0 bytes left\nversion 9: 1 byte left' ]] || { echo changed; exit 1; }
