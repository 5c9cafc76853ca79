// Package ship sends bundles of lines to Kafka: it assigns partitions, makes
// batches, and sends each until the broker has acknowledged it.
//
// It promises:
//   - Done is called exactly once for a bundle that Send accepted: when every
//     record of it is acknowledged, or with an error when Run ends first. There
//     is no time limit and no number of retries after which lines are dropped.
//   - Records of one key arrive in the order they were sent (partitioner file),
//     whatever fails in between.
//   - With acks = all nothing is stored twice as long as the process lives:
//     batches carry a producer id, an epoch and a sequence. (After a day without
//     an answer the broker has forgotten the sequence; a batch whose answer was
//     lost just before that may be stored twice.) With acks = leader a lost
//     answer may mean a duplicate, and a lost leader lost lines.
//   - What is held is bounded: see admits. A topic that cannot take its records
//     leaves the others room and connections.
//
// It never creates a topic, never drops a record, and never blocks a caller of
// anything but Send and Drain.
//
// A Producer may be used by any number of goroutines; the order of a key is that
// of its Sends, so those of one key should come from one goroutine at a time.
// Done and OnTopic are called from the producer's goroutines and must not block.
//
// # A partition
//
// One batch of a partition is out at a time. That keeps order and idempotence
// simple: a retry is the same bytes under the same sequence, and there is no
// later batch that could overtake it. Partitions run in parallel, and a request
// carries the batches of several. A batch is cut when nothing is out, from what
// has gathered meanwhile: few lines when it is quiet, up to BatchBytes when it
// is busy. Batches of less than 64 KiB are 3 ms apart (gathering): the first line
// after a silence leaves at once, and a steady trickle of lines does not cost a
// request each.
//
//	        something queued                      answer: stored
//	  idle ------------------+        +------------------------------+
//	   ^                     v        |                              |
//	   |    no leader      [kick] <---+---------------------------+  |
//	   |  lost <-------------+  \  no producer id                 |  |
//	   |    |  metadata      |   +-------------> nameless         |  |
//	   |    +--------------->|                      | id given    |  |
//	   | nothing queued      | <--------------------+             |  |
//	   +---------------------+                                    |  |
//	                         v                                    |  |
//	                       ready  <-- connection lost: same bytes,|  |
//	                         |        same sequence  <-------+    |  |
//	              batch cut, |                               |    |  |
//	              encoded    v          no answer            |    |  |
//	                      flying ----------------------------+    |  |
//	                         | answer                             |  |
//	   +-----------+---------+----------+---------------+---------|--+
//	   v           v                    v               v         |
//	retry,      reset:               split:          new id:      |
//	refresh,    epoch+1,             put back,       sequence     |
//	wait        sequence 0           cut smaller     forgotten    |
//	   |           |                    |               |         |
//	   v           | (again: pause)     |               |         |
//	pausing -------+--------------------+---------------+---------+
//	            same bytes                              (fenced)
//
// The sequence is (producer id, epoch, next number). It moves when a batch is
// stored (next += records), and when the broker's answer proves that the batch
// is not in the log although its sequence was refused: see react for why that
// is safe. A partition has a producer id of its own, so that a new epoch in one
// says nothing to the others. The epoch is raised rather than the id replaced
// where that will do, because it fences whatever copy of the batch is still on
// its way to the broker.
//
// # Failures
//
// react is the table of error codes. Connections that fail are made again after
// 100 ms to 5 s, with jitter; so are the looks for metadata. A broker that hangs
// is left when a request had no answer for 15 s, or as soon as the cluster names
// another leader and the connection has failed. Topics are looked up by name
// with auto-creation off: one that is missing is looked for every 2 s at most, and
// one that was created anew under its name is taken as a new one.
//
// A broker answers the requests of one connection in turn, and each waits for
// the replicas. A partition whose followers hang without having left the in-sync
// replicas therefore delays the others that the same broker leads, by at most
// the 10 s after which the broker answers REQUEST_TIMED_OUT. Requests that wait
// so are stored even when the process that sent them has died meanwhile: at most
// one batch of each partition.
//
// A batch larger than max.message.bytes is halved, a record larger than it is
// sent in parts with a header part = "1/3", "2/3", "3/3"; a part that is still
// too large becomes "2.1/3", "2.2/3". Parts of one record follow each other in
// one partition, but records of other keys may stand between them.
package ship
