package transport

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/runnel-dev/runnel/runtime/graph"
)

const (
	modelLimit     = 4096
	modelPerSecond = 20
)

// modelled is one subscription and what is expected of it, in the plainest terms.
type modelled struct {
	operation
	pending  []pending // held back, in the order in which it is to be queued
	skipped  int       // since the last response
	tokens   int64     // nanoseconds of the rate that are left
	told     string    // the position that is to be told behind pending
	taken    int
	queued   []int // numbers of the responses, in the order in which they were queued
	all      int   // skipped in all
	dropped  int
	newest   map[string]int // by key, of all that was taken
	keyless  []int
	finished bool
}

type pending struct {
	number int
	key    string
	size   int
}

// held is an outgoing under test, and a writer that writes when it is told.
type held struct {
	testing.TB
	outgoing
	subs   []*modelled
	now    int64
	number int
	batch  *batch
	due    int64 // when the timer fires; 0 where it does not run
}

func (m *held) sub(op *operation) *modelled {
	return m.subs[slices.IndexFunc(m.subs, func(s *modelled) bool { return &s.operation == op })]
}

func (m *held) enqueue(op *operation, text string) {
	b := m.queue.open()
	b.bytes = append(b.bytes, text...)
	m.queue.add(op, false)
}

// queueResponse implements sender: the response must be the first that is pending.
func (m *held) queueResponse(op *operation, response []byte, _ string, skipped int) {
	s := m.sub(op)
	if len(s.pending) == 0 {
		m.Fatalf("%s was queued, nothing is pending", response)
	}
	want := s.pending[0]
	if got := numberOf(response); got != want.number || skipped != s.skipped {
		m.Fatalf("queued %d with skipped %d, want %d with %d", got, skipped, want.number, s.skipped)
	}
	if !s.finished && !s.naiveTake() { // a last word does not wait for the rate
		m.Fatalf("%d was queued over the rate", want.number)
	}
	s.pending, s.skipped = s.pending[1:], 0
	s.queued = append(s.queued, want.number)
	m.enqueue(op, string(response))
}

// queuePosition implements sender: nothing is pending in front of it.
func (m *held) queuePosition(op *operation, cursor string) {
	s := m.sub(op)
	if len(s.pending) > 0 || s.told == "" || s.told != cursor {
		m.Fatalf("position %q was told, want %q; %d pending", cursor, s.told, len(s.pending))
	}
	s.told = ""
	m.enqueue(op, cursor)
}

func numberOf(response []byte) int {
	digits, _, _ := strings.Cut(string(response), " ")
	n, _ := strconv.Atoi(digits)
	return n
}

// naiveTake is a bucket of a second's worth.
func (s *modelled) naiveTake() bool {
	each := second / modelPerSecond
	if s.tokens < each {
		return false
	}
	s.tokens -= each
	return true
}

// next delivers a response, and holds it against the model.
func (m *held) next(s *modelled, key string, size int, cursors bool) {
	m.number++
	response := []byte(fmt.Sprintf("%d %s", m.number, strings.Repeat("x", size)))
	d := graph.Delivery{Response: response, Key: key, Now: m.now}
	if cursors {
		d.Cursor = fmt.Sprint("c", m.number)
	}
	admits := len(s.pending) == 0 && (key == "" || m.queue.size() <= modelLimit/2) && s.naiveTake()
	admitted, skipped := m.admit(&s.lane, &s.operation, &d, flow{modelLimit, modelPerSecond})
	if admitted != admits {
		m.Fatalf("response %d: admitted %v, want %v", m.number, admitted, admits)
	}
	s.taken++
	if key == "" {
		s.keyless = append(s.keyless, m.number)
	} else {
		s.newest[key] = m.number
	}
	if admitted {
		m.enqueue(&s.operation, string(response))
		s.queued = append(s.queued, m.number)
		return
	}
	older := -1
	if key != "" {
		older = slices.IndexFunc(s.pending, func(p pending) bool { return p.key == key })
	}
	if skipped != (older >= 0) {
		m.Fatalf("response %d: skipped %v, with %v pending", m.number, skipped, s.pending)
	}
	if skipped {
		s.pending = slices.Delete(s.pending, older, older+1)
		s.skipped++
		s.all++
	}
	s.pending = append(s.pending, pending{m.number, key, len(response) + len(d.Cursor) + len(key) + len(s.id) + heldBackBytes})
	if cursors {
		s.told = ""
	}
	m.checkFits()
	if m.stands() {
		m.look()
	}
}

// checkFits compares the account with a plain sum.
func (m *held) checkFits() {
	m.Helper()
	bytes, most := m.queue.size(), max(m.queue.most, m.queue.writing)
	held := 0
	for _, s := range m.subs {
		for _, p := range s.pending {
			held += p.size
			most = max(most, p.size)
		}
	}
	if got := m.outgoing.waiting(); got != bytes+held {
		m.Fatalf("%d bytes wait, want %d", got, bytes+held)
	}
	if held == 0 {
		if m.backlogs != nil {
			m.Fatal("nothing is held back, and there are backlogs")
		}
		return
	}
	if fits, want := m.fits(modelLimit), bytes+held-most <= modelLimit; fits != want {
		m.Fatalf("fits: %v, want %v: %d queued, %d held back, the largest %d", fits, want, bytes, held, most)
	}
}

// slowLocked implements sender.
func (m *held) slowLocked(int) { m.Fatal("it ends") }

// paced implements sender: time is the test's.
func (m *held) paced() { m.Fatal("a timer fired") }

// look is what a connection does when its writer or its timer looks.
func (m *held) look() {
	wait := m.releaseAt(m, m.now, flow{modelLimit, modelPerSecond})
	for _, s := range m.subs {
		// What need not be held back is not.
		if len(s.pending) > 0 && m.queue.size() <= modelLimit/2 && s.tokens >= second/modelPerSecond {
			m.Fatalf("%v is held back for nothing", s.pending)
		}
	}
	if wait > 0 && (m.due == 0 || m.due > m.now+int64(wait)) {
		m.due = m.now + int64(wait)
		m.backlogs.timerAt = m.due
	}
	if m.backlogs != nil && m.queue.size() == 0 && m.due == 0 {
		m.Fatal("something is held back, and nothing will look at it")
	}
}

// write has the writer write what it took, and take what waits.
func (m *held) write() bool {
	if m.batch != nil {
		m.queue.wrote(m.batch.frames, len(m.batch.frames), 0)
	}
	if m.backlogs != nil {
		m.look()
	}
	m.batch = m.queue.take()
	return m.batch != nil
}

// pass lets time pass, and the timer fire.
func (m *held) pass(d time.Duration) {
	for end := m.now + int64(d); m.now < end; {
		to := end
		if m.due != 0 && m.due < to {
			to = m.due
		}
		for _, s := range m.subs {
			s.tokens = min(second, s.tokens+to-m.now)
		}
		m.now = to
		if m.due == m.now {
			m.due = 0
			if m.woke() {
				m.look()
			}
		}
	}
}

// end ends a subscription behind what is held back, or without it.
func (m *held) end(s *modelled, flush bool) {
	s.finished = true
	if flush {
		m.flush(&s.lane, m)
	} else {
		n := m.forget(&s.lane)
		if int(n) != len(s.pending) {
			m.Fatalf("%d dropped, want %d", n, len(s.pending))
		}
		s.dropped, s.pending, s.told = len(s.pending), nil, ""
	}
}

// judge holds what has come of a subscription against what it was sent.
func (s *modelled) judge(t testing.TB) {
	t.Helper()
	if len(s.pending) > 0 || s.backlog != nil {
		t.Fatalf("%v is still pending", s.pending)
	}
	if len(s.queued)+s.all+s.dropped != s.taken {
		t.Fatalf("%d queued, %d skipped, %d dropped of %d", len(s.queued), s.all, s.dropped, s.taken)
	}
	if !slices.IsSorted(s.queued) {
		t.Fatalf("out of order: %v", s.queued)
	}
	if s.dropped > 0 {
		return
	}
	for key, n := range s.newest {
		if _, found := slices.BinarySearch(s.queued, n); !found {
			t.Fatalf("the newest of %s, %d, is not among %v", key, n, s.queued)
		}
	}
	for _, n := range s.keyless {
		if _, found := slices.BinarySearch(s.queued, n); !found {
			t.Fatalf("%d is not among %v", n, s.queued)
		}
	}
}

// playHeld reads a script: each byte is a step.
func playHeld(t testing.TB, script []byte) {
	m := &held{TB: t, now: 1 << 60}
	for i := range 3 {
		m.subs = append(m.subs, &modelled{operation: operation{id: fmt.Sprint("operation", i)}, tokens: second, newest: map[string]int{}})
	}
	var live []*modelled
	for i, step := range script {
		live = slices.DeleteFunc(slices.Clone(m.subs), func(s *modelled) bool { return s.finished })
		if len(live) == 0 {
			break
		}
		s := live[int(step>>6)%len(live)]
		switch what := step & 0x3F; {
		case what < 32:
			key := ""
			if what < 28 {
				key = string(rune('a' + what/4))
			}
			m.next(s, key, 40+i%7*60, i%2 == 0)
		case what == 32:
			m.next(s, "large", 2*modelLimit, true)
		case what < 44:
			m.write()
		case what < 56:
			m.pass(time.Duration(what-43) * 7 * time.Millisecond)
		case what < 61:
			if cursor := fmt.Sprint("p", i); s.backlog != nil {
				s.backlog.position, s.told = cursor, cursor
			}
		case what == 61 && i%5 == 0:
			m.end(s, true)
		case what == 62 && i%5 == 0:
			m.end(s, false)
		default:
			m.pass(2 * time.Second)
		}
		m.checkFits()
	}
	for m.write() || m.backlogs != nil {
		m.pass(time.Second)
	}
	for _, s := range m.subs {
		s.judge(t)
	}
}

func randomScript(seed uint64) []byte {
	r := rand.New(rand.NewPCG(seed, 7))
	script := make([]byte, 50+r.IntN(1500))
	for i := range script {
		script[i] = byte(r.UintN(256))
		if seed%3 == 0 && script[i]&0x3F > 31 && r.IntN(4) > 0 { // few reads
			script[i] &^= 0x20
		}
	}
	return script
}

// TestBacklogsAgainstAModel plays random scripts of events, keys, reads, time and ends
// against a plain model: what is queued, in which order and with which count
// of skipped, what is held back and what that takes.
func TestBacklogsAgainstAModel(t *testing.T) {
	for seed := range uint64(400) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) { playHeld(t, randomScript(seed)) })
	}
}

func FuzzBacklogs(f *testing.F) {
	for seed := range uint64(8) {
		f.Add(randomScript(seed))
	}
	f.Fuzz(func(t *testing.T, script []byte) { playHeld(t, script[:min(len(script), 4096)]) })
}

// TestPace holds a subscription to a rate: a second's worth at once, then one after the other.
func TestPace(t *testing.T) {
	for _, perSecond := range []int64{1, 3, 10, 1000, 999_999, 1_000_000} {
		var p pace
		now, n := int64(1<<60), int64(0)
		for p.take(now, perSecond) == 0 {
			n++
		}
		if n < perSecond || n > perSecond+perSecond/1_000_000+1 {
			t.Errorf("%d at once, want %d", n, perSecond)
		}
		wait := int64(p.take(now, perSecond))
		if wait <= 0 || wait > second/perSecond {
			t.Errorf("%d: wait %d", perSecond, wait)
		}
		if p.take(now+wait-1, perSecond) == 0 || p.take(now+wait, perSecond) != 0 || p.take(now+wait, perSecond) == 0 {
			t.Errorf("%d: there is not one when it was said", perSecond)
		}
		// The clock is set back: it waits for one, not for the clock.
		now -= 100 * second
		if wait := int64(p.take(now, perSecond)); wait != second/perSecond || p.take(now+wait, perSecond) != 0 {
			t.Errorf("%d: wait %d when the clock was set back", perSecond, wait)
		}
	}
}
