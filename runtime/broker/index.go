package broker

import (
	"slices"

	"github.com/runnel-dev/runnel/runtime/graph"
	"github.com/runnel-dev/runnel/runtime/jsondoc"
)

// index finds the subscriptions of one tenant that an event matches. Its cost
// per event follows the fields, the shapes of their filters and the matches,
// not the subscriptions. It is guarded by the tenant's lock.
type index struct {
	channels   map[string]map[string]*fieldIndex // by channel, then resolver
	operations map[projection]*sharedOperation   // of its places

	lessons int       // how often anything was learned
	lent    int       // events that hold members of crowds: these stay where they are meanwhile
	loan    uint32    // counts how often all was given back
	leaving []entry   // of members that are to be taken out then
	singles uint64    // members that were in no group with others so far
	scratch answering // of the joins and reviews
	lookup  lookup    // of the event that is matched
}

// sharedOperation is what the places with one plan and projection key have in
// common.
type sharedOperation struct {
	index     *index
	planned   *planned
	operation *graph.Operation // its arguments are the places'
	places    int
	learned   []question // that runs for it have asked, at most maxLearned; only ever appended to
}

// fieldIndex holds the subscriptions to one field on one channel. Those that
// filter by the same conditions have the same shape, and in a shape the values
// of the conditions lead to a bucket.
type fieldIndex struct {
	index   *index
	channel string
	field   *graph.RootField
	fixed   []fixedCondition
	shapes  map[uint64]*shape // by the set of conditions
}

// shape holds the subscriptions whose field has the same set of conditions.
type shape struct {
	field      *fieldIndex
	conditions uint64
	buckets    map[string]*bucket // by the values of the conditions
}

// bucket is a set of subscriptions. One of many has them in groups.
type bucket struct {
	shape *shape
	key   string
	first member
	rest  *rest // nil where there was never more than one, as in most buckets
}

// rest is what a bucket holds beside its first member; or all of them, in a crowd.
type rest struct {
	list  []member
	crowd *crowd // nil in a bucket of few
}

// crowd returns the groups of a bucket of many, and nil for one of few.
func (b *bucket) crowd() *crowd {
	if b.rest == nil {
		return nil
	}
	return b.rest.crowd
}

// member returns the i-th member of a bucket of few.
func (b *bucket) member(i int) *member {
	if i == 0 {
		return &b.first
	}
	return &b.rest.list[i-1]
}

// members is how many there are: at least one, but while the last leaves.
func (b *bucket) members() int {
	switch c := b.crowd(); {
	case c != nil:
		return c.members
	case b.first.place == nil:
		return 0
	case b.rest == nil:
		return 1
	}
	return 1 + len(b.rest.list)
}

// push adds a member, whose entry it returns.
func (b *bucket) push(m member) entry {
	n := b.members()
	if n+1 == crowdMembers && b.crowd() == nil {
		b.gather()
	}
	switch c := b.crowd(); {
	case c != nil:
		return c.push(m)
	case n == 0:
		b.first = m
	case b.rest == nil:
		b.rest = &rest{list: []member{m}}
	default:
		b.rest.list = append(b.rest.list, m)
	}
	return entry{bucket: b, at: uint32(n)}
}

// remove takes out the member at an entry.
func (b *bucket) remove(e entry) {
	if c := b.crowd(); c != nil {
		c.leave(e)
		return
	}
	last := b.members() - 1
	moved := *b.member(last)
	*b.member(int(e.at)) = moved
	moved.place.entry(moved.entry).at = e.at
	*b.member(last) = member{}
	if last == 0 {
		b.drop()
		return
	}
	b.rest.list = b.rest.list[:last-1]
}

// member is a place with the entry of it that leads here.
type member struct {
	place *place
	entry int
}

// place is where a subscription stands in an index, with its operation under
// the version that the index belongs to. It does not change but for the
// entries, which the tenant's lock guards.
type place struct {
	subscription *Subscription
	shared       *sharedOperation
	arguments    graph.Arguments // of the operation's root field
	first        entry
	more         *[]entry // nil where one is all
}

// entry is a place in a bucket.
type entry struct {
	bucket *bucket
	at     uint32 // of the members, in a crowd of those of the group
	group  uint32 // of a crowd
}

// entry returns the i-th entry.
func (p *place) entry(i int) *entry {
	if i == 0 {
		return &p.first
	}
	return &(*p.more)[i-1]
}

// entries is how many there are: none where nothing can match.
func (p *place) entries() int {
	switch {
	case p.first.bucket == nil:
		return 0
	case p.more == nil:
		return 1
	}
	return 1 + len(*p.more)
}

func newIndex() *index {
	return &index{channels: map[string]map[string]*fieldIndex{}, operations: map[projection]*sharedOperation{}}
}

// add enters a subscription on each channel of its field.
func (x *index) add(s *Subscription, b bound, f *graph.RootField, k keys) *place {
	p := &place{subscription: s, shared: x.share(b), arguments: b.operation.Roots()[0].Arguments}
	p.shared.places++
	if len(k.values) == 0 {
		return p
	}
	for _, channel := range f.Channels {
		shape := x.shape(channel.Name, f, k.shape)
		for _, key := range k.values {
			shape.add(p, key)
		}
	}
	return p
}

// moveTo gives the subscription the same place in another index of the same
// version.
func (p *place) moveTo(x *index) *place {
	key := projectionOf(p.shared.operation)
	shared := x.operations[key]
	if shared == nil {
		shared = &sharedOperation{index: x, planned: p.shared.planned, operation: p.shared.operation, learned: slices.Clip(p.shared.learned)}
		x.operations[key] = shared
	}
	shared.places++
	moved := &place{subscription: p.subscription, shared: shared, arguments: p.arguments}
	for i := range p.entries() {
		b := p.entry(i).bucket
		fi := b.shape.field
		x.shape(fi.channel, fi.field, b.shape.conditions).add(moved, b.key)
	}
	p.remove()
	return moved
}

// share finds what operations with one plan and projection key have in common,
// or makes it.
func (x *index) share(b bound) *sharedOperation {
	key := projectionOf(b.operation)
	o := x.operations[key]
	if o == nil {
		o = &sharedOperation{index: x, planned: b.planned, operation: b.operation.Shared()}
		x.operations[key] = o
	}
	return o
}

// shape finds a shape of a field on a channel, or makes it.
func (x *index) shape(channel string, f *graph.RootField, conditions uint64) *shape {
	fields := x.channels[channel]
	if fields == nil {
		fields = map[string]*fieldIndex{}
		x.channels[channel] = fields
	}
	fi := fields[f.Resolver]
	if fi == nil {
		fi = &fieldIndex{index: x, channel: channel, field: f, fixed: fixedConditions(f), shapes: map[uint64]*shape{}}
		fields[f.Resolver] = fi
	}
	s := fi.shapes[conditions]
	if s == nil {
		s = &shape{field: fi, conditions: conditions, buckets: map[string]*bucket{}}
		fi.shapes[conditions] = s
	}
	return s
}

func (s *shape) add(p *place, key string) {
	b := s.buckets[key]
	if b == nil {
		b = &bucket{shape: s, key: key}
		s.buckets[key] = b
	}
	n := p.entries()
	e := b.push(member{p, n})
	switch {
	case n == 0:
		p.first = e
	case p.more == nil:
		p.more = &[]entry{e}
	default:
		*p.more = append(*p.more, e)
	}
}

// remove takes a place out of its index and drops what it leaves empty.
func (p *place) remove() {
	for i := range p.entries() {
		e := p.entry(i)
		e.bucket.remove(*e)
	}
	p.first, p.more = entry{}, nil
	o := p.shared
	if o.places--; o.places == 0 {
		delete(o.index.operations, projectionOf(o.operation))
	}
}

// drop takes an empty bucket out, and all around it that is empty then.
func (b *bucket) drop() {
	s := b.shape
	fi, x := s.field, s.field.index
	delete(s.buckets, b.key)
	if len(s.buckets) == 0 {
		delete(fi.shapes, s.conditions)
	}
	if len(fi.shapes) == 0 {
		delete(x.channels[fi.channel], fi.field.Resolver)
	}
	if len(x.channels[fi.channel]) == 0 {
		delete(x.channels, fi.channel)
	}
}

// match calls found for each field with matching subscriptions. The bucket is
// valid until the index changes. It returns how many places it looked at.
func (x *index) match(channel string, payload *jsondoc.Document, found func(*fieldIndex, *bucket)) (places int) {
	l := &x.lookup
	*l = lookup{payload: payload, known: l.known, bytes: l.bytes, key: l.key}
	for _, fi := range x.channels[channel] {
		if l.begin(fi.field); !l.admits(fi.fixed) {
			continue
		}
		for conditions, shape := range fi.shapes {
			if key, ok := l.keyOf(conditions); ok {
				if b := shape.buckets[string(key)]; b != nil {
					found(fi, b)
				}
			}
		}
	}
	l.payload, l.many, l.long = nil, nil, nil
	return l.places
}

// fixedCondition is one that is the same for all subscribers: @match(in:).
type fixedCondition struct {
	path     []string
	elements map[string]bool
}

func fixedConditions(f *graph.RootField) (conditions []fixedCondition) {
	for i := range f.Matches {
		m := &f.Matches[i]
		if m.In == nil {
			continue
		}
		elements := map[string]bool{}
		for _, text := range m.In {
			for _, e := range fixedElements(text) {
				elements[e] = true
			}
		}
		conditions = append(conditions, fixedCondition{m.Path, elements})
	}
	return conditions
}

// fixedElements returns what a string of @match(in:) matches: itself, and the
// number or boolean that it spells.
func fixedElements(text string) []string {
	own := append([]byte{'s'}, text...)
	elements := []string{string(closeElement(own, 0))}
	var d jsondoc.Document
	if d.Parse([]byte(text), jsondoc.Options{}) != nil || len(d.Raw(0)) != len(text) {
		return elements
	}
	switch d.Nodes[0].Kind {
	case jsondoc.Number, jsondoc.True, jsondoc.False:
		if e, ok := appendElement(nil, &d, 0); ok {
			elements = append(elements, string(e))
		}
	}
	return elements
}
