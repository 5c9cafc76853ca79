package history

// Phase says whether the newer generations of a log wait for this one.
//
//	          Drained                      Grew
//	Awaited ───────────▶ Passed ◀──────────────────────▶ Late
//	   ▲                    │         Drained              │
//	   └────────────────────┴──────── Returned ────────────┘
type Phase uint8

// Phases of a generation.
const (
	Awaited Phase = iota // it was not read to its end since its name moved: newer ones wait
	Passed               // it was: newer ones go on
	Late                 // it passed, and was written to after that: newer ones wait again
)

// Event is what happens to a generation that changes its phase.
type Event uint8

// Events of a generation.
const (
	Drained  Event = iota // it was read to its end, or is not waited for any longer
	Grew                  // it has more to read
	Returned              // it is at its name again, as the newest one
)

// Next returns the phase after an event. An event that says nothing new changes nothing.
func (p Phase) Next(e Event) Phase {
	switch e {
	case Drained:
		return Passed
	case Grew:
		if p == Passed {
			return Late
		}
	case Returned:
		return Awaited
	}
	return p
}
