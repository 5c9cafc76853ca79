package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"logctl/agent/positions"
	"logctl/consumer"
	"logctl/etcdcfg"
	"logctl/internal/safe"
)

// rewindToTime moves the files of an entry to the first line that was read at or after a
// time, by the records of the entry's topic.
func (a *app) rewindToTime(cmd *cobra.Command, f *positionsFlags, from consumer.From, args []string) error {
	list := etcdcfg.Command{Kind: "list", Path: args[0]}
	if len(args) > 1 {
		list.Topic = args[1]
	}
	found, err := a.askPositions(cmd, f, list)
	switch {
	case err != nil:
		return err
	case len(found) == 0:
		return fmt.Errorf("no positions are kept for the entry %s %s: 'positions list' shows which are", list.Path, list.Topic)
	case len(found) > 1:
		return fmt.Errorf("%d entries have the path %s: name the topic too", len(found), list.Path)
	}
	wanted := map[string]string{} // path by short id
	for _, file := range found[0].Files {
		if file.File == "" {
			return errors.New("the agent is of an older version, which cannot do that")
		}
		if file.Pos > 0 {
			wanted[file.File] = file.Path
		}
	}
	places, err := a.placesAt(cmd, f, found[0].Topic, from, wanted)
	if err != nil {
		return err
	}
	for id, path := range wanted {
		if _, ok := places[id]; !ok {
			safe.Fprintf(a.Err, "%s: no line of it was read since then; its position stays\n", path)
		}
	}
	return a.positions(cmd, f, etcdcfg.Command{Kind: "rewind", To: string(positions.ToPlaces), Places: places}, []string{found[0].Path, found[0].Topic})
}

// placesAt finds for each generation the position of its first line whose record is at or
// after a start. It reads until all were found, or to the end of the topic.
func (a *app) placesAt(cmd *cobra.Command, f *positionsFlags, topic string, from consumer.From, wanted map[string]string) (places map[string]int64, err error) {
	c, err := a.settings(cmd, nil)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(cmd.Context(), f.wait)
	defer cancel()
	r, err := consumer.Open(ctx, consumer.Config{Kafka: kafkaConfig(c), Topics: []string{topic}, From: from, Reuse: true})
	if err != nil {
		return nil, errors.New(explainKafka(err))
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	places = map[string]int64{}
	for len(places) < len(wanted) {
		records, err := r.Next(ctx)
		if errors.Is(err, io.EOF) {
			break
		}
		if errors.Is(err, context.DeadlineExceeded) {
			return nil, fmt.Errorf("the topic %s could not be read through within %v: give more with --wait, or a later time", topic, f.wait)
		}
		if err != nil {
			return nil, errors.New(explainKafka(err))
		}
		for i := range records {
			id, pos, ok := generationOf(records[i].Headers)
			if _, asked := wanted[id]; !ok || !asked {
				continue
			}
			if at, known := places[id]; !known || pos < at {
				places[id] = pos
			}
		}
	}
	return places, nil
}

// generationOf reads the short id of a record's file and the position of its line, from the
// headers file and pos or from those of the sets otel and cloudevents.
func generationOf(headers []consumer.Header) (id string, pos int64, ok bool) {
	pos = -1
	for i := range headers {
		h := &headers[i]
		text := string(h.Value)
		switch h.Key {
		case "file":
			if id == "" { // a label may have the name too
				id = text
			}
		case "pos":
			pos = number(text)
		case "log.record.uid", "ce_id": // host/file/pos
			parts := strings.Split(text, "/")
			if n := len(parts); n >= 3 {
				id, pos = parts[n-2], number(parts[n-1])
			}
		}
	}
	return id, pos, id != "" && pos >= 0
}

// number reads a position; -1 when it is none.
func number(text string) int64 {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return -1
	}
	return n
}
