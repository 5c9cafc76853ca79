package kafka

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/IBM/sarama"
)

// DefaultMaxMessageBytes is the size of the largest batch that a broker takes
// when nobody configured another.
const DefaultMaxMessageBytes = 1048588

// AskMetadata asks one broker about topics, and creates none. An answer that cannot be
// read is asked for again in version 8, the last without tagged fields: librdkafka's mock
// cluster (2.16) ends those with tagged fields by a byte too many. Version 8 has no ids of
// topics.
func AskMetadata(b *sarama.Broker, topics []string) (*sarama.MetadataResponse, error) {
	req := sarama.NewMetadataRequest(sarama.V2_8_0_0, topics)
	req.AllowAutoTopicCreation = false
	res, err := b.GetMetadata(req)
	var unreadable sarama.PacketDecodingError
	if errors.As(err, &unreadable) {
		req.Version = 8
		res, err = b.GetMetadata(req)
	}
	return res, err
}

// Metadata asks about the topics, or about all of them when none is named. It
// remembers the brokers of the answer, which later calls try beside the configured
// ones: the cluster may outlive those. It never creates a topic.
func (a *Admin) Metadata(ctx context.Context, topics ...string) (*sarama.MetadataResponse, error) {
	var res *sarama.MetadataResponse
	err := a.Do(ctx, func(b *sarama.Broker) (err error) {
		res, err = AskMetadata(b, topics)
		return err
	})
	if err != nil {
		return nil, err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	clear(a.brokers)
	for _, b := range res.Brokers {
		a.brokers[b.ID()] = b.Addr()
	}
	return res, nil
}

// Brokers returns the brokers of the cluster, by id.
func (a *Admin) Brokers(ctx context.Context) ([]Broker, error) {
	// One name that is no topic keeps the answer short on a cluster with
	// many topics; a list of none would mean all of them.
	res, err := a.Metadata(ctx, "logctl-brokers")
	if err != nil {
		return nil, fmt.Errorf("list brokers: %w", err)
	}
	out := make([]Broker, 0, len(res.Brokers))
	for _, b := range res.Brokers {
		out = append(out, Broker{ID: b.ID(), Address: b.Addr(), Rack: b.Rack()})
	}
	slices.SortFunc(out, func(x, y Broker) int { return int(x.ID) - int(y.ID) })
	return out, nil
}

// Topics returns every topic we may see, by name, with partitions and leaders
// but without offsets.
func (a *Admin) Topics(ctx context.Context) ([]Topic, error) {
	res, err := a.Metadata(ctx)
	if err != nil {
		return nil, fmt.Errorf("list topics: %w", err)
	}
	out := make([]Topic, 0, len(res.Topics))
	for _, t := range res.Topics {
		out = append(out, topicOf(t, res.Brokers))
	}
	slices.SortFunc(out, func(x, y Topic) int { return strings.Compare(x.Name, y.Name) })
	return out, nil
}

// Topic returns one topic with its offsets. A topic that does not exist is a
// *MissingTopicError.
func (a *Admin) Topic(ctx context.Context, name string) (Topic, error) {
	t, err := a.describe(ctx, name)
	if err != nil {
		return Topic{}, fmt.Errorf("describe topic: %w", err)
	}
	byTopic := map[string][]Partition{name: t.Partitions}
	if err := a.fillOffsets(ctx, byTopic); err != nil {
		return t, fmt.Errorf("offsets of topic %q: %w", name, err)
	}
	return t, nil
}

// describe looks one topic up, and for its nearest names when it is missing.
func (a *Admin) describe(ctx context.Context, name string) (Topic, error) {
	res, err := a.Metadata(ctx, name)
	if err != nil {
		return Topic{}, err
	}
	for _, t := range res.Topics {
		if t.Name != name {
			continue
		}
		switch {
		case t.Err == sarama.ErrNoError, t.Err == sarama.ErrLeaderNotAvailable:
			return topicOf(t, res.Brokers), nil
		case t.Err == sarama.ErrUnknownTopicOrPartition:
			return Topic{}, a.missing(ctx, name)
		default:
			return Topic{}, &TopicError{Topic: name, Err: t.Err}
		}
	}
	return Topic{}, a.missing(ctx, name)
}

func (a *Admin) missing(ctx context.Context, name string) error {
	var names []string
	if topics, err := a.Topics(ctx); err == nil { // without names the error still says it
		for _, t := range topics {
			if !t.Internal {
				names = append(names, t.Name)
			}
		}
	}
	return MissingTopic(name, names)
}

func topicOf(t *sarama.TopicMetadata, up []*sarama.Broker) Topic {
	out := Topic{Name: t.Name, Internal: t.IsInternal, Bytes: -1, Partitions: make([]Partition, 0, len(t.Partitions))}
	for _, p := range t.Partitions {
		part := Partition{ID: p.ID, Leader: p.Leader, Replicas: p.Replicas, ISR: p.Isr, Oldest: -1, Newest: -1, Unstored: LostDisks(p, func(id int32) bool {
			return slices.ContainsFunc(up, func(b *sarama.Broker) bool { return b.ID() == id })
		})}
		if p.Err != sarama.ErrNoError && p.Err != sarama.ErrReplicaNotAvailable {
			part.Err = p.Err
		}
		out.Partitions = append(out.Partitions, part)
	}
	slices.SortFunc(out.Partitions, func(x, y Partition) int { return int(x.ID) - int(y.ID) })
	return out
}

// LostDisks are the brokers of a partition that are up and do not have their replica: the log
// directory is offline, as after an error of its disk. A broker names a replica offline when
// its broker is away or its directory is (KIP-112), and lists only brokers that are up.
func LostDisks(p *sarama.PartitionMetadata, up func(broker int32) bool) []int32 {
	var out []int32
	for _, id := range p.OfflineReplicas {
		if up(id) {
			out = append(out, id)
		}
	}
	return out
}

// MaxMessageBytes is the topic setting with the size of the largest batch.
const MaxMessageBytes = "max.message.bytes"

// SettingsOf reads settings of several topics in one request: by topic, by name. Topics
// that are missing or that we may not ask about are left out, as are settings that the
// cluster does not know; when no topic is left, the error says why.
func (a *Admin) SettingsOf(ctx context.Context, names []string, topics ...string) (map[string]map[string]string, error) {
	req := &sarama.DescribeConfigsRequest{Version: 2}
	for _, t := range topics {
		req.Resources = append(req.Resources, &sarama.ConfigResource{Type: sarama.TopicResource, Name: t, ConfigNames: names})
	}
	var res *sarama.DescribeConfigsResponse
	err := a.Do(ctx, func(b *sarama.Broker) (err error) {
		res, err = b.DescribeConfigs(req)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read topic settings: %w", err)
	}
	out := make(map[string]map[string]string, len(topics))
	var errs []error
	for _, r := range res.Resources {
		if r.ErrorCode != 0 {
			errs = append(errs, &TopicError{Topic: r.Name, Err: sarama.KError(r.ErrorCode)})
			continue
		}
		set := make(map[string]string, len(r.Configs))
		for _, e := range r.Configs {
			if slices.Contains(names, e.Name) {
				set[e.Name] = e.Value
			}
		}
		out[r.Name] = set
	}
	if len(out) == 0 && len(errs) > 0 {
		return nil, fmt.Errorf("read topic settings: %w", errors.Join(errs...))
	}
	return out, nil
}

// CreateTopic creates a topic. partitions and replication of -1 take the
// cluster's defaults; configs are topic settings as retention.ms. A name that
// is taken is ErrTopicExists.
func (a *Admin) CreateTopic(ctx context.Context, name string, partitions int32, replication int16, configs map[string]string) error {
	detail := &sarama.TopicDetail{NumPartitions: partitions, ReplicationFactor: replication, ConfigEntries: map[string]*string{}}
	for k, v := range configs {
		detail.ConfigEntries[k] = &v
	}
	res, err := a.Metadata(ctx, name)
	if err != nil {
		return fmt.Errorf("create topic %q: %w", name, err)
	}
	a.mu.Lock()
	address, ok := a.brokers[res.ControllerID]
	a.mu.Unlock()
	call := func(b *sarama.Broker) error {
		req := sarama.NewCreateTopicsRequest(sarama.V2_8_0_0, map[string]*sarama.TopicDetail{name: detail}, writeTimeout, false)
		res, err := b.CreateTopics(req)
		if err != nil {
			return err
		}
		if e := res.TopicErrors[name]; e != nil && e.Err != sarama.ErrNoError {
			return e
		}
		return nil
	}
	if ok {
		err = a.at(ctx, address, call)
	} else {
		err = a.Do(ctx, call)
	}
	if errors.Is(err, sarama.ErrTopicAlreadyExists) {
		return fmt.Errorf("create topic %q: %w", name, ErrTopicExists)
	}
	if errors.Is(err, sarama.ErrTopicAuthorizationFailed) || errors.Is(err, sarama.ErrClusterAuthorizationFailed) {
		err = &CreateDeniedError{Topic: name, Err: err}
	}
	if err != nil {
		return fmt.Errorf("create topic %q: %w", name, err)
	}
	return nil
}

// CreateDeniedError says that the right to create a topic is missing.
type CreateDeniedError struct {
	Topic string
	Err   error
}

func (e *CreateDeniedError) Error() string {
	return fmt.Sprintf("permission denied to create topic %q: this user needs the right Create on the topic or on the cluster "+
		"(kafka-acls --add --allow-principal User:NAME --operation Create --topic %s)", e.Topic, e.Topic)
}

// Unwrap returns Kafka's answer.
func (e *CreateDeniedError) Unwrap() error { return e.Err }
