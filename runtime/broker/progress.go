package broker

import (
	"time"

	"github.com/runnel-dev/runnel/abi"
	"github.com/runnel-dev/runnel/runtime/event"
	"github.com/runnel-dev/runnel/runtime/graph"
	"github.com/runnel-dev/runnel/runtime/jsondoc"
)

// Resume says where a subscription begins.
type Resume struct {
	// Cursors tells that responses come with cursors.
	Cursors bool
	// Cursor is what the subscription goes on behind; empty for one that begins with
	// what happens from now on.
	Cursor string
}

// progress is what few subscriptions need: how far one is that has cursors or does
// not begin with what happens from now on, and what one has not seen for quarantine.
type progress struct {
	cursors bool   // are asked for
	foreign string // the cursor that was shown and that only another server can read; or empty

	// Guarded by state.mu, and from is written by the tenant's replay alone once the
	// subscription waits.
	waiting bool           // for its replay to reach what is live: its place is in state.mu.replays
	from    event.Position // behind which the replay goes on
	// The replay's alone, once the subscription waits.
	initial  []string       // channels of which the newest event is wanted first
	searched event.Position // behind which the first of these has none that matches; empty for the end
	walked   bool           // the page that is handed out is for it as well
	missed   int            // pages in a row that ended where the live events had been

	// Guarded by Subscription.mu.
	at   event.Position // all up to it was delivered, did not match, or was told as lost
	held event.Position // in front of what quarantine has skipped, while it does; or empty
	told event.Position // the last that the sink knows

	// Guarded by Subscription.mu.
	dropped    counter // events that reached it and were not run, or skipped for newer ones
	quarantine uint32  // serial of the quarantine that it knows of
}

// reach takes note of what was delivered, or needs not be.
func (p *progress) reach(at event.Position) { p.at, p.held = max(p.at, at), "" }

// position is where the subscription would go on if it came back now.
func (p *progress) position() event.Position {
	if p.held != "" {
		return p.held
	}
	return p.at
}

// Tell tells the sink how far the subscription is, where it asked for cursors and
// is farther than the sink knows. So a cursor moves past events that
// were filtered or skipped.
func (s *Subscription) Tell() {
	if !s.resumes || !s.progress.cursors {
		return
	}
	p := s.progress
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.mu.sink == nil {
		return
	}
	field, at := s.state.reached(s)
	p.at = max(p.at, at)
	if at = p.position(); at != p.told {
		p.told = at
		s.mu.sink.Position(s.state.cursors.sign(s.state.tenant, field, at))
	}
}

// reached returns the field of a subscription and up to where it has seen all; empty
// for one that has left.
func (st *state) reached(s *Subscription) (field string, at event.Position) {
	st.mu.Lock()
	defer st.mu.Unlock()
	if s.place == nil {
		return "", ""
	}
	if field = s.place.field(); s.progress.waiting {
		return field, s.progress.from
	}
	return field, st.mu.done
}

// field is the name of the operation's field.
func (p *place) field() string { return p.shared.operation.Roots()[0].Field.Name }

// lose tells a subscription of events that it will not get. With moves it is behind
// them then; without it, it has others in front of them to see.
func (s *Subscription) lose(field string, gap event.Gap, moves bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.mu.sink == nil {
		return
	}
	st, cursor := s.state, ""
	if p := s.progress; s.resumes {
		if moves {
			p.reach(max(p.at, gap.To))
		}
		if p.told = p.position(); p.cursors {
			cursor = st.cursors.sign(st.tenant, field, p.told)
		}
	}
	response := gapResponse(st.cursors.sign(st.tenant, field, gap.From), st.cursors.sign(st.tenant, field, gap.To))
	st.usage.count(abi.CodeGap)
	s.mu.sink.Next(graph.Delivery{Response: response, Cursor: cursor, Now: time.Now().UnixNano()})
}

// loseAll tells a subscription that waits that its cursor is of no use here: what lies
// between it and a position, where it goes on, is lost, or was never seen.
func (s *Subscription) loseAll(to event.Position) {
	field, from := s.state.reset(s, to)
	if field == "" {
		return
	}
	cursor := s.progress.foreign
	if cursor == "" {
		cursor = s.state.cursors.sign(s.state.tenant, field, from)
	}
	s.restart(field, cursor, to)
}

// reset sets a subscription that waits to a position, be it behind its own, which is
// returned with its field; empty for one that has left.
func (st *state) reset(s *Subscription, to event.Position) (field string, from event.Position) {
	st.mu.Lock()
	defer st.mu.Unlock()
	from, s.progress.from = s.progress.from, to
	if s.place == nil {
		return "", from
	}
	return s.place.field(), from
}

// restart tells a subscription that it goes on at a position, which need not lie behind
// its own, without what it had reason to wait for.
func (s *Subscription) restart(field, from string, at event.Position) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.mu.sink == nil {
		return
	}
	st, p := s.state, s.progress
	p.at, p.told, p.held = at, at, ""
	cursor := st.cursors.sign(st.tenant, field, at)
	st.usage.count(abi.CodeGap)
	s.mu.sink.Next(graph.Delivery{Response: gapResponse(from, cursor), Cursor: cursor, Now: time.Now().UnixNano()})
}

// gapResponse is a response that tells of lost events: those behind one cursor, up
// to and with the other.
func gapResponse(from, to string) []byte {
	extensions := jsondoc.AppendQuoted([]byte(`{"from":`), from)
	extensions = append(jsondoc.AppendQuoted(append(extensions, `,"to":`...), to), '}')
	errs := graph.Errors{{Message: "events were lost between these cursors", Code: abi.CodeGap, Extensions: extensions}}
	return append(errs.Append([]byte(`{"data":null,"errors":`)), '}')
}
