#!/usr/bin/env bash
# Apache Kafka 4.4.0 (Maven Central, KRaft): what Metadata says when one of a broker's two log directories fails.
#
# Guess: the partitions of that directory keep their leader, and its answers are KAFKA_STORAGE_ERROR (56), as KIP-112 says.
# Seen:  56 comes for a moment, to requests under way. From then on the only replica's partition has no leader,
#        LEADER_NOT_AVAILABLE (5), the same as when the broker is away; what tells the two apart is that the broker is
#        in the list of brokers and also in the partition's list of offline replicas:
#          brokers [1] partition: error 5 leader -1 replicas [1] offline [1]
# So:    "bring the broker back" is the wrong advice for such a partition; look whether an offline replica's broker is up.
set -euo pipefail
dir=$(mktemp -d)
broker=
trap '[[ -z $broker ]] || kill -9 "$broker" 2>/dev/null || true; rm -rf "$dir"' EXIT
cd "$dir"
cat >pom.xml <<'EOF'
<project><modelVersion>4.0.0</modelVersion><groupId>x</groupId><artifactId>x</artifactId><version>1</version>
<dependencies>
  <dependency><groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId><version>4.4.0</version></dependency>
</dependencies></project>
EOF
mvn -q -B dependency:copy-dependencies -DoutputDirectory=lib -DincludeScope=runtime
python3 -m venv venv
venv/bin/pip install -q confluent-kafka==2.16.1
read -r client controller < <(python3 - <<'EOF'
import socket
s = [socket.socket() for _ in range(2)]
for x in s:
    x.bind(('127.0.0.1', 0))
print(*(x.getsockname()[1] for x in s))
EOF
)
mkdir meta lost
cat >broker.properties <<EOF
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:$controller
listeners=PLAINTEXT://127.0.0.1:$client,CONTROLLER://127.0.0.1:$controller
advertised.listeners=PLAINTEXT://127.0.0.1:$client
controller.listener.names=CONTROLLER
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
inter.broker.listener.name=PLAINTEXT
metadata.log.dir=$dir/meta
log.dirs=$dir/meta,$dir/lost
EOF
id=$(java -cp 'lib/*' kafka.tools.StorageTool random-uuid 2>/dev/null)
java -cp 'lib/*' kafka.tools.StorageTool format --cluster-id "$id" --config broker.properties >/dev/null 2>&1
java -Xmx400m -cp 'lib/*' kafka.Kafka broker.properties >broker.log 2>&1 &
broker=$!
cat >look.py <<'EOF'
import glob, shutil, socket, struct, sys, time
from confluent_kafka.admin import AdminClient, NewTopic

port, data = int(sys.argv[1]), sys.argv[2]
admin = AdminClient({'bootstrap.servers': f'127.0.0.1:{port}', 'log_level': 0})
for _ in range(60):
    try:
        admin.list_topics(timeout=1)
        break
    except Exception:
        pass
for i in range(8):  # some go to either directory
    admin.create_topics([NewTopic(f't{i}', 1, 1)])[f't{i}'].result(30)
for _ in range(50):
    inside = sorted(glob.glob(data + '/t*-0'))
    if inside:
        break
    time.sleep(0.2)
topic = inside[0].split('/')[-1][:-2]


def metadata():  # version 7: no tagged fields, with offline replicas
    body = struct.pack('>hhih', 3, 7, 1, -1) + struct.pack('>ih', 1, len(topic)) + topic.encode() + b'\0'
    with socket.create_connection(('127.0.0.1', port), 10) as s:
        s.sendall(struct.pack('>i', len(body)) + body)
        b = s.recv(struct.unpack('>i', s.recv(4, socket.MSG_WAITALL))[0], socket.MSG_WAITALL)
    at = 8

    def take(fmt):
        nonlocal at
        v = struct.unpack_from('>' + fmt, b, at)
        at += struct.calcsize('>' + fmt)
        return v[0]

    def text():
        nonlocal at
        n = take('h')
        at += max(n, 0)

    def ints():
        return [take('i') for _ in range(take('i'))]

    brokers = []
    for _ in range(take('i')):
        brokers.append(take('i'))
        text(), take('i'), text()
    text(), take('i'), take('i'), take('h'), text(), take('b'), take('i')
    err, _, leader, _ = take('h'), take('i'), take('i'), take('i')
    replicas, _, offline = ints(), ints(), ints()
    return f'brokers {brokers} partition: error {err} leader {leader} replicas {replicas} offline {offline}'


print(metadata())
shutil.rmtree(data)  # the next checkpoint into it, within 5 s, fails
want = 'brokers [1] partition: error 5 leader -1 replicas [1] offline [1]'
for _ in range(120):
    got = metadata()
    if 'leader -1' in got:
        break
    time.sleep(0.5)
print(got)
sys.exit(got != want)
EOF
venv/bin/python look.py "$client" "$dir/lost"
