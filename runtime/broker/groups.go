package broker

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"slices"
)

const (
	// crowdMembers is from how many members on a bucket has them in groups. It has
	// not any more where fewer than fewMembers are left.
	crowdMembers, fewMembers = 32, 8
	// maxLearned is how many questions are learned of the runs for one operation.
	maxLearned = 16
	// Groups have groupMembers members on average when they are made, and are made
	// anew where there are fewer than thinMembers.
	groupMembers, thinMembers = 4, 2
	// maxPlainAnswers is the length up to which answers are kept themselves, longer
	// ones as their SHA-256. Members with more than maxAnswers are in no group with others:
	// guests decide what they ask for, and it is done for each under the tenant's lock.
	maxPlainAnswers, maxAnswers = 64, 512
)

// crowd is the members of a bucket of many, in groups. An event holds the members
// of a group as they were, without a copy: while it does (index.lent), these stay where
// they are, and those of them who leave are taken out when it gives them back.
type crowd struct {
	bucket    *bucket
	members   int
	groups    []group  // without members where free
	free      []uint32 // numbers of such, with some beyond the end of groups
	numbers   map[groupKey]uint32
	divisions map[*sharedOperation]*division

	lessons int // of the index, when the divisions were reviewed
	moves   int // members that came or left since then
}

// division is those members of a crowd that share an operation.
type division struct {
	shared   *sharedOperation
	grouping *grouping
	members  int
	reviewed int      // members when the grouping was chosen
	groups   []uint32 // numbers

	// Of the grouping before, until all members are moved (regroup.go).
	before *grouping
	old    []uint32
	epoch  uint32 // counts the groupings
}

// grouping is by which answers the members of a division are in groups. It never
// changes, but is replaced.
type grouping struct {
	questions []question // to which the members of each group have equal answers
	learned   []question // those from which they were chosen
}

// group is members for whom a run gives the same as long as it asks nothing but
// the questions of the division's grouping.
type group struct {
	division *division
	answers  string
	epoch    uint32 // of the division, when it was made
	place    uint32 // in division.groups, or old
	resuming uint32 // members that note the position of each event
	held     uint32 // the first of the members, so many, are held by events
	loan     uint32 // of the index, while which held says so
	members  []member
}

type groupKey struct {
	division *division
	epoch    uint32
	answers  string
}

// grouping is by what the members of a group are in it.
func (g *group) grouping() *grouping {
	if g.epoch != g.division.epoch {
		return g.division.before
	}
	return g.division.grouping
}

// siblings are the numbers of the groups of the same grouping.
func (g *group) siblings() *[]uint32 {
	if g.epoch != g.division.epoch {
		return &g.division.old
	}
	return &g.division.groups
}

// gather puts the members of a bucket into groups.
func (b *bucket) gather() {
	c := &crowd{bucket: b, numbers: map[groupKey]uint32{}, divisions: map[*sharedOperation]*division{}}
	n := b.members()
	for i := range n {
		m := *b.member(i)
		*m.place.entry(m.entry) = c.push(m)
	}
	b.first, b.rest = member{}, &rest{crowd: c}
}

// scatter makes a crowd a bucket of few.
func (b *bucket) scatter() {
	c := b.rest.crowd
	b.rest = nil
	for i := range c.groups {
		for _, m := range c.groups[i].members {
			*m.place.entry(m.entry) = b.push(m)
		}
	}
}

// push adds a member, whose entry it returns.
func (c *crowd) push(m member) entry {
	d := c.divisions[m.place.shared]
	if d == nil {
		d = &division{shared: m.place.shared, grouping: &grouping{}}
		c.divisions[m.place.shared] = d
		c.lessons = -1 // it may know some already
	}
	d.members++
	c.members++
	c.moves++
	return c.place(d, m)
}

// place puts a member of a division into its group.
func (c *crowd) place(d *division, m member) entry {
	x := c.bucket.shape.field.index
	answers, short := x.scratch.of(m.place, d.grouping.questions)
	if !short {
		x.singles++
		answers = binary.LittleEndian.AppendUint64([]byte{'!'}, x.singles)
	}
	n, ok := c.numbers[groupKey{d, d.epoch, string(answers)}]
	if !ok {
		n = c.add(d, string(answers))
	}
	g := &c.groups[n]
	e := entry{bucket: c.bucket, at: uint32(len(g.members)), group: n}
	g.members = append(g.members, m)
	if m.place.subscription.resumes {
		g.resuming++
	}
	return e
}

// add makes a group and returns its number.
func (c *crowd) add(d *division, answers string) uint32 {
	n := uint32(len(c.groups))
	for len(c.free) > 0 && n == uint32(len(c.groups)) {
		last := len(c.free) - 1
		n = min(n, c.free[last])
		c.free = c.free[:last]
	}
	g := group{division: d, answers: answers, epoch: d.epoch, place: uint32(len(d.groups))}
	if int(n) < len(c.groups) {
		c.groups[n] = g
	} else {
		c.groups = append(c.groups, g)
	}
	d.groups = append(d.groups, n)
	c.numbers[groupKey{d, d.epoch, answers}] = n
	return n
}

// leave takes out the member at an entry, where an event holds it when it gives it
// back.
func (c *crowd) leave(e entry) {
	x, g := c.bucket.shape.field.index, &c.groups[e.group]
	if x.lent > 0 && g.loan == x.loan && e.at < g.held {
		x.leaving = append(x.leaving, e)
		return
	}
	c.remove(e)
	c.settle() // which changes nothing while an event holds members of it: these are fewMembers or more
}

// giveBack ends what an event held.
func (x *index) giveBack() {
	if x.lent--; x.lent > 0 {
		return
	}
	// From behind, so that none moves that is to leave.
	slices.SortFunc(x.leaving, func(a, b entry) int { return cmp.Compare(b.at, a.at) })
	for _, e := range x.leaving {
		e.bucket.crowd().remove(e)
	}
	for _, e := range x.leaving {
		if c := e.bucket.crowd(); c != nil {
			c.settle()
		}
	}
	x.leaving = nil
	x.loan++
}

// remove takes out the member at an entry. The crowd is to be settled then.
func (c *crowd) remove(e entry) {
	d := c.groups[e.group].division
	c.take(e)
	if d.members--; d.members == 0 {
		delete(c.divisions, d.shared)
	}
	c.members--
	c.moves++
}

// take takes the member at an entry out of its group.
func (c *crowd) take(e entry) {
	g := &c.groups[e.group]
	if g.members[e.at].place.subscription.resumes {
		g.resuming--
	}
	last := len(g.members) - 1
	if moved := g.members[last]; int(e.at) != last {
		g.members[e.at] = moved
		moved.place.entry(moved.entry).at = e.at
	}
	g.members[last] = member{}
	g.members = g.members[:last]
	if cap(g.members) > crowdMembers && last < cap(g.members)/4 {
		g.members = append(make([]member, 0, 2*last), g.members...)
	}
	if last == 0 {
		c.drop(e.group)
	}
}

// settle drops a bucket that nobody is left in, or makes it one of few again.
func (c *crowd) settle() {
	switch {
	case c.members == 0:
		c.bucket.drop()
		c.bucket.rest = nil
	case c.members < fewMembers:
		c.bucket.scatter()
	}
}

// drop takes a group out.
func (c *crowd) drop(n uint32) {
	g := &c.groups[n]
	delete(c.numbers, groupKey{g.division, g.epoch, g.answers})
	numbers := g.siblings()
	last := (*numbers)[len(*numbers)-1]
	(*numbers)[g.place] = last
	c.groups[last].place = g.place
	*numbers = (*numbers)[:len(*numbers)-1]
	*g = group{}
	c.free = append(c.free, n)
	for len(c.groups) > 0 && c.groups[len(c.groups)-1].division == nil {
		c.groups = c.groups[:len(c.groups)-1]
	}
}

// learn takes note of what a run for an operation has asked of the subscriber.
func (st *state) learn(o *sharedOperation, asked []question) {
	st.mu.Lock()
	defer st.mu.Unlock()
	for _, q := range asked {
		if len(o.learned) < maxLearned && !slices.Contains(o.learned, q) {
			o.learned = append(o.learned, q)
			o.index.lessons++
		}
	}
}

// covers tells whether all that was asked are questions to which the members of a
// group have equal answers. Nil is the grouping of members that are in no group.
func (g *grouping) covers(asked []question) bool {
	if g == nil {
		return false
	}
	for _, q := range asked {
		if !slices.Contains(g.questions, q) {
			return false
		}
	}
	return true
}

// mayLearn tells whether anything that was asked is new.
func (g *grouping) mayLearn(asked []question) bool {
	if g == nil || len(g.learned) == maxLearned {
		return false
	}
	return slices.ContainsFunc(asked, func(q question) bool { return !slices.Contains(g.learned, q) })
}

// answering is room for the answers of one subscriber after the other.
type answering struct {
	inputs inputs
	bytes  []byte
}

// of returns a subscriber's answers to questions, in a form that is equal exactly
// where all of them are. It is valid until the next call. It reports false where they
// are too long.
func (a *answering) of(p *place, questions []question) (answers []byte, short bool) {
	defer func() { a.inputs = inputs{} }()
	a.inputs.arguments, a.inputs.identity = p.arguments, &p.subscription.identity
	all := append(a.bytes[:0], '=')
	for _, q := range questions {
		start := len(all) + 4
		all = q.answer(&a.inputs, append(all, 0, 0, 0, 0))
		binary.LittleEndian.PutUint32(all[start-4:], uint32(len(all)-start))
		if len(all) > maxAnswers {
			if a.bytes = all; cap(all) > 2*maxAnswers {
				a.bytes = nil
			}
			return nil, false
		}
	}
	if len(all) > maxPlainAnswers {
		sum := sha256.Sum256(all)
		all = append(append(all[:0], '#'), sum[:]...)
	}
	a.bytes = all
	return all, true
}

// part is members of a bucket whom an event reaches: those of one group, or some
// that are in none.
type part struct {
	members  []member
	grouping *grouping // nil for those in none
	resuming bool      // some of the members note the position of each event
}

// parts appends the groups. What it appends is the crowd's own, which the index is to
// lend then.
func (c *crowd) parts(to []part) []part {
	for i := range c.groups {
		g := &c.groups[i]
		g.held, g.loan = uint32(len(g.members)), c.bucket.shape.field.index.loan
		if len(g.members) > 0 {
			to = append(to, part{g.members, g.grouping(), g.resuming > 0})
		}
	}
	return to
}
