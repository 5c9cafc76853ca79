// Package testkit gives tests what they stand on: a Kafka broker and an etcd
// server, embedded in the test process by default and real ones when
// LOGCTL_TEST_KAFKA (comma-separated addresses) and LOGCTL_TEST_ETCD are set,
// file actions with numbered lines, and waiting on conditions.
//
// Every helper takes a testing.TB, fails that test on error and cleans up after
// it. Names of topics and keys are unique to the test, so that suites can share
// real servers. It is imported by tests and by internal/demo's tests only.
package testkit
