package etcdcfg_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	clientv3 "go.etcd.io/etcd/client/v3"

	"logctl/etcdcfg"
	"logctl/internal/testkit"
)

// desk is a store over a test server.
type desk struct {
	*etcdcfg.Store
	server *testkit.EtcdServer
	client *clientv3.Client
	key    string
}

func newDesk(t *testing.T, opts ...testkit.EtcdOption) *desk {
	t.Helper()
	server := testkit.Etcd(t, opts...)
	client := dial(t, etcdcfg.Config{Endpoints: server.Endpoints()})
	return &desk{Store: etcdcfg.NewStore(client, "ann@desk", etcdcfg.WithTimeout(testkit.Hang)), server: server, client: client, key: server.Key(t)}
}

func dial(t *testing.T, cfg etcdcfg.Config) *clientv3.Client {
	t.Helper()
	client, err := etcdcfg.Dial(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() })
	return client
}

// put writes past logctl, as other tools do.
func (d *desk) put(t *testing.T, value string) int64 {
	t.Helper()
	resp, err := d.client.Put(t.Context(), d.key, value)
	if err != nil {
		t.Fatal(err)
	}
	return resp.Header.Revision
}

func (d *desk) load(t *testing.T) etcdcfg.Snapshot {
	t.Helper()
	snap, err := d.Load(t.Context(), d.key)
	if err != nil {
		t.Fatal(err)
	}
	return snap
}

func (d *desk) save(t *testing.T, base etcdcfg.Snapshot, note string, paths ...string) etcdcfg.Snapshot {
	t.Helper()
	snap, err := d.Save(t.Context(), base, entries(paths...), note)
	if err != nil {
		t.Fatal(err)
	}
	return snap
}

func entries(paths ...string) []etcdcfg.Entry {
	var list []etcdcfg.Entry
	for _, p := range paths {
		list = append(list, etcdcfg.Entry{Path: p, Topic: "t"})
	}
	return list
}

func paths(snap etcdcfg.Snapshot) string {
	var list []string
	for _, e := range snap.Entries {
		list = append(list, e.Path)
	}
	return strings.Join(list, " ")
}

var sameSnapshot = cmp.Options{cmpopts.IgnoreUnexported(etcdcfg.Entry{}), cmpopts.EquateEmpty()}

// sameList leaves out the revision of the whole store, which every writer of a shared etcd
// moves on.
var sameList = cmp.Options{sameSnapshot, cmpopts.IgnoreFields(etcdcfg.Snapshot{}, "Revision")}

func TestLoadTellsAbsentEmptyAndBadApart(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	if s := d.load(t); s.ModRevision != 0 || s.Raw != nil || s.Entries != nil || s.Err != nil || s.Revision == 0 {
		t.Fatalf("absent: %+v", s)
	}
	rev := d.put(t, "[]")
	if s := d.load(t); s.ModRevision != rev || s.Err != nil || len(s.Entries) != 0 {
		t.Fatalf("no entries: %+v", s)
	}
	d.put(t, "")
	if s := d.load(t); s.ModRevision == 0 || s.Raw == nil || fmt.Sprint(s.Err) != "line 1, column 1: the list is empty text: write [] for no entries" {
		t.Fatalf("empty text: %+v", s)
	}
	d.put(t, "[\n{\"path\": \"D:\\programs\\a.log\", \"topic\": \"b\"}]")
	var list *etcdcfg.ListError
	if s := d.load(t); !errors.As(s.Err, &list) || s.Entries != nil || list.Problems[0].Line != 2 || list.Problems[0].Column != 13 {
		t.Fatalf("bad: %+v", s)
	}
	d.put(t, `[{"path":"/a","topic":"b"}]`)
	if s := d.load(t); paths(s) != "/a" || s.Err != nil {
		t.Fatalf("good: %+v", s)
	}
}

func TestSaveComparesAndSwaps(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	absent := d.load(t)
	first := d.save(t, absent, "first", "/a")
	if now := d.load(t); !cmp.Equal(now, first, sameList) || now.Revision < first.Revision {
		t.Fatalf("what Save returns is not what Load does: %s", cmp.Diff(now, first, sameSnapshot))
	}
	if again := d.save(t, first, "same", "/a"); again.ModRevision != first.ModRevision {
		t.Fatal("a save that changes nothing was written")
	}
	second := d.save(t, first, "second", "/a", "/b")

	for name, base := range map[string]etcdcfg.Snapshot{"older": first, "absent": absent} {
		_, err := d.Save(t.Context(), base, entries("/c"), "")
		var conflict *etcdcfg.ConflictError
		if !errors.As(err, &conflict) {
			t.Fatalf("%s base: %v", name, err)
		}
		if theirs := conflict.Theirs; !cmp.Equal(second, theirs, sameList) || theirs.Revision < second.Revision {
			t.Fatal(cmp.Diff(second, theirs, sameSnapshot))
		}
		if diff := cmp.Diff(base, conflict.Base, sameSnapshot); diff != "" || !strings.Contains(string(conflict.Mine), "/c") {
			t.Fatalf("conflict %+v", conflict)
		}
	}
	if got := paths(d.load(t)); got != "/a /b" {
		t.Fatalf("a conflict wrote %s", got)
	}
	// The same edit again, as after a lost answer, is no conflict.
	if again := d.save(t, first, "again", "/a", "/b"); again.ModRevision != second.ModRevision {
		t.Fatalf("revision %d, want %d", again.ModRevision, second.ModRevision)
	}
	if _, err := d.client.Delete(t.Context(), d.key); err != nil {
		t.Fatal(err)
	}
	_, err := d.Save(t.Context(), second, entries("/c"), "")
	var conflict *etcdcfg.ConflictError
	if !errors.As(err, &conflict) || conflict.Theirs.ModRevision != 0 || !strings.Contains(err.Error(), "deleted by someone else") {
		t.Fatalf("after a deletion: %v", err)
	}
	if snap := d.save(t, conflict.Theirs, "", "/c"); paths(snap) != "/c" {
		t.Fatal("cannot create it again")
	}
}

func TestSaveRefusesWhatIsWrong(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	base := d.load(t)
	var list *etcdcfg.ListError
	if _, err := d.Save(t.Context(), base, entries("relative"), ""); !errors.As(err, &list) {
		t.Fatalf("invalid entries: %v", err)
	}
	if _, err := d.SaveRaw(t.Context(), base, []byte("[{}]"), ""); !errors.As(err, &list) {
		t.Fatalf("invalid text: %v", err)
	}
	big := make([]string, 5000)
	for i := range big {
		big[i] = fmt.Sprintf("/var/log/application-%0230d.log", i)
	}
	if _, err := d.Save(t.Context(), base, entries(big...), ""); !errors.As(err, &list) || !strings.Contains(err.Error(), "MB that one key takes") {
		t.Fatalf("too large: %v", err)
	}
	reader := etcdcfg.NewStore(d.client, "bob@desk", etcdcfg.WithReadOnly())
	if _, err := reader.Save(t.Context(), base, entries("/a"), ""); !errors.Is(err, etcdcfg.ErrReadOnly) {
		t.Fatalf("read-only: %v", err)
	}
	if snap := d.load(t); snap.ModRevision != 0 {
		t.Fatal("something was written")
	}
	// Close to the limit it is saved, with its history, twice.
	snap := d.save(t, base, "big", big[:3500]...)
	snap = d.save(t, snap, "big again", big[1:3501]...)
	if changes, err := d.History(t.Context(), d.key, 0); err != nil || len(changes) != 2 || string(changes[0].After) != string(snap.Raw) {
		t.Fatalf("history of a large list: %d, %v", len(changes), err)
	}
}

func TestSaveRawKeepsBytes(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	const text = "[ {\"topic\":\"t\",\"path\":\"/a\",\"x\":1.50}\n\n]\n"
	if _, err := d.SaveRaw(t.Context(), d.load(t), []byte(text), ""); err != nil {
		t.Fatal(err)
	}
	if got := string(d.load(t).Raw); got != text {
		t.Fatalf("got %q", got)
	}
}

// TestHistoryRecordsEveryChange checks what is recorded, that edits past logctl
// show as a gap, undo and revert, and that 100 changes are kept.
func TestHistoryRecordsEveryChange(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	first := d.save(t, d.load(t), "first", "/a")
	second := d.save(t, first, "", "/a", "/b")
	d.put(t, `[{"path":"/other","topic":"tool"}]`)
	third := d.save(t, d.load(t), "third", "/c")

	changes, err := d.History(t.Context(), d.key, 0)
	if err != nil {
		t.Fatal(err)
	}
	want := []etcdcfg.Change{
		{Revision: third.ModRevision, Who: "ann@desk", Note: "third", Before: []byte(`[{"path":"/other","topic":"tool"}]`), After: third.Raw},
		{Revision: second.ModRevision, Who: "ann@desk", Before: first.Raw, After: second.Raw},
		{Revision: first.ModRevision, Who: "ann@desk", Note: "first", After: first.Raw},
	}
	if diff := cmp.Diff(want, changes, cmpopts.IgnoreFields(etcdcfg.Change{}, "When")); diff != "" {
		t.Fatal(diff)
	}
	if age := time.Since(changes[0].When); age < -time.Minute || age > time.Minute {
		t.Fatalf("when: %v", changes[0].When)
	}
	if last, err := d.History(t.Context(), d.key, 1); err != nil || len(last) != 1 || last[0].Revision != third.ModRevision {
		t.Fatalf("the last one: %v, %v", last, err)
	}

	reverted, err := d.Revert(t.Context(), third, second.ModRevision, "")
	if err != nil || paths(reverted) != "/a /b" {
		t.Fatalf("revert: %v, %v", reverted, err)
	}
	undone, err := d.Undo(t.Context(), reverted)
	if err != nil || paths(undone) != "/c" {
		t.Fatalf("undo: %v, %v", undone, err)
	}
	if _, err := d.Revert(t.Context(), third, first.ModRevision, ""); !errors.As(err, new(*etcdcfg.ConflictError)) {
		t.Fatalf("revert from an old base: %v", err)
	}
	if _, err := d.Revert(t.Context(), undone, 1<<40, ""); !errors.Is(err, etcdcfg.ErrNoRevision) {
		t.Fatalf("revert to the future: %v", err)
	}
	d.put(t, "[]")
	if _, err := d.Undo(t.Context(), d.load(t)); !errors.Is(err, etcdcfg.ErrNoRevision) {
		t.Fatalf("undo of somebody else's edit: %v", err)
	}
}

func TestRevertReachesEditsOfOthersUntilCompaction(t *testing.T) {
	t.Parallel()
	d := newDesk(t, testkit.EmbeddedEtcd())
	rev := d.put(t, `[{"path":"/other","topic":"tool"}]`)
	recorded := d.save(t, d.load(t), "", "/a")
	now := d.save(t, recorded, "", "/b")
	reverted, err := d.Revert(t.Context(), now, rev, "")
	if err != nil || paths(reverted) != "/other" {
		t.Fatalf("%v, %v", reverted, err)
	}
	d.server.Compact(t)
	if _, err := d.Revert(t.Context(), reverted, rev, ""); !errors.Is(err, etcdcfg.ErrNoRevision) {
		t.Fatalf("compacted: %v", err)
	}
	if back, err := d.Revert(t.Context(), reverted, recorded.ModRevision, ""); err != nil || paths(back) != "/a" {
		t.Fatalf("recorded and compacted: %v, %v", back, err)
	}
}

func TestHistoryIsPrunedAndKeptApart(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	// A key below the key has its own history.
	below := d.key + "/5"
	if _, err := d.Save(t.Context(), etcdcfg.Snapshot{Key: below}, entries("/below"), ""); err != nil {
		t.Fatal(err)
	}
	snap := d.load(t)
	for i := range 105 {
		snap = d.save(t, snap, "", fmt.Sprintf("/%d", i))
		if i == 102 {
			if _, err := d.Save(t.Context(), etcdcfg.Snapshot{Key: below + "/6"}, entries("/below"), ""); err != nil {
				t.Fatal(err)
			}
		}
	}
	changes, err := d.History(t.Context(), d.key, 0)
	if err != nil || len(changes) != etcdcfg.HistoryKept {
		t.Fatalf("%d changes kept, %v", len(changes), err)
	}
	for i, c := range changes {
		if want := fmt.Sprintf("/%d\"", 104-i); !strings.Contains(string(c.After), want) {
			t.Fatalf("change %d is %s, want %s", i, c.After, want)
		}
	}
	if three, err := d.History(t.Context(), d.key, 3); err != nil || len(three) != 3 || three[2].Revision != changes[2].Revision {
		t.Fatalf("three: %v, %v", three, err)
	}
	if changes, err := d.History(t.Context(), below, 0); err != nil || len(changes) != 1 {
		t.Fatalf("below: %d, %v", len(changes), err)
	}
}

// TestWritersNeverLoseAnEdit lets four writers add entries at once, each trying
// again on a conflict.
func TestWritersNeverLoseAnEdit(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	const writers, each = 4, 10
	errs := make(chan error, writers)
	for w := range writers {
		go func() {
			errs <- func() error {
				for i := range each {
					for {
						base, err := d.Load(t.Context(), d.key)
						if err != nil {
							return err
						}
						list := append(base.Entries, etcdcfg.Entry{Path: fmt.Sprintf("/w%d/%d", w, i), Topic: "t"})
						_, err = d.Save(t.Context(), base, list, "")
						if err == nil {
							break
						}
						if !errors.As(err, new(*etcdcfg.ConflictError)) {
							return err
						}
					}
				}
				return nil
			}()
		}()
	}
	for range writers {
		if err := <-errs; err != nil {
			t.Fatal(err)
		}
	}
	if n := len(d.load(t).Entries); n != writers*each {
		t.Fatalf("%d entries, want %d", n, writers*each)
	}
	if changes, err := d.History(t.Context(), d.key, 0); err != nil || len(changes) != writers*each {
		t.Fatalf("%d changes, %v", len(changes), err)
	}
}

func TestKeysFindsWhatIsKnown(t *testing.T) {
	t.Parallel()
	d := newDesk(t, testkit.EmbeddedEtcd())
	d.save(t, d.load(t), "", "/a")
	for _, k := range []string{"collect_log_10.0.0.1_conf", "collect_log_10.0.0.2_conf", "collect_log__conf", "collect_log_x", "other"} {
		if _, err := d.client.Put(t.Context(), k, "[]"); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := d.client.Put(t.Context(), etcdcfg.AgentsPrefix+"web-1", `{"collect_key": "of_an_agent"}`); err != nil {
		t.Fatal(err)
	}
	for template, want := range map[string][]string{
		"":                      {d.key, "of_an_agent"},
		"collect_log_conf":      {"collect_log_conf", d.key, "of_an_agent"},
		"collect_log_{ip}_conf": {"collect_log_10.0.0.1_conf", "collect_log_10.0.0.2_conf", d.key, "of_an_agent"},
		"{hostname}":            {d.key, "of_an_agent"},
	} {
		got, err := etcdcfg.NewStore(d.client, "", etcdcfg.WithKeyTemplate(template)).Keys(t.Context())
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("template %q: %v %s", template, err, diff)
		}
	}
	if got := etcdcfg.ResolveKey("collect_log_{ip}_{hostname}", "web-1", "10.0.0.1"); got != "collect_log_10.0.0.1_web-1" {
		t.Fatal(got)
	}
}

// TestCallsEndInTime checks that no call waits for a server that does not listen,
// or listens and never answers, and what is said then.
func TestCallsEndInTime(t *testing.T) {
	t.Parallel()
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = silent.Close() }()
	const nobody = "127.0.0.1:1"
	for _, c := range []struct{ address, want string }{
		{nobody, "etcd at " + nobody + ": connection refused: is it running, and is [etcd] address right?"},
		{silent.Addr().String(), "etcd at " + silent.Addr().String() + ": no answer in time: is it running, overloaded, or behind a firewall?"},
	} {
		store := etcdcfg.NewStore(dial(t, etcdcfg.Config{Endpoints: []string{c.address}}), "", etcdcfg.WithTimeout(300*time.Millisecond))
		testkit.Soon(t, time.Second, "loading from "+c.address, func() time.Duration {
			return testkit.Took(func() {
				if _, err := store.Load(t.Context(), "some_key"); err == nil || err.Error() != `load entries "some_key": `+c.want {
					t.Errorf("got %v", err)
				}
			})
		})
		_, err := store.Save(t.Context(), etcdcfg.Snapshot{Key: "some_key", Revision: 1}, entries("/a"), "")
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("save: %v", err)
		}
		if _, err := store.Ping(t.Context()); err == nil {
			t.Error("ping succeeds")
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	store := etcdcfg.NewStore(dial(t, etcdcfg.Config{Endpoints: []string{silent.Addr().String()}}), "")
	if _, err := store.Load(ctx, "k"); !errors.Is(err, context.Canceled) {
		t.Errorf("after the end of the context: %v", err)
	}
}

func TestPing(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	if took, err := d.Ping(t.Context()); err != nil || took <= 0 || took > time.Minute {
		t.Fatalf("%v, %v", took, err)
	}
}
