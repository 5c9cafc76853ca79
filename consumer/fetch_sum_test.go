package consumer

import (
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// The topic of many partitions stands in an answer once: the sum of what is handed out
// may be larger than the answer when it is counted for each.
func TestATopicOfManyPartitionsStandsInAnAnswerOnce(t *testing.T) {
	resp := kmsg.NewPtrFetchResponse()
	resp.Version = fetchVersion
	st := kmsg.NewFetchResponseTopic()
	st.Topic = strings.Repeat("t", 200)
	for i := range int32(50) {
		sp := kmsg.NewFetchResponseTopicPartition()
		sp.Partition = i
		st.Partitions = append(st.Partitions, sp)
	}
	resp.Topics = append(resp.Topics, st)
	body, parts, topics := resp.AppendTo(nil), 0, 0
	if _, err := parseFetchResponse(body, func(p *fetchedPart) { parts++; topics += len(p.topic) }); err != nil || parts != 50 || topics <= len(body) {
		t.Errorf("%d partitions, %d bytes of topics in %d: %v", parts, topics, len(body), err)
	}
}
