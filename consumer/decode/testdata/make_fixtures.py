#!/usr/bin/env python3
"""Writes serializers.json: what the real serializers of confluent-kafka (PyPI, run with
2.16.1) and fastavro (1.13.1) put into records, with the schemas as their registry
answers them. `pip install 'confluent-kafka[avro,protobuf,schemaregistry]'`, then run it
here; TestRealSerializers reads the result."""
import base64, json, sys, uuid
from confluent_kafka.schema_registry import SchemaRegistryClient, header_schema_id_serializer
from confluent_kafka.schema_registry.avro import AvroSerializer
from confluent_kafka.schema_registry.protobuf import ProtobufSerializer
from confluent_kafka.serialization import (SerializationContext, MessageField, IntegerSerializer, DoubleSerializer)
from google.type import money_pb2
from google.protobuf import any_pb2, timestamp_pb2

client = SchemaRegistryClient.new_client({"url": "mock://"})
registry, cases = {}, []


def b64(b):
    return base64.b64encode(b).decode()


def remember(subject):
    for version in client.get_versions(subject):
        s = client.get_version(subject, version)
        doc = {"schemaType": s.schema.schema_type, "schema": s.schema.schema_str,
               "references": [{"name": r.name, "subject": r.subject, "version": r.version} for r in s.schema.references or []]}
        registry["/schemas/ids/%d" % s.schema_id] = doc
        if s.guid:
            registry["/schemas/guids/%s" % s.guid] = doc
        registry["/subjects/%s/versions/%d?deleted=true" % (subject.replace("/", "%2F"), version)] = doc


def case(name, kind, serializer, value, want, key=False):
    headers = []
    ctx = SerializationContext("t-" + name.replace(" ", "-"), MessageField.KEY if key else MessageField.VALUE, headers)
    body = serializer(value, ctx)
    for subject in client.get_subjects():
        remember(subject)
    cases.append({"name": name, "decode": kind, "key": key, "body": b64(body),
                  "headers": [{"key": k, "value": b64(v)} for k, v in headers], "want": want})


USER = json.dumps({"type": "record", "name": "User-1", "namespace": "com.my-org", "fields": [
    {"name": "name", "type": "string", "default": 1}, {"name": "n", "type": ["null", "long"], "default": None},
    {"name": "x", "type": "double", "default": float("nan")},
    {"name": "at", "type": {"type": "long", "logicalType": "timestamp-micros"}}]})
value = {"name": "ann", "n": 7, "x": float("nan"), "at": 1_700_000_000_123_456}
want = {"name": "ann", "n": 7, "x": "NaN", "at": "2023-11-14T22:13:20.123456Z"}
try:
    case("avro", "avro", AvroSerializer(client, USER), value, want)
except Exception as e:  # fastavro checks defaults when it writes
    print("the avro serializer refuses a default of another type:", e, file=sys.stderr)
    USER = USER.replace('"default": 1', '"doc": ""')
    case("avro", "avro", AvroSerializer(client, USER), value, want)
guid = {"schema.id.serializer": header_schema_id_serializer}
case("avro guid in a header", "avro", AvroSerializer(client, USER, conf=guid), value, want)
case("avro key", "avro", AvroSerializer(client, '"string"', conf=guid), "k", "k", key=True)
case("avro bytes", "avro", AvroSerializer(client, '"bytes"'), b"\x01\x02", "AQI=")
conf = {"use.deprecated.format": False}
case("protobuf of google", "protobuf", ProtobufSerializer(money_pb2.Money, client, conf),
     money_pb2.Money(currency_code="EUR", units=3), {"currency_code": "EUR", "units": "3"})
wrapped = any_pb2.Any()
wrapped.Pack(timestamp_pb2.Timestamp(seconds=5))
case("any", "protobuf", ProtobufSerializer(any_pb2.Any, client, conf), wrapped,
     {"@type": "type.googleapis.com/google.protobuf.Timestamp", "value": "1970-01-01T00:00:05Z"})
case("protobuf guid in a header", "protobuf", ProtobufSerializer(money_pb2.Money, client, dict(conf, **guid)),
     money_pb2.Money(currency_code="USD"), {"currency_code": "USD"})
case("int", "int", lambda v, c: IntegerSerializer()(v, c), -3, -3)
case("double", "double", lambda v, c: DoubleSerializer()(v, c), 1.5, 1.5)
json.dump({"registry": registry, "cases": cases}, open("serializers.json", "w"), indent=1, sort_keys=True)
print(len(cases), "cases")
