// Command writers runs real programs that write logs, with logctl's agent behind
// them, and counts what arrives. It writes docs/writers.md: what each program does
// to its files, the entry to use, and how many lines were written, lost, sent
// twice or out of order, in five modes:
//
//   - live: the agent runs beside the writer;
//   - behind: the agent is stopped by SIGSTOP for seconds in which files rotate;
//   - restart: the agent ends by SIGTERM and is away over several rotations;
//   - kill: the agent is killed and started again, several times;
//   - broker: Kafka is away for seconds.
//
// Every writer is followed by two entries at once: the path an operator would write
// first, and a glob over all of the writer's names. The servers are embedded; the
// writers come from their registries in the versions that the drivers name.
//
// A driver is a small program for one language that writes numbered lines through
// the logging library it is told:
//
//	driver WRITER DIR LINES PAUSE_MICROSECONDS SIZE
//
// A line that did not arrive counts as lost only if it stands on disk at the end, in
// any file and any compression. What stands nowhere was lost by the writer itself, or
// removed by it before it could be read; that has a column of its own.
package main
