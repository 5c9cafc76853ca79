// Package tui is the console: it shows what the agents are doing, edits the
// collect entries and streams topics, in a terminal.
//
// It promises that
//   - the terminal is restored after every kind of end: quit, signal, error and
//     a panic in any of its goroutines;
//   - nothing that was read from Kafka, etcd or a file reaches the terminal
//     without its control characters made visible, and no line is wider than
//     the screen;
//   - no key press waits for the network: every call out runs as a command in
//     its own goroutine, ends with its context, and its answer carries a
//     generation number, so that late answers are dropped;
//   - nothing is drawn, and no timer runs, while nothing changes.
//
// It never writes to etcd or Kafka unless a key asked for it, never when
// Config.ReadOnly is set, and never reads files of the agent. It is the only
// importer of bubbletea, lipgloss and bubbles.
//
// The parts that know nothing of the terminal (ring, filter, sanitiser, rates,
// fleet, feed, session) are safe for concurrent use where their comments say
// so. Screens belong to the UI goroutine alone.
package tui
