// Command bench measures logctl beside the raw limit of its Kafka client, the tail
// libraries and pipelines it was made to better, and the shippers found on the machine.
// Everything runs in turn on one Kafka and one etcd on loopback, several rounds, and the
// medians are compared. It prints one table against the bars the project set itself and
// writes RESULTS.md.
//
//	make bench                                      # everything, starts its own servers
//	cd bench && go run . -logctl ../logctl -only throughput,latency -rounds 1
//
// The same binary is also some of the measured processes: bench raw, bench floor, bench lesson.
package main
