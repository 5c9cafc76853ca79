// Package e2e holds the scenarios that run the built logctl binary: numbered lines
// in, numbered lines out, counted.
//
// Each scenario writes lines through a Ledger while it does to the agent, the files,
// Kafka or etcd what the scenario is about, and ends with a Verdict: how many lines
// were written, lost, duplicated, garbled and out of order. They run on the embedded
// servers, and on real ones when LOGCTL_TEST_KAFKA and LOGCTL_TEST_ETCD are set.
// LOGCTL_TORTURE=1 runs the long forms; LOGCTL_RESULTS=FILE appends each verdict to
// a file, from which RESULTS.md is made ('make results').
package e2e
