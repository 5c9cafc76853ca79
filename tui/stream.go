package tui

import (
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"
)

const (
	streamTickPause = 60 * time.Millisecond
	blurredPause    = time.Second // between frames when the terminal says nobody looks
	wideStep        = 16          // cells that left and right scroll by
)

// Ways to show the time of records.
const (
	timeClock = "clock"
	timeDate  = "date"
	timeAge   = "latency"
)

// streamScreen shows the records of a topic as they come.
type streamScreen struct {
	env   *env
	query streamQuery
	sess  *session

	follow    bool
	frozen    *ring // not nil: the view stands still
	top, sel  uint64
	win       window
	info      sessionInfo
	height    int // rows that fit
	width     int
	left      int // cells that values are scrolled by
	filter    *filter
	search    *filter
	highlight bool
	hiddenCol map[string]bool
	wrap, utc bool
	timeMode  string

	detail     bool
	detailMode int
	detailTop  int
	detailSeq  uint64
	cache      detailCache

	gen     int           // of the wait for changes
	stop    chan struct{} // closed to end that wait
	finding int           // generation of the search under way
}

type streamTick struct{ gen int }

func newStreamScreen(e *env, q streamQuery) *streamScreen {
	p := e.prefs.get()
	s := &streamScreen{
		env: e, query: q, follow: true, highlight: true, hiddenCol: map[string]bool{"headers": true},
		wrap: p.Wrap, utc: p.UTC, timeMode: p.Time, height: 10,
	}
	if s.timeMode == "" {
		s.timeMode = timeClock
	}
	if hidden, ok := p.Hidden["stream"]; ok {
		s.hiddenCol = map[string]bool{}
		for _, c := range hidden {
			s.hiddenCol[c] = true
		}
	}
	s.open()
	return s
}

// open starts reading from the query, dropping what was read before.
func (s *streamScreen) open() {
	if s.sess != nil {
		s.sess.close()
	}
	s.hidden()
	s.frozen, s.follow, s.top, s.sel, s.win = nil, true, 0, 0, window{}
	s.sess = openSession(s.env.ctx, s.env.keep, s.env.ports.streams, s.query, s.env.journal, s.env.now)
	if s.filter != nil {
		s.sess.ring.ask(s.filter)
		s.sess.ring.setFilter(s.filter) // empty: costs nothing
	}
	s.look()
}

func (s *streamScreen) title() string         { return s.query.topic }
func (s *streamScreen) keys() keymap          { return streamKeys() }
func (s *streamScreen) place() (action, bool) { return actStream, false }
func (s *streamScreen) close()                { s.hidden(); s.sess.close() }

// hidden ends the wait for changes: a covered stream costs no frames.
func (s *streamScreen) hidden() {
	if s.stop != nil {
		close(s.stop)
		s.stop = nil
	}
}

func (s *streamScreen) refresh() tea.Cmd {
	s.look()
	if s.stop != nil {
		return nil
	}
	s.stop, s.gen = make(chan struct{}), s.env.next()
	return s.wait()
}

// wait sends one tick after the next change, so that nothing runs while nothing
// changes and no more than one frame is drawn in streamTickPause.
func (s *streamScreen) wait() tea.Cmd {
	stop, changed, gen, ctx := s.stop, s.sess.changed, s.gen, s.env.ctx
	pause := streamTickPause
	if !s.env.focused {
		pause = blurredPause
	}
	return func() tea.Msg {
		select {
		case <-changed:
		case <-stop:
			return nil
		case <-ctx.Done():
			return nil
		}
		t := time.NewTimer(pause)
		defer t.Stop()
		select {
		case <-t.C:
		case <-stop:
		case <-ctx.Done():
		}
		return streamTick{gen}
	}
}

func (s *streamScreen) update(msg tea.Msg) tea.Cmd {
	switch m := msg.(type) {
	case streamTick:
		if m.gen != s.gen || s.stop == nil {
			return nil
		}
		s.look()
		return s.wait()
	case foundMsg:
		s.found(m)
	case filteredMsg:
		s.look()
	case savedFileMsg:
		s.fileSaved(m)
	}
	return nil
}

// ring is what is shown: the live one, or the frozen copy.
func (s *streamScreen) ring() *ring {
	if s.frozen != nil {
		return s.frozen
	}
	return s.sess.ring
}

// look takes a new picture of ring and session.
func (s *streamScreen) look() {
	s.info = s.sess.snapshot()
	s.win = s.ring().window(s.top, s.sel, s.height, s.follow && s.frozen == nil)
	s.top, s.sel = s.win.top, s.win.sel
	if s.detail && s.follow && s.frozen == nil {
		s.detailSeq = s.sel
	}
}

func (s *streamScreen) selected() *rec {
	seq := s.sel
	if s.detail {
		seq = s.detailSeq
	}
	if r := s.ring().get(seq); r != nil {
		return r
	}
	if s.detail && s.cache.rec != nil && s.cache.rec.seq == seq {
		return s.cache.rec // dropped from the ring, still looked at
	}
	return nil
}

// back leaves one thing after the other: detail, frozen view, search, filter.
func (s *streamScreen) back() bool {
	switch {
	case s.detail:
		s.detail = false
	case s.frozen != nil:
		s.unfreeze()
	case s.search != nil:
		s.search = nil
	case s.filter != nil:
		s.env.request(reqDo{s.useFilter(nil)})
	default:
		return false
	}
	s.look()
	return true
}

func (s *streamScreen) unfreeze() {
	s.frozen, s.follow = nil, true
}

func (s *streamScreen) act(a action) tea.Cmd {
	defer s.look()
	switch a {
	case actUp, actDown, actPageUp, actPageDown, actTop, actBottom:
		s.move(a)
	case actFreeze:
		if s.frozen != nil {
			s.unfreeze()
		} else {
			s.look()
			s.frozen, s.follow = s.sess.ring.frozen(), false
		}
	case actFollow:
		if s.follow && s.frozen == nil {
			s.follow = false
		} else {
			s.unfreeze()
		}
	case actOpen:
		s.detail = !s.detail
		s.detailSeq, s.detailTop = s.sel, 0
		if s.detail && s.follow {
			s.follow = false // a record that is read must not run away
		}
	case actOlder, actNewer:
		d := 1
		if a == actOlder {
			d = -1
		}
		s.step(d)
	case actView:
		s.detailMode, s.detailTop = (s.detailMode+1)%3, 0
	case actPageDetailUp:
		s.detailTop = max(s.detailTop-s.height/3-1, 0)
	case actPageDetailDown:
		s.detailTop += s.height/3 + 1
	case actLeft, actRight:
		s.aside(a == actRight)
	case actClear:
		s.sess.ring.clear()
		s.unfreeze()
	default:
		return s.actMore(a)
	}
	return nil
}

// aside scrolls the values.
func (s *streamScreen) aside(right bool) {
	switch {
	case s.wrap:
		s.env.say("The values are wrapped: all of them is shown (w cuts them)")
	case right:
		s.left = min(s.left+wideStep, rowBytes)
	default:
		s.left = max(s.left-wideStep, 0)
	}
}

// move selects another record. Going up leaves the newest one, so following
// ends; reaching the end again does not start it: G does.
func (s *streamScreen) move(a action) {
	d := 0
	switch a {
	case actUp:
		d = -1
	case actDown:
		d = 1
	case actPageUp:
		d = -max(s.height-1, 1)
	case actPageDown:
		d = max(s.height-1, 1)
	case actTop:
		d = -ringRecords
	case actBottom:
		if s.frozen == nil {
			s.follow = true
			return
		}
		d = ringRecords
	}
	if s.follow && d > 0 {
		return
	}
	s.step(d)
}

func (s *streamScreen) step(d int) {
	s.follow = false
	seq, _ := s.ring().step(s.sel, d)
	s.sel = seq
	if s.detail {
		s.detailSeq, s.detailTop = seq, 0
	}
}

// actMore are the actions that ask something or work in the background.
func (s *streamScreen) actMore(a action) tea.Cmd {
	e := s.env
	switch a {
	case actFilter:
		s.askFilter()
	case actSearch:
		s.askSearch()
	case actNext, actPrevious:
		return s.find(a == actPrevious)
	case actHighlight:
		s.highlight = !s.highlight
	case actSeek:
		s.askSeek()
	case actPartitions:
		s.pickPartitions()
	case actColumns:
		s.pickColumns()
	case actTime:
		s.timeMode = map[string]string{timeClock: timeDate, timeDate: timeAge, timeAge: timeClock}[s.timeMode]
		e.prefs.set(func(d *prefsData) { d.Time = s.timeMode })
	case actUTC:
		s.utc = !s.utc
		e.prefs.set(func(d *prefsData) { d.UTC = s.utc })
	case actWrap:
		s.wrap, s.left = !s.wrap, 0
		e.prefs.set(func(d *prefsData) { d.Wrap = s.wrap })
	case actCopy:
		if r := s.selected(); r != nil {
			return e.copyText(string(r.value), "the value")
		}
	case actCopyAll:
		if r := s.selected(); r != nil {
			return e.copyText(recordJSON(r), "the record")
		}
	case actSave:
		s.askSave()
	}
	return nil
}

func (s *streamScreen) zone(t time.Time) time.Time {
	if s.utc {
		return t.UTC()
	}
	return t.Local()
}

func (s *streamScreen) zoneName() string {
	if s.utc {
		return "UTC"
	}
	name, _ := s.env.now().Local().Zone()
	if strings.HasPrefix(name, "+") || strings.HasPrefix(name, "-") {
		return "UTC" + name
	}
	return name
}

// click selects the row under the mouse.
func (s *streamScreen) click(y int) tea.Cmd {
	if i := y - 2; !s.wrap && i >= 0 && i < len(s.win.rows) {
		s.follow, s.sel = false, s.win.rows[i].seq
		s.look()
	}
	return nil
}
