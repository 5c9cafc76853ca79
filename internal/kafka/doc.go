// Package kafka is what the rooms that talk to Kafka share: a sarama
// configuration made from ours (TLS, SASL, timeouts), one connection to one
// broker that ends with its context, the cluster's topics and their
// administration, and errors put into words for an operator.
//
// It promises:
//   - every call ends when its context ends, even while a broker hangs;
//   - asking for a topic never creates it;
//   - a missing topic is a *MissingTopicError that names the nearest topics.
//
// A Conn also sends batches that its caller has encoded: see ProduceEncoded.
//
// It never retries for ever: an Admin call tries each known broker once and
// returns the last error. Whoever wants to wait calls again.
//
// Config is a value and may be copied. An Admin may be used by any number of
// goroutines; a Conn too, but sarama answers one plain request at a time on a
// connection, so a slow one delays the others.
package kafka
