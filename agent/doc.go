// Package agent runs one task for each collect entry: it follows the entry's files
// and ships every line to Kafka.
//
// It promises
//   - that a position is saved only when Kafka acknowledged everything before it
//     (window.go), so that no end of the process loses a line;
//   - that a task is started, stopped or replaced only when its own entry changed
//     (reconcile.go), and that a task which fails, or whose topic or file is in
//     trouble, hurts no other (supervisor.go, task.go);
//   - that a bad list in etcd, or no etcd, never stops what runs (lists.go);
//   - that memory is bounded by ship's budget and a fixed number of readers a task.
//
// Who owns what: Agent.Run owns every goroutine and waits for all of them. The stop
// order is readers, acknowledgements, positions, clients. Report may be called from
// any goroutine while Run runs.
//
// It never writes to the files it follows and opens no port unless configured.
package agent
