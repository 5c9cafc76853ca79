// Package safe keeps text from outside away from the terminal's ears.
//
// Text that was read from Kafka, etcd, a file, the environment or an error is
// Untrusted. Only Clean and its relatives make Text of it, in which everything a
// terminal would act on, or that hides text from its reader, is made visible.
// Printers and views take Text and nothing else.
//
//	string, Untrusted ──Clean, Sprintf, Fprintf──▶ Text ──▶ cell, paint, stream
//
// It promises that
//   - no byte of C0, C1 or DEL, no escape sequence and no character that reorders
//     or hides text passes from an argument to a Text;
//   - cleaning twice changes nothing;
//   - AppendJSON changes how a JSON text is written, never what it means.
//
// A conversion Text(s) of anything but a constant is forbidden outside this
// package; lint_test.go looks for it, and for writes that pass the package by.
// The package stands alone. Its functions are safe for concurrent use.
package safe
