# Every step of .ci/run by hand. The same commands, one at a time.
.PHONY: servers-up servers-down

# Real Kafka (KRaft) and etcd on loopback: eval "$(make -s servers-up)". N=3 starts three brokers.
N ?= 1
servers-up:
	@.ci/servers up $(N)
servers-down:
	@.ci/servers down $(N)
