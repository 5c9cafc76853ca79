// Package demo brings what the demo command needs beside the product itself: an
// embedded etcd, an embedded Kafka broker, and a writer of lively sample logs.
//
// It promises: everything listens on free loopback ports only; memory stays bounded
// however long the demo runs; Close leaves no process, port, goroutine or file behind,
// except in a data directory the caller named.
//
// It never starts an agent or a console: the command puts the parts together.
//
// Servers and Writer may be used from several goroutines at once; Writer.Run is
// called once.
package demo
