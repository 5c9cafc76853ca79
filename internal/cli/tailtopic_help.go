package cli

import (
	"strings"

	"logctl/consumer"
	"logctl/consumer/filter"
	"logctl/consumer/format"
)

// tailTopicLong is the text of --help; its tables are those of the packages that read
// what they describe.
func tailTopicLong() string {
	return `Print the records of one or more topics, from all partitions.

Without flags it prints what is written from now on, and never ends. It joins no
group, commits nothing, and never creates a topic by asking for it.

Standard output gets records and nothing else; notices and a summary go to standard
error (-q silences them). On a terminal control characters are shown, not obeyed; in
a pipe every byte is as it is.

Where to start and end (--from, --to):
` + indent(consumer.GrammarHelp) + `

--no-follow ends exactly: at the end offsets as they are when it starts. -n N prints
the last N records of the topics together, merged by time, and goes on following
unless --no-follow is given. --sort merges the partitions by time all along: a record
is held while an older one may come, at most --sort-window when following.

Templates (-f, --format):
` + indent(format.TemplateHelp) + `

Conditions on JSON values (-w, --where); they, -i, -e and -H see decoded values:
` + indent(filter.ConditionHelp) + `

--key is the key of the records here. The --key of the other commands, etcd's collect
key, does not exist in this one, which asks nothing of etcd; LOGCTL_ETCD_COLLECT_KEY
and collect_key of the ini file stay what they are.`
}

const tailTopicExamples = `  logctl tail-topic app_log                              # what comes from now on
  logctl tail-topic app_log -n 20                        # the last 20, then follow
  logctl tail-topic app_log --from -15m -w level=error   # errors of the last 15 minutes, then follow
  logctl tail-topic app_log --from oldest --no-follow -o raw > app.log
  logctl tail-topic app_log --from 0=120,3=-5 -p 0,3 --to end
  logctl tail-topic --regex 'app_.*' -i timeout -e retry -H 'timeout|refused'
  logctl tail-topic app_log -o json --from today --no-follow | jq .value
  logctl tail-topic app_log -f '%t/%p@%o %d{go[15:04:05.000]} %k=%v%h{ %k:%v}\n'
  logctl tail-topic orders --decode avro --registry http://127.0.0.1:8081
  logctl tail-topic app_log --rate`

func indent(s string) string { return "  " + strings.ReplaceAll(s, "\n", "\n  ") }
