package etcdcfg

import "time"

// AgentsPrefix is where presences stand: AgentsPrefix + agent id.
const AgentsPrefix = "logctl/agents/"

// DefaultPresenceTTL is how long a presence outlives an agent that died.
const DefaultPresenceTTL = 15 * time.Second

// Presence is what an agent announces about itself under a lease. Whoever may write
// there can put anything into its fields: they are safe.Untrusted.
type Presence struct {
	ID         string      `json:"id"`
	Host       string      `json:"host"`
	Version    string      `json:"version"`
	Commit     string      `json:"commit,omitempty"` // git commit the agent was built from
	Built      string      `json:"built,omitempty"`  // time of that commit, RFC 3339
	PID        int         `json:"pid"`
	Started    time.Time   `json:"started"`
	CollectKey string      `json:"collect_key"`
	Revision   int64       `json:"revision"`             // ModRevision of the applied list
	ListError  string      `json:"list_error,omitempty"` // why the list in etcd is not applied
	Kafka      string      `json:"kafka,omitempty"`      // state of the Kafka side in words
	Warnings   []string    `json:"warnings,omitempty"`   // what an operator should know though every task works
	Tasks      []TaskState `json:"tasks"`

	// What follows is found out by who reads presences.
	Duty      Duty     `json:"-"` // whether it is there
	Expected  bool     `json:"-"` // by name: it must be there
	Doubts    []string `json:"-"` // fields that cannot be true, with their values: they are zero here
	Instances []string `json:"-"` // of two or more processes under this id: what each says of itself; nil else
}

// TaskState is the state of one entry on the agent that announces it.
type TaskState struct {
	Path  string    `json:"path"`
	Topic string    `json:"topic"`
	State string    `json:"state"` // one of the codes of agent/state
	Error string    `json:"error,omitempty"`
	File  string    `json:"file,omitempty"` // the file that the state is about; empty: the entry as a whole
	Since time.Time `json:"since,omitzero"`
	// What waits while the entry does not work, for reports may not arrive then.
	Lag    int64     `json:"lag,omitempty"`   // bytes not acknowledged, roughly
	Oldest time.Time `json:"oldest,omitzero"` // when the oldest line not acknowledged was read
}
