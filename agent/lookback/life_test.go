package lookback

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/IBM/sarama"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
	"go.uber.org/goleak"

	"logctl/agent/positions"
	"logctl/agent/ship"
	"logctl/agent/tail"
	"logctl/internal/testkit"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var quick = times{
	retry: 5 * time.Millisecond, patience: testkit.Hang, probe: 20 * time.Millisecond, renew: time.Hour,
	reclaim: 50 * time.Millisecond, calm: 300 * time.Millisecond, topic: testkit.Hang, read: testkit.Hang,
}

// run is one run of an agent, as far as Kafka sees it: registry, producer and life.
type run struct {
	*Life
	t        *testing.T
	registry *positions.Registry
	producer *ship.Producer
	end      func()
}

// begin starts a run on a data directory.
func begin(t *testing.T, k *testkit.KafkaServer, dir, id string, change ...func(*Life)) *run {
	t.Helper()
	reg, err := positions.Open(dir, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	r := &run{t: t, registry: reg}
	r.Life = New(Config{Kafka: k.Config(), ID: id, Registry: reg, Wake: func() { r.producer.Wake() }})
	r.times = quick
	for _, c := range change {
		c(r.Life)
	}
	if r.producer, err = ship.New(ship.Config{Kafka: k.Config(), Names: r.Names}); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 2)
	go func() { ended <- r.Life.Run(ctx) }()
	go func() { ended <- r.producer.Run(ctx) }()
	over := false
	r.end = func() {
		if over {
			return
		}
		over = true
		cancel()
		<-ended
		<-ended
	}
	t.Cleanup(func() {
		r.end()
		_ = reg.Close()
	})
	return r
}

// knows says whether the last record of file 1-1 that the run found in the topic, or was told
// of, begins at pos.
func (r *run) knows(topic string, pos int64) {
	r.t.Helper()
	if f, ok := r.registry.Stored("1-1", topic); !ok || f.Last.Pos != pos {
		r.t.Errorf("%+v, %v", f, ok)
	}
}

// crash ends the run without a farewell: nothing is saved any more.
func (r *run) crash() {
	r.t.Helper()
	r.end()
	if err := r.registry.Close(); err != nil { // it was not told of what was acknowledged
		r.t.Fatal(err)
	}
}

// send sends lines of a file and waits until they are acknowledged.
func (r *run) send(topic, file string, from, n int) {
	r.t.Helper()
	b := &ship.Bundle{Topic: topic, Key: file, Time: time.Now(), PosHeader: true, Headers: []ship.Header{{Key: []byte("file"), Value: []byte(file)}}}
	for i := from; i < from+n; i++ {
		at := uint32(len(b.Data))
		b.Data = append(b.Data, "line "+strconv.Itoa(i)+"\n"...)
		b.Spans = append(b.Spans, ship.Span{Start: at, End: uint32(len(b.Data)) - 1, Pos: int64(i) * 100})
	}
	b.Done = func(ship.Result) {}
	ctx, cancel := context.WithTimeout(r.t.Context(), testkit.Hang)
	defer cancel()
	if err := errors.Join(r.producer.Send(ctx, b), r.producer.Drain(ctx)); err != nil {
		r.t.Fatal(err)
	}
}

func (r *run) await(topic string) {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(r.t.Context(), testkit.Hang)
	defer cancel()
	if err := r.Await(ctx, topic); err != nil {
		r.t.Fatal(err)
	}
}

func (r *run) reaches(want Phase) string {
	r.t.Helper()
	why := ""
	testkit.Eventually(r.t, fmt.Sprintf("phase %d", want), func() bool {
		var phase Phase
		phase, why = r.State()
		return phase == want
	})
	return why
}

// known registers the file, whose saved position is at its beginning.
func (r *run) known(topic, file string) {
	r.t.Helper()
	id, err := tail.ParseShort(file)
	if err != nil {
		r.t.Fatal(err)
	}
	if err := r.registry.Register("/a.log\x00"+topic, []tail.State{{ID: id, Path: "/a.log"}}); err != nil {
		r.t.Fatal(err)
	}
}

func TestNextLifeKnowsWhatWasStored(t *testing.T) {
	t.Parallel()
	k := testkit.Kafka(t)
	one, two := k.Topic(t, 3), k.Topic(t, 1)
	dir, id := t.TempDir(), "agent-"+one
	a := begin(t, k, dir, id)
	for i, file := range []string{"1-1", "2-2", "3-3"} {
		a.known(one, file)
		a.send(one, file, 0, 10+i)
	}
	a.send(two, "1-1", 0, 4)
	a.crash()
	b := begin(t, k, dir, id)
	b.await(one)
	b.await(two)
	for i, file := range []string{"1-1", "2-2", "3-3"} {
		f, ok := b.registry.Stored(file, one)
		last := int64(9 + i)
		if !ok || f.Last.Pos != last*100 || f.Last.Len != int64(len("line "+strconv.FormatInt(last, 10))) || f.Last.Sum == 0 {
			t.Errorf("%s: %+v, %v", file, f, ok)
		}
	}
	if f, ok := b.registry.Stored("1-1", two); !ok || f.Last.Pos != 300 {
		t.Errorf("the other topic: %+v, %v", f, ok)
	}
	// A life that is killed again has moved its cursors on; what was found is still known.
	b.send(one, "2-2", 11, 5)
	b.registry.OnFlush(func() (out []positions.Cursor) {
		for _, c := range b.producer.Cursors() {
			out = append(out, positions.Cursor{Topic: c.Topic, TopicID: c.TopicID, Partition: c.Partition, Offset: c.Offset})
		}
		return out
	})
	b.crash()
	c := begin(t, k, dir, id)
	c.await(one)
	if f, ok := c.registry.Stored("1-1", one); !ok || f.Last.Pos != 900 {
		t.Errorf("after two crashes: %+v, %v", f, ok)
	}
}

func TestCleanEndNeedsNoLook(t *testing.T) {
	t.Parallel()
	k := testkit.Kafka(t)
	topic := k.Topic(t, 1)
	dir := t.TempDir()
	a := begin(t, k, dir, topic)
	a.send(topic, "1-1", 0, 3)
	a.end()
	if err := a.registry.CloseWell(); err != nil {
		t.Fatal(err)
	}
	b := begin(t, k, dir, topic)
	b.await(topic)
	if _, ok := b.registry.Stored("1-1", topic); ok {
		t.Error("it looked")
	}
	b.send(topic, "1-1", 3, 3)
}

// TestEndBeforeTheLook: a life that ends in order before it has looked back leaves the crash
// before it to the next one. (Found by the simulation: stopped 0 s after a start.)
func TestEndBeforeTheLook(t *testing.T) {
	k := testkit.Kafka(t)
	topic, dir := k.Topic(t, 1), t.TempDir()
	id := "agent-" + topic
	a := begin(t, k, dir, id)
	a.known(topic, "5-5")
	a.send(topic, "5-5", 0, 3)
	a.crash()
	reg, err := positions.Open(dir, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	short := New(Config{Kafka: k.Config(), ID: id, Registry: reg})
	if short.Settled() {
		t.Error("a life that has not begun says that nothing is left to be looked for")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := short.Run(ctx); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if short.Settled() {
		t.Error("so does one that was stopped at once")
	}
	if err := reg.Close(); err != nil {
		t.Fatal(err)
	}
	b := begin(t, k, dir, id)
	b.await(topic)
	if !b.Settled() {
		t.Error("something is left to be looked for behind the look")
	}
	if f, ok := b.registry.Stored("5-5", topic); !ok || f.Last.Pos != 200 {
		t.Errorf("stored: %+v, %v", f, ok)
	}
}

// TestOlderCopyOfThePositions: a copy that says that the last life ended well is not
// believed when there were lives since.
func TestOlderCopyOfThePositions(t *testing.T) {
	t.Parallel()
	k := testkit.Kafka(t)
	topic := k.Topic(t, 1)
	dir := t.TempDir()
	a := begin(t, k, dir, topic)
	a.known(topic, "1-1")
	a.send(topic, "1-1", 0, 3)
	a.end()
	if err := a.registry.CloseWell(); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, positions.FileName)
	backup, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	b := begin(t, k, dir, topic)
	b.send(topic, "1-1", 3, 4)
	b.end()
	if err := errors.Join(b.registry.CloseWell(), os.WriteFile(path, backup, 0o600)); err != nil {
		t.Fatal(err)
	}
	c := begin(t, k, dir, topic)
	c.await(topic)
	c.knows(topic, 600)
}

// TestPositionMovedByHand: what an operator wants again is not left out as stored.
func TestPositionMovedByHand(t *testing.T) {
	t.Parallel()
	k := testkit.Kafka(t)
	topic := k.Topic(t, 1)
	dir := t.TempDir()
	a := begin(t, k, dir, topic)
	for _, file := range []string{"1-1", "2-2"} {
		a.known(topic, file)
		a.send(topic, file, 0, 5)
	}
	a.crash()
	reg, err := positions.Open(dir, slog.New(slog.DiscardHandler)) // as positions rewind does
	if err != nil {
		t.Fatal(err)
	}
	key := "/a.log\x00" + topic
	var one []tail.State
	for _, st := range reg.States(key) {
		if st.ID.Ino == 1 {
			st.Pos = 100
			one = append(one, st)
		}
	}
	if err := reg.Register(key, one); err != nil { // the position that is moved back
		t.Fatal(err)
	}
	changes, err := positions.Move{To: positions.ToBeginning}.Plan(one)
	if err == nil {
		err = reg.Rewrite(key, changes)
	}
	if err := errors.Join(err, reg.Close()); err != nil {
		t.Fatal(err)
	}
	b := begin(t, k, dir, topic)
	b.await(topic)
	if f, ok := b.registry.Stored("1-1", topic); ok {
		t.Errorf("the moved one: %+v", f)
	}
	if _, ok := b.registry.Stored("2-2", topic); !ok {
		t.Error("the other one is not known")
	}
}

// TestZombieIsFenced: after the fence a partition of the last life takes nothing from it.
func TestZombieIsFenced(t *testing.T) {
	t.Parallel()
	k := testkit.Kafka(t)
	topic := k.Topic(t, 1)
	dir := t.TempDir()
	a := begin(t, k, dir, topic)
	a.known(topic, "1-1")
	a.send(topic, "1-1", 0, 3)
	_, _ = a.State()
	zombie := a.Life.id
	a.crash()
	b := begin(t, k, dir, topic)
	b.await(topic)
	conf, err := k.Config().Sarama()
	if err != nil {
		t.Fatal(err)
	}
	client, err := sarama.NewClient(k.Addrs(), conf)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = client.Close() }()
	leader, err := client.Leader(topic, 0)
	if err != nil {
		t.Fatal(err)
	}
	req := &sarama.ProduceRequest{Version: 7, RequiredAcks: sarama.WaitForAll, Timeout: 5000}
	req.AddBatch(topic, 0, &sarama.RecordBatch{Version: 2, ProducerID: zombie.ID, ProducerEpoch: zombie.Epoch, FirstSequence: 3,
		FirstTimestamp: time.Now(), MaxTimestamp: time.Now(), Records: []*sarama.Record{{Value: []byte("from beyond")}}})
	res, err := leader.Produce(req)
	if err != nil {
		t.Fatal(err)
	}
	if code := res.GetBlock(topic, 0).Err; code != sarama.ErrInvalidProducerEpoch && code != sarama.ErrProducerFenced {
		t.Errorf("the zombie's batch: %v", code)
	}
}

func TestTwoAgentsOfOneName(t *testing.T) {
	t.Parallel()
	k := testkit.Kafka(t)
	topic := k.Topic(t, 1)
	a := begin(t, k, t.TempDir(), topic)
	a.send(topic, "1-1", 0, 3)
	b := begin(t, k, t.TempDir(), topic)
	for _, r := range []*run{a, b} {
		if why := r.reaches(Contested); !strings.Contains(why, "another agent uses the name "+topic) {
			t.Errorf("it says %q", why)
		}
	}
	a.send(topic, "1-1", 3, 3) // both go on
	b.send(topic, "2-2", 0, 3)
	b.crash()
	a.reaches(Holding)
	a.send(topic, "1-1", 6, 3)
}

func TestBoundedWhereKafkaForbids(t *testing.T) {
	t.Parallel()
	for name, code := range map[string]sarama.KError{
		"no right":                 sarama.ErrTransactionalIDAuthorizationFailed,
		"no cluster right":         sarama.ErrClusterAuthorizationFailed,
		"a broker that cannot":     sarama.ErrUnsupportedVersion,
		"a coordinator that loads": sarama.ErrOffsetsLoadInProgress, // for ever
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			k := testkit.Kafka(t, testkit.Embedded(kfake.NumBrokers(1)))
			topic := k.Topic(t, 1)
			k.Cluster().ControlKey(int16(kmsg.InitProducerID), func(req kmsg.Request) (kmsg.Response, error, bool) {
				k.Cluster().KeepControl()
				init := req.(*kmsg.InitProducerIDRequest)
				if init.TransactionalID == nil {
					return nil, nil, false
				}
				res := init.ResponseKind().(*kmsg.InitProducerIDResponse)
				res.ErrorCode = int16(code)
				return res, nil, true
			})
			r := begin(t, k, t.TempDir(), topic, func(l *Life) { l.times.patience = 300 * time.Millisecond })
			if why := r.reaches(Bounded); why == "" {
				t.Error("it does not say why")
			}
			r.send(topic, "1-1", 0, 3) // it ships all the same
		})
	}
}

// TestDeletedAndMadeAnew: a topic of the last life that is gone holds nobody up, and one
// made anew is read from its beginning.
func TestDeletedAndMadeAnew(t *testing.T) {
	t.Parallel()
	k := testkit.Kafka(t)
	gone, stays := k.Topic(t, 2), k.Topic(t, 1)
	dir := t.TempDir()
	a := begin(t, k, dir, stays)
	a.known(stays, "1-1")
	a.send(gone, "1-1", 0, 5)
	a.send(stays, "1-1", 0, 5)
	a.crash()
	k.Delete(t, gone)
	b := begin(t, k, dir, stays)
	b.await(stays)
	b.await(gone)
	if f, ok := b.registry.Stored("1-1", stays); !ok || f.Last.Pos != 400 {
		t.Errorf("%+v, %v", f, ok)
	}
}

func TestPartsOfALineAreAdded(t *testing.T) {
	f := found{files: map[string]*foundFile{}}
	header := func(key, value string) *sarama.RecordHeader {
		return &sarama.RecordHeader{Key: []byte(key), Value: []byte(value)}
	}
	at := func(pos, part, value string) *sarama.Record {
		return &sarama.Record{Value: []byte(value), Headers: []*sarama.RecordHeader{header("file", "1-1"), header("file", "label"), header("pos", "9"), header("pos", pos), header("part", part)}}
	}
	f.batch(&sarama.RecordBatch{Records: []*sarama.Record{at("0", "1/3", "abc"), at("0", "2/3", "de")}})
	f.finish()
	if last := f.stored()["1-1"].Last; last.Pos != 0 || last.Len != 5 || last.Sum != 0 {
		t.Errorf("%+v", last)
	}
	uid := &sarama.Record{Value: []byte("x"), Headers: []*sarama.RecordHeader{header("log.record.uid", "web/07/1-1/77")}}
	f.batch(&sarama.RecordBatch{Records: []*sarama.Record{uid}})
	if last := f.files["1-1"].Last; last.Pos != 77 {
		t.Errorf("by its uid: %+v", last)
	}
}
