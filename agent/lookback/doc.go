// Package lookback is how a new life of an agent finds what its last one had stored in
// Kafka when it ended without a farewell, so that no line is sent again.
//
// The data goes to Kafka in plain idempotent batches. They carry the producer id that
// the transaction coordinator keeps for the agent's transactional id, and that is all
// that transactions are used for: their coordinator gives every life the same producer
// id under the next epoch, and an abort without records (the fence) makes each partition
// refuse what the lives before may still have on its way. Nothing is added to a batch or
// to a line, and plain consumers see neither the fence nor a record twice.
//
//		New ──▶ claiming ──▶ fencing ──▶ looking back ──▶ holding ◀────────────┐
//		          │             │         (topic by topic)   │ fenced           │ unfenced
//		          │ refused: no right, no such id,           ▼                  │ for 2 min
//		          │ a broker that cannot, no answer       contested ────────────┘
//		          ▼                                          "another agent uses the name"
//		        bounded  "a crash may send the last lines again, because ..."
//
//	  - claiming: InitProducerID with the transactional id. The id is on disk, beside the
//	    positions, before a batch goes out under it.
//	  - fencing (after an end that was not clean): AddPartitionsToTxn with the partitions of
//	    the last life, EndTxn with abort, and again until the coordinator says that the
//	    markers are written.
//	  - looking back: each partition is read from its saved cursor to our own marker, only
//	    batches of producer ids that the registry knows. The records' headers say of which
//	    file generation they are and from where in it. What was found is on disk before the
//	    topic's tasks go on.
//	  - holding: every 10 s the coordinator is asked, without effect, whether the id is
//	    still ours; every 6 h the epoch is raised, because a coordinator forgets an id
//	    without transactions after seven days.
//	  - contested: another agent took the id over. Batches go out under plain producer ids,
//	    and the id is taken back every 30 s, which the other one sees in its turn: both say
//	    so until one of them ends.
//
// Contract: Run is called once and ends with its context. Names, Await and State may be
// called by any goroutine at any time. Nothing here stops lines for good: what cannot be
// told is given up with words, and the promise is then the bounded one of an agent
// without a transactional id.
//
// Source: KIP-98 and KIP-360 for the requests, probed on Apache Kafka 4.x: a
// coordinator answers EndTxn before the markers are written, and with
// CONCURRENT_TRANSACTIONS until they are.
package lookback
