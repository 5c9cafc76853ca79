// Package decode turns the bytes of keys and values into something to read: it
// unpacks hex, base64 and gzip, and turns msgpack, Avro and Protobuf into JSON, with
// schemas from files or from a registry of the Confluent kind.
//
// A binary for hosts (-tags nodemo) has no decoders for MessagePack and Protobuf: what
// they need weighs more than the rest of this package. New says so.
//
// A Decoder is for one goroutine at a time. Schemas that a registry gave are kept;
// one that it failed to give is asked for again after a while only, so that a dead
// registry cannot stall a stream.
package decode
