package etcdcfg

import (
	"strings"
	"time"

	"logctl/internal/safe"
)

// DefaultKey is the collect key unless configured.
const DefaultKey = "collect_log_conf"

// HistoryPrefix is where changes are recorded: HistoryPrefix + collect key + "/" +
// a number that grows with each change of that key.
const HistoryPrefix = "logctl/history/"

// Snapshot is the list of one collect key at one moment.
type Snapshot struct {
	Key         string
	Entries     []Entry
	Raw         []byte // the value as it stands in etcd; nil when the key does not exist
	ModRevision int64  // revision of the last change of the key; 0: the key does not exist
	Revision    int64  // revision of the store when it was read
	Err         error  // a *ListError: the list is bad and Entries is nil
}

// Change is one recorded edit of a collect key.
type Change struct {
	Revision      int64 // the key's ModRevision after the change
	Who, Note     safe.Untrusted
	When          time.Time      // zero: unknown
	Before, After []byte         // nil Before: the key did not exist
	Omitted       bool           // Before and After are not known: too large for a record and compacted away in etcd, or too many to be held
	Doubt         safe.Untrusted // why the record is not to be trusted; empty: nothing speaks against it
}

// ResolveKey fills {hostname} and {ip} of a collect key, so that one
// configuration can give each host its own list.
func ResolveKey(tmpl, host, ip string) string {
	return strings.NewReplacer("{hostname}", host, "{ip}", ip).Replace(tmpl)
}

// placeholders are what ResolveKey fills in.
func placeholders() []string { return []string{"{hostname}", "{ip}", "{node}"} }
