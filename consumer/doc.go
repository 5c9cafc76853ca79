// Package consumer reads records out of Kafka topics: any start and end, all
// partitions at once, in batches.
//
// A Reader promises that
//   - every record between the start and the end of each partition is delivered
//     once, and the records of a partition in the order of their offsets;
//   - a bounded read (Config.Follow false, or Config.To set) ends exactly: the end
//     offsets are read before the first record, what is written meanwhile does not
//     prolong it, and partitions without records, compacted tails and transaction
//     markers do not make it wait, because the end is proven by the positions of
//     record batches and not by the offsets of delivered records;
//   - its memory is bounded (Config.Buffer, Config.MaxMemory) however slow the caller is
//     and however small batches are packed: a caller that stops calling Next stops the
//     fetching, and loses nothing, and no partition is given up meanwhile;
//   - it never joins a group, commits an offset, writes a record or creates a topic;
//   - an end is reached by offset, or by proof that nothing is left before it, and never
//     by patience: a broker that sends nothing may have the rest in slow remote storage;
//   - a broker that is lost is asked again, which is told once each way (Config.Notify):
//     for ever while following, and up to Config.Wait by a bounded read, which then has
//     an error of that partition (PartitionStat.Err) and is not taken for complete. So is
//     a broker that answers and brings nothing: batches cut off or damaged, offsets that
//     it denies, a log that was cut back;
//   - Close returns within two seconds even while a broker hangs.
//
// Connections, TLS, SASL, metadata and offset requests are sarama's. Only the fetch
// is written here, on a connection that sarama has authenticated, because sarama
// gives its caller neither control records nor the position behind a batch that has
// no records left, which is what an exact end needs, and because decoding in place
// costs a fraction of the time.
//
// A Reader's Next is for one goroutine at a time. Partitions, Buffered and Close may
// be called at any time by any goroutine.
package consumer
