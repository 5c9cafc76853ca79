package tui

import (
	"bytes"
	"hash/maphash"
	"time"

	"logctl/agent/report"
	"logctl/agent/state"
	"logctl/consumer"
)

// reportsSeen is what is remembered of each agent's reports, to read no more of them than
// a screen can show: those of thousands of agents would cost half a core. Not safe for
// concurrent use.
type reportsSeen struct {
	of   map[string]*reportSeen // by agent
	seed maphash.Seed           // of signs
}

func newReportsSeen() *reportsSeen {
	return &reportsSeen{of: map[string]*reportSeen{}, seed: maphash.MakeSeed()}
}

type reportSeen struct {
	last  time.Time // of its last record
	taken time.Time // of the last one that was parsed
	count int       // parsed, up to enoughToRate
	sign  uint64    // of the states in the last one
}

// enoughToRate is how many reports of an agent are parsed at first, for rates.
const enoughToRate = 2

// paceOf is the time in which one report of an agent is enough, in a fleet of that many.
func paceOf(agents int) time.Duration { return time.Duration(agents) * time.Second / reportsPace }

// parse parses what is worth it: of a big fleet, a report in which a state is another one,
// and else one in a while, which tells as well how many lines went by. who are the agents
// that reported.
func (s *reportsSeen) parse(list []consumer.Record, now time.Time) (out []report.Report, who []heard) {
	pace := paceOf(len(s.of))
	spare := max(reportsSpare, pace)
	for i := range list {
		x := &list[i]
		age := now.Sub(x.Time)
		if age > reportsOld {
			continue
		}
		old := s.of[string(x.Key)]
		if old == nil {
			old = &reportSeen{}
			if len(s.of) < maxAgents && len(x.Key) > 0 {
				s.of[string(x.Key)] = old
			}
		}
		h := heard{agent: string(x.Key)}
		if !old.last.IsZero() {
			h.every = max(0, x.Time.Sub(old.last))
		}
		old.last = x.Time
		since := x.Time.Sub(old.taken)
		if age > 2*spare && since < spare {
			continue
		}
		sign := s.signOf(x.Value)
		if old.count >= enoughToRate && since < pace && sign == old.sign {
			who = append(who, h)
			continue
		}
		rep, err := report.Parse(x.Value)
		if err != nil {
			continue // somebody else's record: not worth a word on each one
		}
		old.taken, old.sign, old.count = x.Time, sign, min(old.count+1, enoughToRate)
		h.agent = rep.Agent
		out, who = append(out, rep), append(who, h)
	}
	return out, who
}

// signOf is a hash of the states in a report that is not parsed. A task that is shipping and
// one that is idle are the same. The fields are found where agents write them; a report
// that has them elsewhere has some hash, and is parsed at its pace.
func (s *reportsSeen) signOf(data []byte) uint64 {
	var h maphash.Hash
	h.SetSeed(s.seed)
	head, tasks, _ := bytes.Cut(data, []byte(`"tasks":`))
	for _, field := range []string{`"kafka":"`, `"etcd":"`, `"twin":"`} {
		_, _ = h.Write(valueOf(head, field))
		_ = h.WriteByte(0)
	}
	for {
		at := bytes.Index(tasks, []byte(`"topic":"`))
		if at < 0 {
			return h.Sum64()
		}
		tasks = tasks[at:]
		word := valueOf(tasks, `"state":"`)
		if state.Code(word) == state.Idle {
			word = []byte(state.Shipping)
		}
		_, _ = h.Write(word)
		_ = h.WriteByte(0)
		tasks = tasks[len(`"topic":"`):]
	}
}

// valueOf is what stands behind a field up to the next quote.
func valueOf(data []byte, field string) []byte {
	at := bytes.Index(data, []byte(field))
	if at < 0 {
		return nil
	}
	data = data[at+len(field):]
	end := bytes.IndexByte(data, '"')
	return data[:max(end, 0)]
}
