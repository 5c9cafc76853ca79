package ship

import (
	"context"
	"errors"
)

// Producer ships bundles. See New.
type Producer struct{ cfg Config }

// ErrStopped is returned by Send, and reported to Done, when the producer's
// Run has ended.
var ErrStopped = errors.New("producer has stopped")

// New returns a producer that does nothing until Run is called.
func New(cfg Config) (*Producer, error) { return &Producer{cfg: cfg}, nil }

// Run ships until ctx ends.
func (p *Producer) Run(ctx context.Context) error { <-ctx.Done(); return nil }

// Send hands a bundle over.
func (p *Producer) Send(ctx context.Context, b *Bundle) error { return ErrStopped }

// Drain waits until nothing is unacknowledged.
func (p *Producer) Drain(ctx context.Context) error { return nil }

// MaxRecord is the largest value, in bytes, that fits one record of the topic.
func (p *Producer) MaxRecord(topic string) int { return 1 << 20 }

// Topic returns a topic's state.
func (p *Producer) Topic(topic string) TopicStatus { return TopicStatus{Topic: topic} }

// Stats returns the counters.
func (p *Producer) Stats() Stats { return Stats{} }
