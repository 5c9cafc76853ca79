package cli

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"logctl/consumer"
)

// lineTime bounds how long a record is looked for.
const lineTime = 20 * time.Second

// lineAt finds the file and position of the line that stands in Kafka as TOPIC:PARTITION:OFFSET,
// by the headers path and pos of its record.
func (a *app) lineAt(cmd *cobra.Command, place string) (file string, pos int64, err error) {
	parts := strings.Split(place, ":")
	bad := &usageError{fmt.Errorf("--offset: %q is not TOPIC:PARTITION:OFFSET", place)}
	if len(parts) != 3 {
		return "", 0, bad
	}
	partition, err1 := strconv.ParseInt(parts[1], 10, 32)
	offset, err2 := strconv.ParseInt(parts[2], 10, 64)
	if parts[0] == "" || err1 != nil || err2 != nil || partition < 0 || offset < 0 {
		return "", 0, bad
	}
	from, err1 := consumer.ParseFrom(parts[2])
	which, err2 := consumer.ParsePartitions(parts[1])
	if err := errors.Join(err1, err2); err != nil {
		return "", 0, &usageError{err}
	}
	c, err := a.settings(cmd, nil)
	if err != nil {
		return "", 0, err
	}
	ctx, cancel := context.WithTimeout(cmd.Context(), lineTime)
	defer cancel()
	r, err := consumer.Open(ctx, consumer.Config{
		Kafka: kafkaConfig(c), Topics: []string{parts[0]}, Partitions: which, From: from, Linger: -1,
	})
	if err != nil {
		return "", 0, errors.New(explainKafka(err))
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	records, err := r.Next(ctx)
	if err != nil || len(records) == 0 {
		return "", 0, fmt.Errorf("no record stands at %s: %w", place, err)
	}
	rec := &records[0]
	if rec.Offset != offset {
		return "", 0, fmt.Errorf("no record stands at %s: the next one is at offset %d", place, rec.Offset)
	}
	at := ""
	for _, h := range rec.Headers {
		switch h.Key {
		case "path":
			file = string(h.Value)
		case "pos":
			at = string(h.Value)
		}
	}
	if pos, err = strconv.ParseInt(at, 10, 64); err != nil || file == "" {
		return "", 0, fmt.Errorf("the record at %s does not say which line it is: it has no headers path and pos ([kafka] headers)", place)
	}
	return file, pos, nil
}
