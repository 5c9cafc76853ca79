package main

// peers are the other shippers found on the machine, each with acks from all replicas,
// no compression and nothing added to the line.
func peers() []subject {
	var found []subject
	found = append(found, installed("kcat", subject{name: "kcat", ends: true, start: command("kcat"),
		config: "kcat -P -q -b {kafka} -t {topic} -X acks=all -l {file}"})...)
	found = append(found, installed("fluent-bit", subject{name: "Fluent Bit", config: fluentBitConf,
		start: configured("fluent-bit", "-q", "-c", "{conf}")})...)
	found = append(found, installed("vector", subject{name: "Vector", config: vectorConf,
		start: configured("vector", "-q", "--config-toml", "{conf}")})...)
	found = append(found, installed("rsyslogd", subject{name: "rsyslog", config: rsyslogConf,
		start: configured("rsyslogd", "-n", "-f", "{conf}", "-i", "{dir}/pid")})...)
	found = append(found, installed("syslog-ng", subject{name: "syslog-ng", config: syslogNGConf,
		start: configured("syslog-ng", "-F", "-f", "{conf}", "-R", "{dir}/persist", "-p", "{dir}/pid", "-c", "{dir}/ctl", "--no-caps")})...)
	return found
}

const fluentBitConf = `[SERVICE]
    flush 1
    log_level error
[INPUT]
    name tail
    path {file}
    read_from_head on
    buffer_chunk_size 512k
    buffer_max_size 2m
    mem_buf_limit 64m
    key log
[OUTPUT]
    name kafka
    match *
    brokers {kafka}
    topics {topic}
    format raw
    raw_log_key log
    rdkafka.acks all
    rdkafka.queue.buffering.max.messages 1000000
    queue_full_retries 0
`

const vectorConf = `data_dir = "{dir}"
[sources.in]
type = "file"
include = ["{file}"]
read_from = "beginning"
[sinks.out]
type = "kafka"
inputs = ["in"]
bootstrap_servers = "{kafka}"
topic = "{topic}"
encoding.codec = "text"
librdkafka_options.acks = "all"
`

const rsyslogConf = `global(workDirectory="{dir}" maxMessageSize="64k")
module(load="imfile")
module(load="omkafka")
template(name="raw" type="string" string="%msg%")
input(type="imfile" File="{file}" Tag="t" reopenOnTruncate="on" ruleset="ship")
ruleset(name="ship" queue.type="LinkedList" queue.size="100000" queue.dequeueBatchSize="4096") {
    action(type="omkafka" broker="{kafka}" topic="{topic}" template="raw" partitions.auto="on"
        confParam=["acks=all", "queue.buffering.max.messages=1000000"])
}
`

const syslogNGConf = `@version: 3.38
options { stats-freq(0); log-fifo-size(200000); };
source s { file("{file}" follow-freq(0.1) flags(no-parse) read-old-records(yes) log-fetch-limit(10000) log-iw-size(100000)); };
destination d {
    kafka-c(bootstrap-servers("{kafka}") topic("{topic}") message("${MESSAGE}") workers(1)
        sync-send(no) config("acks" => "all" "queue.buffering.max.messages" => "1000000"));
};
log { source(s); destination(d); flags(flow-control); };
`
