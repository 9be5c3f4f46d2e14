package broker

import (
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/runnel-dev/runnel/runtime/graph"
	"github.com/runnel-dev/runnel/runtime/jsondoc"
	"github.com/runnel-dev/runnel/runtime/sandbox"
	"github.com/runnel-dev/runnel/runtime/tenant"
)

// groupsModel is an index of one field, with whom it should hold.
type groupsModel struct {
	t          *testing.T
	r          *rand.Rand
	x          *index
	field      *graph.RootField
	operations []bound
	identities []tenant.Identity
	payload    jsondoc.Document
	all        map[*place]int // by place, the key's number
	lent       []lentParts
	state      *state
	turn       *turn // which nobody else wants
	cut        int   // regroupings that were left undone
}

// lentParts is what an event holds, and whom it held first.
type lentParts struct {
	parts  []part
	places [][]*place
}

func newGroupsModel(t *testing.T, seed uint64) *groupsModel {
	m := &groupsModel{t: t, r: rand.New(rand.NewPCG(seed, 1)), x: newIndex(), operations: boundOperations(t), all: map[*place]int{}}
	m.field = &graph.RootField{ResolvedField: graph.ResolvedField{Resolver: "Subscription.f"}, Channels: []graph.Channel{{Name: "c"}}}
	for n := range 40 {
		var permissions []string
		if n%2 == 0 {
			permissions = []string{"p"}
		}
		claims := map[string]json.RawMessage{"long": json.RawMessage(strings.Repeat("1", maxAnswers*(n%10/9)+n%3+60))}
		id, err := tenant.NewIdentity(claims, append(permissions, fmt.Sprint("q", n)))
		if err != nil {
			t.Fatal(err)
		}
		m.identities = append(m.identities, id)
	}
	if err := m.payload.Parse([]byte("{}"), jsondoc.Options{}); err != nil {
		t.Fatal(err)
	}
	m.state, m.turn = &state{}, &turn{next: math.MaxInt64}
	m.state.mu.index = m.x
	return m
}

// collect is what an event does. With churn, subscriptions come and go between slices,
// and at times an event holds members then, or no slice is to follow.
func (m *groupsModel) collect(churn bool) (fields []*matched, lends bool) {
	fields, lends, due := collect(m.turn, m.x, "c", &m.payload)
	r := regrouping{state: m.state, index: m.x, size: sliceMembers, pause: func() bool { return true }}
	if churn {
		r.size, r.pause = 3, m.pause
	}
	if r.review(due); len(due) > 0 {
		m.check()
		fields, lends, _ = collect(m.turn, m.x, "c", &m.payload)
	}
	return fields, lends
}

func (m *groupsModel) pause() bool {
	n := m.r.IntN(40)
	if n < 12 && m.moving() {
		if m.cut++; n < 6 {
			return false
		}
		m.hold()
		return true
	}
	for range m.r.IntN(4) {
		m.join()
	}
	for range m.r.IntN(4) {
		m.leave()
	}
	return true
}

// moving tells whether members are in groups of two groupings.
func (m *groupsModel) moving() bool {
	for _, c := range m.x.crowds() {
		for _, d := range c.divisions {
			if len(d.old) > 0 && len(d.groups) > 0 {
				return true
			}
		}
	}
	return false
}

// hold is an event that holds whom it reaches.
func (m *groupsModel) hold() {
	fields, lends, _ := collect(m.turn, m.x, "c", &m.payload)
	if !lends {
		return
	}
	l := lentParts{parts: fields[0].parts}
	for _, p := range l.parts {
		var places []*place
		for _, one := range p.members {
			places = append(places, one.place)
		}
		l.places = append(l.places, places)
	}
	m.x.lent++
	m.lent = append(m.lent, l)
}

func (m *groupsModel) join() {
	s := &Subscription{identity: m.identities[m.r.IntN(len(m.identities))], resumes: m.r.IntN(9) == 0}
	p := m.x.add(s, m.operations[m.r.IntN(len(m.operations))], m.field, keys{values: []string{""}})
	m.all[p] = 0
}

func (m *groupsModel) leave() {
	for p := range m.all {
		p.remove()
		delete(m.all, p)
		return
	}
}

func (m *groupsModel) learn() {
	for _, o := range m.x.operations {
		q := question{kind: sandbox.AskPermitted, name: []string{"p", fmt.Sprint("q", m.r.IntN(40))}[m.r.IntN(2)]}
		if m.r.IntN(6) == 0 {
			q = question{kind: sandbox.AskClaim, name: "long"}
		}
		if len(o.learned) < maxLearned && !slices.Contains(o.learned, q) {
			o.learned = append(o.learned, q)
			m.x.lessons++
		}
		return
	}
}

// event looks at whom an event reaches, and holds them.
func (m *groupsModel) event() {
	m.t.Helper()
	fields, lends := m.collect(true)
	if len(m.all) > 0 != (len(fields) == 1) && len(m.x.leaving) == 0 {
		m.t.Fatalf("%d fields for %d subscriptions", len(fields), len(m.all))
	}
	if len(fields) == 0 {
		return
	}
	l := lentParts{parts: fields[0].parts}
	found, leaving := map[*place]bool{}, len(m.x.leaving)
	for _, p := range l.parts {
		var places []*place
		var answers string
		for i, one := range p.members {
			if _, live := m.all[one.place]; live {
				found[one.place] = true
			} else {
				leaving--
			}
			bytes, short := m.x.scratch.of(one.place, m.questions(p))
			if own := string(bytes); i > 0 && !short {
				m.t.Fatal("a member whose answers are long is in a group with others")
			} else if i > 0 && own != answers || p.grouping != nil && one.place.shared != p.members[0].place.shared {
				m.t.Fatal("members of one group differ")
			}
			if one.place.subscription.resumes && !p.resuming && p.grouping != nil {
				m.t.Fatal("a member notes positions, and its group does not know")
			}
			answers = string(bytes)
			places = append(places, one.place)
		}
		l.places = append(l.places, places)
	}
	if len(found) != len(m.all) || leaving != 0 {
		m.t.Fatalf("an event reaches %d of %d, and %d too few who leave", len(found), len(m.all), leaving)
	}
	if lends {
		m.x.lent++
		m.lent = append(m.lent, l)
	}
}

func (m *groupsModel) questions(p part) []question {
	if p.grouping == nil {
		return nil
	}
	return p.grouping.questions
}

// giveBack ends an event, which has held all the while whom it held first.
func (m *groupsModel) giveBack() {
	m.t.Helper()
	if len(m.lent) == 0 {
		return
	}
	l := m.lent[0]
	m.lent = m.lent[1:]
	for i, p := range l.parts {
		for k, one := range p.members {
			if one.place != l.places[i][k] {
				m.t.Fatal("what an event held has changed")
			}
		}
	}
	m.x.giveBack()
}

// check holds that what the crowds say of themselves is so.
func (m *groupsModel) check() {
	m.t.Helper()
	for _, c := range m.x.crowds() {
		members, groups := 0, 0
		for n := range c.groups {
			g := &c.groups[n]
			if g.division == nil {
				continue
			}
			groups++
			members += len(g.members)
			resuming := uint32(0)
			for _, one := range g.members {
				if one.place.subscription.resumes {
					resuming++
				}
			}
			if resuming != g.resuming {
				m.t.Fatalf("%d members note positions, %d are counted", resuming, g.resuming)
			}
			if cap(g.members) > crowdMembers && cap(g.members) > 4*len(g.members)+4 {
				m.t.Fatalf("a group of %d has room for %d", len(g.members), cap(g.members))
			}
			if (*g.siblings())[g.place] != uint32(n) || c.numbers[groupKey{g.division, g.epoch, g.answers}] != uint32(n) || g.grouping() == nil {
				m.t.Fatal("a group is not found")
			}
		}
		inDivisions := 0
		for shared, d := range c.divisions {
			if d.shared != shared || d.members == 0 {
				m.t.Fatal("a division is wrong")
			}
			inDivisions += d.members
		}
		if members != c.members || inDivisions != members || len(c.numbers) != groups || len(c.groups)-groups > len(c.free) {
			m.t.Fatalf("%d members, %d are counted, %d in divisions; %d groups, %d numbers", members, c.members, inDivisions, groups, len(c.numbers))
		}
	}
	for p := range m.all {
		for i := range p.entries() {
			e := p.entry(i)
			var one *member
			if c := e.bucket.crowd(); c != nil {
				one = &c.groups[e.group].members[e.at]
			} else {
				one = e.bucket.member(int(e.at))
			}
			if one.place != p || one.entry != i {
				m.t.Fatal("an entry leads to another")
			}
		}
	}
}

// TestGroupsAgainstAModel has subscriptions come and go, questions be learned and
// events hold members, at random, and all leave at the end.
func TestGroupsAgainstAModel(t *testing.T) {
	groups, cut := 0, 0
	for seed := range uint64(12) {
		m := newGroupsModel(t, seed)
		for range 400 {
			switch m.r.IntN(8) {
			case 0, 1:
				for range m.r.IntN(60) {
					m.join()
				}
			case 2, 3:
				for range m.r.IntN(60) {
					m.leave()
				}
			case 4:
				m.learn()
			case 5, 6:
				m.event()
			default:
				m.giveBack()
			}
			m.check()
			for _, c := range m.x.crowds() {
				groups = max(groups, len(c.numbers))
			}
		}
		cut += m.cut
		for len(m.all) > 0 {
			m.leave()
		}
		for len(m.lent) > 0 {
			m.giveBack()
		}
		if n := len(m.x.channels) + len(m.x.operations) + len(m.x.leaving); n > 0 {
			t.Fatalf("%d channels, operations and leavers are kept", n)
		}
	}
	if groups < 8 || cut < 5 {
		t.Errorf("there were %d groups at most, and %d regroupings were cut short: the test holds too little", groups, cut)
	}
}

// TestQuestionsThatSplitTooMuchMakeNoGroups has one question that few answer alike, and
// one that many do, and has members come until the first makes groups as well.
func TestQuestionsThatSplitTooMuchMakeNoGroups(t *testing.T) {
	m := newGroupsModel(t, 1)
	m.operations = m.operations[:1]
	join := func(n int) {
		id, err := tenant.NewIdentity(nil, []string{fmt.Sprint("p", n%2), fmt.Sprint("one", n%30)})
		if err != nil {
			t.Fatal(err)
		}
		m.identities = []tenant.Identity{id}
		m.join()
	}
	groups := func() int {
		fields, _ := m.collect(false)
		return len(slices.DeleteFunc(fields[0].parts, func(p part) bool { return len(p.members) == 0 }))
	}
	for n := range 60 {
		join(n)
	}
	for _, o := range m.x.operations {
		for n := range 14 {
			o.learned = append(o.learned, question{kind: sandbox.AskPermitted, name: fmt.Sprint("one", n)})
		}
		o.learned = append(o.learned, question{kind: sandbox.AskPermitted, name: "p0"})
		m.x.lessons++
	}
	if n := groups(); n > 15 || n < 2 {
		t.Errorf("60 members are in %d groups", n)
	}
	for n := 60; n < 1000; n++ {
		join(n)
	}
	if n := groups(); n != 16 { // 14 who are alone in something, and the others of each half
		t.Errorf("1000 members are in %d groups, want 16", n)
	}
	for len(m.all) > 20 {
		m.leave()
	}
	if n := groups(); n > 10 {
		t.Errorf("20 members are in %d groups", n)
	}
}

// TestADivisionThatIsNewKnowsWhatWasLearned has members of an operation that has learned a
// question come to a bucket that knows all lessons.
func TestADivisionThatIsNewKnowsWhatWasLearned(t *testing.T) {
	m := newGroupsModel(t, 2)
	var last []*place
	join := func(n, operation int, key string) {
		s := &Subscription{identity: m.identities[n%len(m.identities)]}
		last = append(last, m.x.add(s, m.operations[operation], m.field, keys{values: []string{key}}))
	}
	for n := range 60 {
		join(n, 0, "")
		join(n, 2, "other")
	}
	m.x.share(m.operations[2]).learned = []question{{kind: sandbox.AskPermitted, name: "p"}}
	m.x.lessons++
	groups := func() int {
		fields, _ := m.collect(false)
		return len(slices.DeleteFunc(fields[0].parts, func(p part) bool { return len(p.members) == 0 }))
	}
	if n := groups(); n != 1 {
		t.Errorf("%d groups, want 1", n)
	}
	for n := range 10 {
		join(n, 2, "")
	}
	if n := groups(); n != 3 {
		t.Errorf("%d groups, want 1 of one operation and 2 of the other", n)
	}
	for _, p := range last[120:] {
		p.remove()
	}
	for _, c := range m.x.crowds() {
		if n := len(c.divisions); n != 1 {
			t.Errorf("%d divisions are left, want 1", n)
		}
	}
}

// TestLongAnswersMakeNoGroups has one member come whose answer is short, so that the
// question makes groups, and many whose answers are long: no two of these share a group, and
// then nobody is in groups by it.
func TestLongAnswersMakeNoGroups(t *testing.T) {
	m := newGroupsModel(t, 3)
	join := func(size, n int) {
		id, err := tenant.NewIdentity(map[string]json.RawMessage{"c": json.RawMessage(strings.Repeat("1", size))}, nil)
		if err != nil {
			t.Fatal(err)
		}
		for range n {
			m.x.add(&Subscription{identity: id}, m.operations[0], m.field, keys{values: []string{""}})
		}
	}
	groups := func() int {
		fields, _ := m.collect(false)
		return len(slices.DeleteFunc(fields[0].parts, func(p part) bool { return len(p.members) == 0 }))
	}
	join(10, 30)
	join(maxAnswers-10, 30)
	m.x.share(m.operations[0]).learned = []question{{kind: sandbox.AskClaim, name: "c"}}
	m.x.lessons++
	if n := groups(); n != 2 {
		t.Errorf("%d groups by a short answer, want 2", n)
	}
	join(maxAnswers, 10)
	if n := groups(); n != 12 {
		t.Errorf("%d groups with 10 of long answers, want 12", n)
	}
	join(60_000, 100)
	if n := groups(); n != 1 {
		t.Errorf("%d groups where most answers are long, want 1", n)
	}
	if n := cap(m.x.scratch.bytes); n > 2*maxAnswers {
		t.Errorf("%d bytes are kept to answer", n)
	}
}
