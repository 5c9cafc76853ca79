package tail

import (
	"fmt"
	"os"
	"sync/atomic"
	"time"
)

// A call to a file system may never return: the server of a mount is away, a disk is
// failing. Nothing can end it. What others ask of a Set waits for no such call (see guard):
// the goroutines that call the file system say where they are, and who asks is told which
// of them did not come back.

const (
	// hangAfter is how long one step of a look, or one read, may take.
	hangAfter = 5 * time.Second
	// readersMost is how many readers of one Set are watched.
	readersMost = 16
)

// HangError says that a file system does not answer. It is os.ErrDeadlineExceeded.
type HangError struct {
	Path  string    // what was looked at, or read
	Since time.Time // when that began
}

// Error says so in words.
func (e *HangError) Error() string {
	return fmt.Sprintf("the file system of %s does not answer since %s", e.Path, e.Since.Format(time.TimeOnly))
}

// Is makes it os.ErrDeadlineExceeded.
func (e *HangError) Is(target error) bool { return target == os.ErrDeadlineExceeded }

// pulse is where a goroutine is that may have to wait for a file system. A step that takes
// long is doubted at first, and hangs when it is still under way half of that time later:
// the process may have been asleep as a whole (stopped, a host that was suspended, a clock
// that was set), and then the step ends as soon as the process runs again.
//
//	no step ──begin──▶ under way ──asked, after long──▶ doubted ──asked, half of that later──▶ hangs
//	   ▲                   ▲  │                           │  │                                  │
//	   └────────end────────┼──┴───────────────────────────┼──┴──────────────────────────────────┘
//	                       └────────────touch─────────────┘
type pulse struct {
	since   atomic.Int64           // Unix nanoseconds at which the present step began; 0: there is none
	path    atomic.Pointer[string] // of that step
	doubted atomic.Pointer[doubt]  // of that step when its since is the same; nil: none was
}

// doubt is that a step took long when somebody asked.
type doubt struct {
	since, asked int64 // Unix nanoseconds: of the step, and of the question
}

// begin says that a step at path begins, which must not change.
func (p *pulse) begin(path *string, now time.Time) {
	p.path.Store(path)
	p.since.Store(now.UnixNano())
}

// touch says that the step goes on, if there is one.
func (p *pulse) touch(now time.Time) {
	if p.since.Load() != 0 {
		p.since.Store(now.UnixNano())
	}
}

func (p *pulse) end() { p.since.Store(0) }

// late returns the step when it has taken that long; nil: it has not.
func (p *pulse) late(now time.Time, after time.Duration) *HangError {
	path, since := p.path.Load(), p.since.Load()
	if since == 0 || path == nil || now.UnixNano()-since < int64(after) {
		return nil
	}
	return &HangError{*path, time.Unix(0, since)}
}

// hang returns why the step does not end; nil: it has not taken that long, or is doubted only.
func (p *pulse) hang(now time.Time, after time.Duration) *HangError {
	e := p.late(now, after)
	if e == nil {
		return nil
	}
	d := p.doubted.Load()
	if since := e.Since.UnixNano(); d == nil || d.since != since {
		d = &doubt{since, now.UnixNano()}
		p.doubted.Store(d)
	}
	if now.UnixNano()-d.asked < int64(after/2) {
		return nil
	}
	return e
}

// stalls is what a Set knows of its own steps.
type stalls struct {
	after   time.Duration // hangAfter, but in tests
	scan    pulse         // of the look that is under way
	readers [readersMost]atomic.Pointer[File]
}

// enter notes that f is with a reader.
func (st *stalls) enter(f *File) {
	for i := range st.readers {
		if st.readers[i].CompareAndSwap(nil, f) {
			return
		}
	}
}

// leave notes that it is so no longer.
func (st *stalls) leave(f *File) {
	for i := range st.readers {
		if st.readers[i].CompareAndSwap(f, nil) {
			return
		}
	}
}

// reader returns why a reader does not come back; nil: none is that late.
func (st *stalls) reader(ask func(*pulse) *HangError) *HangError {
	for i := range st.readers {
		if f := st.readers[i].Load(); f != nil {
			if e := ask(&f.pulse); e != nil {
				return e
			}
		}
	}
	return nil
}

// Hang returns why the Set does not go on: a file system does not answer. It is nil
// when all do. It waits for nothing. Who asks again and again is told some seconds after
// the call began, and never because the process itself was asleep.
func (s *Set) Hang() *HangError { return s.stalled((*pulse).hang) }

// Late is Hang for who asks only once: it tells of a call that takes long, whatever the
// reason.
func (s *Set) Late() *HangError { return s.stalled((*pulse).late) }

func (s *Set) stalled(ask func(*pulse, time.Time, time.Duration) *HangError) *HangError {
	now := s.now()
	of := func(p *pulse) *HangError { return ask(p, now, s.stalls.after) }
	if e := of(&s.stalls.scan); e != nil {
		return e
	}
	return s.stalls.reader(of)
}

// Status describes the Set. It does not wait for a file system: where that does not
// answer, it tells what is known, and that.
func (s *Set) Status() Status {
	s.mu.RLock()
	st := s.statusLocked()
	s.mu.RUnlock()
	now := s.now()
	hang := func(p *pulse) *HangError { return p.hang(now, s.stalls.after) }
	if e := hang(&s.stalls.scan); e != nil {
		st.Waiting, st.WaitingFor = e.Error(), e
	} else if e := s.stalls.reader(hang); e != nil {
		st.Problem, st.ProblemAt, st.ProblemOf = e.Error(), e.Path, e
		st.Problems++
	}
	return st
}

// EachFile calls visit for each generation known, in no order, under a lock of the Set:
// visit must not call the Set or its Files. It does not wait for a file system.
func (s *Set) EachFile(visit func(FileInfo)) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	for f := range s.files {
		visit(f.infoLocked())
	}
}
