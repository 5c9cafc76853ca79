package state

// Severity says how much a state asks of an operator.
type Severity uint8

// Severities, from the least to the most.
const (
	Quiet Severity = iota // nothing happens, and nothing should
	Good                  // lines flow
	Wait                  // something will come by itself
	Warn                  // look at it soon
	Bad                   // does not work until somebody acts
)

// String returns the severity as docs/states.md names it.
func (s Severity) String() string {
	return [...]string{"quiet", "good", "wait", "warning", "problem"}[s]
}

// The states of a task.
const (
	Starting       Code = "starting"
	Shipping       Code = "shipping"
	Idle           Code = "idle"
	Disabled       Code = "disabled"
	Behind         Code = "behind"
	WaitingForFile Code = "waiting for file"
	FileInUse      Code = "file in use"
	NotForHost     Code = "not for this host"

	PermissionDenied Code = "permission denied"
	NotAllowed       Code = "not allowed"
	FileSystemHangs  Code = "file system hangs"
	FileUnreadable   Code = "file unreadable"
	Failed           Code = "failed"

	TopicMissing     Code = "topic missing"
	TopicDenied      Code = "topic denied"
	TopicCompacted   Code = "topic compacted"
	Refused          Code = "refused"
	ClockDiffers     Code = "clock differs"
	LoginRefused     Code = "login refused"
	KafkaUnreachable Code = "kafka unreachable"
	BrokerNotReached Code = "broker not reachable"
	WaitingForLeader Code = "waiting for leader"
	FewReplicas      Code = "not enough replicas"
	StorageError     Code = "broker storage error"
	BrokerError      Code = "broker error"
	Throttled        Code = "throttled"
)

// The states of an agent.
const (
	OnDuty  Code = "on duty"
	Lost    Code = "lost"
	Left    Code = "left"
	Awaited Code = "never came"
	Twice   Code = "two agents with one id"
)

// Row is what is to be known of a Code.
type Row struct {
	Code     Code
	Severity Severity
	Rank     int    // of states of the same severity, the one to show first is the highest
	Agent    bool   // a state of an agent, not of a task
	Meaning  string // what is so
	Do       string // what to do about it
}

// Table returns every Code once, in the order of the documents.
func Table() []Row {
	codes := []Code{
		Starting, Shipping, Idle, Disabled, Behind, WaitingForFile, FileInUse, NotForHost,
		PermissionDenied, NotAllowed, FileSystemHangs, FileUnreadable, Failed,
		TopicMissing, TopicDenied, TopicCompacted, Refused, ClockDiffers, LoginRefused, KafkaUnreachable, BrokerNotReached,
		WaitingForLeader, FewReplicas, StorageError, BrokerError, Throttled,
		OnDuty, Lost, Left, Awaited, Twice,
	}
	rows := make([]Row, len(codes))
	for i, c := range codes {
		rows[i] = Of(c)
	}
	return rows
}

// Of returns the row of a Code. One that is not in the table, of another version, is Bad
// and without a remedy. The rows stand in a switch, because a console asks for many
// thousands a second.
func Of(c Code) Row {
	switch c {
	case Starting:
		return Row{c, Wait, 0, false, "The agent looks for the entry's files, or waits for a task that this one replaces.", "Nothing. It takes a moment."}
	case Shipping:
		return Row{c, Good, 0, false, "Lines are read and acknowledged by Kafka.", "Nothing."}
	case Idle:
		return Row{c, Quiet, 1, false, "Everything in the files is acknowledged, and nothing new was written.", "Nothing, if the program that writes is quiet."}
	case Disabled:
		return Row{c, Quiet, 0, false, "The entry is paused.", "Resume it when it is wanted again: p in the console, or logctl entries resume."}
	case Behind:
		return Row{c, Warn, 0, false, "A line that was read waits longer than 15 s for its acknowledgement, and no other reason is known.", "Look at Kafka: slow disks, slow replicas, a full network. The lag says how much waits."}
	case WaitingForFile:
		return Row{c, Wait, 1, false, "No file has the path, or matches the glob.", "Nothing, if the file comes later. Otherwise correct the path: logctl entries preview PATH shows what matches."}
	case FileInUse:
		return Row{c, Wait, 2, false, "Another program has the file open without sharing, so that Windows lets nobody else read it.", "Nothing, if that program closes it: it is read then. If it never does, have it share at least reading."}
	case NotForHost:
		return Row{c, Quiet, 0, false, "The path is one of another system: a drive on Linux or macOS, a path from / on Windows. One list may serve hosts of both.", "Nothing."}
	case PermissionDenied:
		return Row{c, Bad, 13, false, "The agent's user may not read the file or a directory above it.", "Let the agent's user read it: chmod, setfacl -m u:USER:r, or a group in the unit. It goes on by itself."}
	case NotAllowed:
		return Row{c, Bad, 12, false, "The path is outside [agent] allow_paths of the host.", "Add the path to allow_paths and restart the agent, or correct the entry."}
	case FileSystemHangs:
		return Row{c, Bad, 14, false, "The file system does not answer: a network file system whose server is away, or a disk that fails.", "Bring the server of the mount back, or unmount it. The agent goes on by itself."}
	case FileUnreadable:
		return Row{c, Bad, 11, false, "The system refuses to open or read the file for another reason, which is named.", "Read the reason: descriptors used up (raise LimitNOFILE), an error of the disk, a broken link."}
	case Failed:
		return Row{c, Bad, 15, false, "The task cannot run: its settings are not usable, or it failed unexpectedly. It is started again every 5 s.", "Read the reason. If it is not about the entry, it is a bug of logctl: report it with the log."}
	case TopicMissing:
		return Row{c, Bad, 10, false, "The topic does not exist. The agent never creates topics for lines.", "Create the topic, or correct the entry. Lines wait in their files."}
	case TopicDenied:
		return Row{c, Bad, 9, false, "The agent's Kafka user may not write to the topic.", "Grant it Describe and Write on the topic (before Kafka 3.0 also IdempotentWrite on the cluster)."}
	case TopicCompacted:
		return Row{c, Bad, 8, false, "The topic is compacted, and a compacted topic takes no record without a key. Lines have none.", "Set cleanup.policy=delete on the topic, or choose another topic."}
	case Refused:
		return Row{c, Bad, 7, false, "The brokers refuse the records for a reason that trying again does not heal.", "Read the reason: a policy, a limit of the topic, a version. The agent tries again slowly and goes on by itself."}
	case ClockDiffers:
		return Row{c, Bad, 7, false, "The clock of the host and that of the brokers differ: by more than the topic allows, so that records are refused, or by 10 s and more, as brokers answer the agent's reports.", "Set the clock that is wrong (chronyc tracking, timedatectl). What a topic allows says its message.timestamp.after.max.ms."}
	case LoginRefused:
		return Row{c, Bad, 6, false, "Kafka refuses the user name or password.", "Check [kafka] sasl_user, the password in sasl_password_file and sasl_mechanism."}
	case KafkaUnreachable:
		return Row{c, Bad, 5, false, "No broker answers.", "Read the reason: is Kafka running, are [kafka] address, TLS and the network right? Lines wait in their files."}
	case BrokerNotReached:
		return Row{c, Bad, 5, false, "The cluster answers, but the broker that leads the topic announces an address that cannot be reached from this host.", "Correct advertised.listeners of that broker, or the name and the route to it, or start the broker."}
	case WaitingForLeader:
		return Row{c, Bad, 4, false, "A partition of the topic has no leader.", "Bring the brokers that hold its replicas back. Lines wait in their files."}
	case FewReplicas:
		return Row{c, Bad, 3, false, "Fewer replicas are in sync than min.insync.replicas asks for.", "Bring the missing brokers back. With acks = leader, lines are stored, and readers see them when the replicas are back."}
	case StorageError:
		return Row{c, Bad, 3, false, "A broker cannot write to its disk, or has taken the disk that failed out of use.", "Look at the broker's disk and log: full, failed or read-only."}
	case BrokerError:
		return Row{c, Bad, 2, false, "A broker answers with an error that is not known to be anything else.", "Read the reason and the broker's log. The agent tries again."}
	case Throttled:
		return Row{c, Warn, 1, false, "A quota of the brokers is used up: they slow this client down.", "Raise producer_byte_rate of the user or client id, or send less."}
	}
	return ofAgent(c)
}

func ofAgent(c Code) Row {
	switch c {
	case OnDuty:
		return Row{c, Good, 0, true, "The agent announces itself and applies the list.", "Nothing."}
	case Lost:
		return Row{c, Bad, 20, true, "The agent stopped announcing itself without goodbye: it was killed, its host is away, or it cannot reach etcd.", "Look at the host. When it is gone for good: logctl agents forget ID."}
	case Left:
		return Row{c, Quiet, 0, true, "The agent said goodbye: it was stopped in order.", "Nothing, if that was wanted."}
	case Awaited:
		return Row{c, Bad, 19, true, "The agent is expected and never announced itself.", "Start it, or take it off the list: logctl agents forget ID."}
	case Twice:
		return Row{c, Bad, 21, true, "Two processes announce themselves under one id: their positions and reports overwrite one another.", "Give each its own [agent] id. A copied machine image is the usual cause."}
	}
	return Row{Code: c, Severity: Bad, Meaning: "A state that this version does not know.", Do: "Use the version of logctl that the agent has."}
}

// Severity is that of the Code's row. The empty Code is Quiet.
func (c Code) Severity() Severity {
	if c == "" {
		return Quiet
	}
	return Of(c).Severity
}
