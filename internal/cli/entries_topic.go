package cli

import (
	"context"
	"errors"
	"fmt"
	"math"

	"github.com/spf13/cobra"

	"logctl/internal/kafka"
	"logctl/internal/safe"
)

// topicFlags are the flags of a command that may create the topic of an entry.
type topicFlags struct {
	create     bool
	partitions int
	replicas   int
}

func (f *topicFlags) add(cmd *cobra.Command) {
	s := cmd.Flags()
	s.BoolVar(&f.create, "create-topic", false, "create the topic first, where it does not exist")
	s.IntVar(&f.partitions, "partitions", 0, "of the topic with --create-topic (0: as many as the brokers give a new topic)")
	s.IntVar(&f.replicas, "replicas", 0, "copies of each partition with --create-topic (0: as many as the brokers give a new topic)")
}

// check refuses numbers that no topic can have, and those of a topic that is not created.
func (f *topicFlags) check() error {
	switch {
	case !f.create && (f.partitions != 0 || f.replicas != 0):
		return errors.New("--partitions and --replicas are of the topic that --create-topic creates")
	case f.partitions < 0 || f.partitions > math.MaxInt32:
		return fmt.Errorf("--partitions: %d is no number of partitions", f.partitions)
	case f.replicas < 0 || f.replicas > math.MaxInt16:
		return fmt.Errorf("--replicas: %d is no number of copies", f.replicas)
	}
	return nil
}

// ensureTopic creates the topic where that is asked for and it does not exist.
func (a *app) ensureTopic(ctx context.Context, cmd *cobra.Command, f *topicFlags, name string, dryRun bool) (err error) {
	if !f.create {
		return nil
	}
	c, err := a.settings(cmd, nil)
	if err != nil {
		return err
	}
	admin := kafka.NewAdmin(kafkaConfig(c))
	defer func() { err = errors.Join(err, admin.Close()) }()
	if dryRun {
		return a.wouldCreate(ctx, admin, name)
	}
	number := func(n int) int {
		if n == 0 {
			return -1
		}
		return n
	}
	err = admin.CreateTopic(ctx, name, int32(number(f.partitions)), int16(number(f.replicas)), nil)
	switch {
	case errors.Is(err, kafka.ErrTopicExists):
		return nil
	case err != nil:
		return fmt.Errorf("%s; the entry is not saved", kafka.Explain(err))
	}
	safe.Fprintf(a.Err, "created: topic %s\n", name)
	return nil
}

// wouldCreate tells a dry run what becomes of the topic.
func (a *app) wouldCreate(ctx context.Context, admin *kafka.Admin, name string) error {
	topics, err := admin.Topics(ctx)
	if err != nil {
		return errors.New(kafka.Explain(err))
	}
	for i := range topics {
		if topics[i].Name == name {
			return nil
		}
	}
	safe.Fprintf(a.Err, "would be created: topic %s\n", name)
	return nil
}
