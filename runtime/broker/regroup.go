package broker

import "slices"

// sliceMembers is how many members are looked at or moved under one lock.
const sliceMembers = 256

// regrouping has crowds choose anew by what their members are in groups. It works in
// slices between which the tenant's lock and its turn are let go: meanwhile members are
// in groups of two groupings, and come and leave. What is chosen need not fit those who
// did: groups are only ever a shortcut.
type regrouping struct {
	state *state
	index *index
	crowd *crowd
	slice int         // members so far
	size  int         // of a slice
	pause func() bool // lets others work after a slice; false where there is to be no other
}

// regroupLocked reviews crowds of an index, one goroutine at a time for each index.
func (st *state) regroupLocked(t *turn, x *index, due []*crowd) {
	r := regrouping{state: st, index: x, size: sliceMembers, pause: func() bool {
		st.mu.Unlock()
		t.spend(regroupUnits * sliceMembers)
		st.mu.Lock()
		return t.held
	}}
	r.review(due)
	t.Spend(regroupUnits * int64(r.slice))
}

func (r *regrouping) review(due []*crowd) {
	for _, r.crowd = range due {
		if r.live() {
			r.reviewOne()
		}
	}
}

// live tells whether the crowd may be changed: it is part of an index that events are
// matched with, and none holds members of it.
func (r *regrouping) live() bool {
	m := &r.state.mu
	return (r.index == m.index || r.index == m.replays) && r.index.lent == 0 && r.crowd.bucket.crowd() == r.crowd
}

// goesOn counts a member of a division that was looked at or moved, and lets others work
// after each slice. It reports false where the division is not there any more then.
func (r *regrouping) goesOn(d *division) bool {
	if r.slice++; r.slice < r.size {
		return true
	}
	r.slice = 0
	return r.pause() && r.live() && r.crowd.divisions[d.shared] == d
}

// due tells whether more was learned since the last review, or many have come or gone.
func (c *crowd) due() bool {
	x := c.bucket.shape.field.index
	return x.lent == 0 && (c.lessons != x.lessons || 4*c.moves > c.members)
}

func (r *regrouping) reviewOne() {
	c := r.crowd
	c.lessons, c.moves = r.index.lessons, 0
	for _, d := range c.divisions { // of which some may come and leave meanwhile
		if !r.finish(d) || d.stale() && !r.regroup(d) {
			c.lessons = -1 // it is to be finished
			if !r.live() {
				return
			}
		}
	}
}

// stale tells whether another grouping may be better.
func (d *division) stale() bool {
	g := d.grouping
	return len(d.shared.learned) > len(g.learned) || d.thin() ||
		len(g.questions) < len(g.learned) && d.members >= 2*d.reviewed
}

// thin tells whether the groups have become too many.
func (d *division) thin() bool { return len(d.groups) > max(1, d.members/thinMembers) }

// regroup gives a division a new grouping. It reports false where it could not end.
func (r *regrouping) regroup(d *division) bool {
	to, ok := r.choose(d)
	if !ok {
		return false
	}
	same := slices.Equal(d.grouping.questions, to.questions)
	if !same {
		d.before, d.old, d.groups = d.grouping, d.groups, nil
		d.epoch++
	}
	d.grouping, d.reviewed = to, d.members
	return r.finish(d)
}

// choose returns the grouping by all that was learned, but for those questions that
// would make too many groups. A run that asks one of these is shared by the tree.
func (r *regrouping) choose(d *division) (_ *grouping, ok bool) {
	g := &grouping{learned: slices.Clip(d.shared.learned)}
	more := g.learned
	if old := d.grouping; !d.thin() && d.members < 2*d.reviewed {
		g.questions, more = old.questions, g.learned[len(old.learned):]
	}
	all := slices.Concat(g.questions, more)
	suits, ok := r.suits(d, all)
	if suits {
		g.questions = all
		return g, ok
	}
	for i := 0; ok && i < len(more) && len(more) > 1; i++ {
		some := append(slices.Clip(g.questions), more[i])
		if suits, ok = r.suits(d, some); suits {
			g.questions = some
		}
	}
	return g, ok
}

// suits tells whether the members are in groups that are large enough by these
// questions.
func (r *regrouping) suits(d *division, questions []question) (suits, ok bool) {
	c, most := r.crowd, max(1, d.members/groupMembers)
	groups := map[string]struct{}{}
	for at := 0; at < len(d.groups); at++ {
		for i := 0; at < len(d.groups) && i < len(c.groups[d.groups[at]].members); i++ {
			answers, short := r.index.scratch.of(c.groups[d.groups[at]].members[i].place, questions)
			if !short {
				return false, true
			}
			if _, known := groups[string(answers)]; !known {
				if len(groups) == most {
					return false, true
				}
				groups[string(answers)] = struct{}{}
			}
			if !r.goesOn(d) {
				return false, false
			}
		}
	}
	return true, true
}

// finish moves what members of a division there are in groups of the grouping before.
func (r *regrouping) finish(d *division) bool {
	c := r.crowd
	for len(d.old) > 0 {
		g := &c.groups[d.old[len(d.old)-1]]
		m := g.members[len(g.members)-1]
		e := m.place.entry(m.entry)
		c.take(*e)
		*e = c.place(d, m)
		if !r.goesOn(d) {
			return false
		}
	}
	d.before, d.old = nil, nil
	return true
}
