package cli

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"logctl/consumer/decode"
	"logctl/internal/kafka"
)

// completeWithin bounds what a completion may take: a shell waits for it.
const completeWithin = 900 * time.Millisecond

// completeTopics offers the cluster's topics.
func (a *app) completeTopics(cmd *cobra.Command, args []string, prefix string) ([]string, cobra.ShellCompDirective) {
	topics := a.clusterTopics(cmd)
	var out []string
	for _, t := range topics {
		if t.Internal && !strings.HasPrefix(prefix, "_") {
			continue
		}
		if strings.HasPrefix(t.Name, prefix) && !slices.Contains(args, t.Name) {
			out = append(out, cobra.CompletionWithDesc(t.Name, partitionCount(len(t.Partitions))))
		}
	}
	return out, cobra.ShellCompDirectiveNoFileComp
}

func partitionCount(n int) string {
	if n == 1 {
		return "1 partition"
	}
	return strconv.Itoa(n) + " partitions"
}

// completePartitions offers the partitions of the topics on the line, behind what is
// there of a list.
func (a *app) completePartitions(cmd *cobra.Command, args []string, prefix string) ([]string, cobra.ShellCompDirective) {
	list := prefix[:strings.LastIndexByte(prefix, ',')+1]
	taken := strings.Split(strings.TrimSuffix(list, ","), ",")
	n := 0
	for _, t := range a.clusterTopics(cmd) {
		if slices.Contains(args, t.Name) {
			n = max(n, len(t.Partitions))
		}
	}
	var out []string
	for i := range n {
		if id := strconv.Itoa(i); !slices.Contains(taken, id) && strings.HasPrefix(list+id, prefix) {
			out = append(out, list+id)
		}
	}
	return out, cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveNoSpace
}

// clusterTopics returns the topics, or none when the cluster does not answer in time.
func (a *app) clusterTopics(cmd *cobra.Command) []kafka.Topic {
	settings, err := a.settings(cmd, nil)
	if err != nil {
		return nil
	}
	parent := cmd.Context()
	if parent == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(parent, completeWithin)
	defer cancel()
	admin := kafka.NewAdmin(kafkaConfig(settings))
	defer func() { _ = admin.Close() }() // a completion says nothing about errors
	topics, err := admin.Topics(ctx)
	if err != nil {
		return nil
	}
	return topics
}

// completeTailTopic registers what the flags of tail-topic may be.
func (a *app) completeTailTopic(cmd *cobra.Command) {
	fixed := func(flag string, values ...string) {
		_ = cmd.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(values, cobra.ShellCompDirectiveNoFileComp))
	}
	places := []string{"newest", "oldest", "end", "-100", "-15m", "-1h", "today", "yesterday"}
	fixed("from", places...)
	fixed("to", places...)
	fixed("output", "text", "raw", "json", "table", "count")
	fixed("color", "auto", "always", "never")
	fixed("isolation", "read_committed", "read_uncommitted")
	fixed("decode", decode.Names()...)
	fixed("decode-key", decode.Names()...)
	fixed("show", "hex", "base64")
	fixed("show-key", "hex", "base64")
	_ = cmd.RegisterFlagCompletionFunc("partitions", a.completePartitions)
}
