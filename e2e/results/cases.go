package main

// group is a group of the acceptance list.
type group struct {
	letter, title string
	cases         int
}

// groups are the groups of the acceptance list, with how many cases each has.
func groups() []group {
	return []group{
		{"A", "Rotation", 16}, {"B", "Truncation and rewriting", 14}, {"C", "Which file is which", 10}, {"D", "Lines", 11},
		{"E", "Starts, stops and state", 11}, {"F", "Scale, descriptors, permissions", 12}, {"G", "Kafka in trouble", 12}, {"H", "etcd in trouble", 9},
	}
}

// notApplicable are the cases that no scenario can be about, and why.
func notApplicable() map[string]string {
	return map[string]string{
		"F11": "there is no ignore_older setting: every file that matches is followed, and one that is quiet costs a look a second",
	}
}

// known tells of scenarios that do not say themselves which cases they are about:
// their cases and what is done in them.
func known() map[string]story {
	return map[string]story{
		"TestRoad":                  {Cases: "A12 E02 H01 H07", Done: "100,000 lines over ten files with rotations, while entries are added, removed and given other topics and the agent is killed twice"},
		"TestKafkaDownAtStart":      {Cases: "G01", Done: "Kafka is down when the agent starts; it comes up under load"},
		"TestKafkaOutage":           {Cases: "G02", Done: "Kafka stops under load and comes back"},
		"TestKafkaOutageAndKill":    {Cases: "G03 G04", Done: "an outage with rotations, copytruncate and removals, and SIGKILL in the middle"},
		"TestKafkaKills":            {Cases: "G03 G10", Done: "the agent is killed again and again under load"},
		"TestKafkaStalled":          {Cases: "G05", Done: "the broker accepts connections and answers nothing"},
		"TestKafkaAmbiguous":        {Cases: "G12", Done: "a proxy cuts connections, delays and drops responses: acknowledgements that never arrive"},
		"TestKafkaLeaderMoves":      {Cases: "G05", Done: "the leaders of the partitions move under load"},
		"TestKafkaStopWhileBlocked": {Cases: "E11", Done: "SIGTERM while sending is blocked"},
		"TestKafkaTopicMissing":     {Cases: "G06", Done: "one topic of three is missing; the others keep their rate; it is made later"},
		"TestKafkaTopicRecreated":   {Cases: "G07", Done: "a topic is deleted and made again"},
		"TestKafkaPartitionsAdded":  {Cases: "G11", Done: "partitions are added under load"},
		"TestKafkaErrorCodes":       {Cases: "G05 G10", Done: "error codes of the broker, also a full disk"},
		"TestKafkaLongLines":        {Cases: "G08 D08", Done: "lines over the topic's limit in the middle of batches"},
		"TestKafkaDenied":           {Cases: "G09", Done: "writing is denied by an ACL and granted later"},
		"TestKafkaSecured":          {Done: "TLS and SASL to Kafka, TLS and a password to etcd"},
		"TestKafkaMemory":           {Cases: "G04", Done: "a large backlog while Kafka is down: memory stays bounded"},
		"TestTortureOutage":         {Cases: "G02", Done: "real brokers: killed for a minute under load with rotations"},
		"TestTortureStopped":        {Cases: "G05", Done: "real brokers: SIGSTOP for 30 s"},
		"TestTortureLeaders":        {Cases: "G05", Done: "three real brokers, replication 3: the leader is killed again and again"},
		"TestTortureKills":          {Cases: "E02", Done: "real brokers: the agent is killed under load with rotations"},
	}
}
