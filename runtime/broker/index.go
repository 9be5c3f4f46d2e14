package broker

import (
	"fmt"

	"github.com/runnel-dev/runnel/runtime/graph"
	"github.com/runnel-dev/runnel/runtime/jsondoc"
)

// maxKeys bounds the buckets that one subscription stands in on one channel:
// claims that are arrays multiply them.
const maxKeys = 4096

// index finds the subscriptions of one tenant that an event matches. Its cost
// per event follows the fields, the shapes of their filters and the matches,
// not the subscriptions. It is guarded by the tenant's lock.
type index struct {
	channels map[string]map[string]*fieldIndex // by channel, then resolver
}

// fieldIndex holds the subscriptions to one field on one channel. Those that
// filter by the same conditions have the same shape, and in a shape the values
// of the conditions lead to a bucket.
type fieldIndex struct {
	field  *graph.RootField
	fixed  []fixedCondition
	shapes map[uint64]map[string]*bucket // by the set of conditions, then by their values
}

// bucket is a set of subscriptions.
type bucket struct {
	members []member
}

// member is a subscription with the entry of its own that leads here.
type member struct {
	subscription *Subscription
	entry        int
}

// entry is a subscription's place in a bucket.
type entry struct {
	channel string
	shape   uint64
	key     string
	at      int // in bucket.members
}

func newIndex() *index { return &index{channels: map[string]map[string]*fieldIndex{}} }

// add enters a subscription on each channel of its field.
func (x *index) add(s *Subscription, f *graph.RootField, k keys) {
	for _, channel := range f.Channels {
		fields := x.channels[channel.Name]
		if fields == nil {
			fields = map[string]*fieldIndex{}
			x.channels[channel.Name] = fields
		}
		fi := fields[f.Resolver]
		if fi == nil {
			fi = &fieldIndex{field: f, fixed: fixedConditions(f), shapes: map[uint64]map[string]*bucket{}}
			fields[f.Resolver] = fi
		}
		buckets := fi.shapes[k.shape]
		if buckets == nil {
			buckets = map[string]*bucket{}
			fi.shapes[k.shape] = buckets
		}
		for _, key := range k.values {
			b := buckets[key]
			if b == nil {
				b = &bucket{}
				buckets[key] = b
			}
			b.members = append(b.members, member{s, len(s.entries)})
			s.entries = append(s.entries, entry{channel: channel.Name, shape: k.shape, key: key, at: len(b.members) - 1})
		}
	}
}

// remove takes a subscription out and drops what it leaves empty.
func (x *index) remove(s *Subscription, resolver string) {
	for _, e := range s.entries {
		fields := x.channels[e.channel]
		fi := fields[resolver]
		buckets := fi.shapes[e.shape]
		b := buckets[e.key]
		last := len(b.members) - 1
		moved := b.members[last]
		b.members[e.at] = moved
		moved.subscription.entries[moved.entry].at = e.at
		b.members[last] = member{}
		b.members = b.members[:last]
		if last > 0 {
			continue
		}
		delete(buckets, e.key)
		if len(buckets) == 0 {
			delete(fi.shapes, e.shape)
		}
		if len(fi.shapes) == 0 {
			delete(fields, resolver)
		}
		if len(fields) == 0 {
			delete(x.channels, e.channel)
		}
	}
	s.entries = nil
}

// match calls found for each field with matching subscriptions. The members
// are valid until the index changes.
func (x *index) match(channel string, payload *jsondoc.Document, found func(*fieldIndex, []member)) {
	key := make([]byte, 0, 128)
	for _, fi := range x.channels[channel] {
		if !fi.admits(payload, key) {
			continue
		}
		for shape, buckets := range fi.shapes {
			var ok bool
			if key, ok = appendPayloadKey(key[:0], fi.field, shape, payload); !ok {
				continue
			}
			if b := buckets[string(key)]; b != nil {
				found(fi, b.members)
			}
		}
	}
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
	elements := []string{string(appendLength(own, len(own)))}
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

// admits judges the fixed conditions.
func (fi *fieldIndex) admits(payload *jsondoc.Document, scratch []byte) bool {
	for i := range fi.fixed {
		c := &fi.fixed[i]
		n, ok := lookup(payload, c.path)
		if !ok {
			return false
		}
		if scratch, ok = appendElement(scratch[:0], payload, n); !ok || !c.elements[string(scratch)] {
			return false
		}
	}
	return true
}

// appendPayloadKey appends the values of an event for the conditions of a shape.
func appendPayloadKey(dst []byte, f *graph.RootField, shape uint64, payload *jsondoc.Document) (_ []byte, ok bool) {
	for i := range f.Matches {
		if shape&(1<<i) == 0 {
			continue
		}
		n, found := lookup(payload, f.Matches[i].Path)
		if !found {
			return dst, false
		}
		if dst, ok = appendElement(dst, payload, n); !ok {
			return dst, false
		}
	}
	return dst, true
}

// keys are a subscription's own values for the conditions that apply to it. No
// values mean that nothing can match.
type keys struct {
	shape  uint64
	values []string
}

// subscriberKeys evaluates the conditions of a field for a subscriber. A
// condition on an argument that is omitted or null does not apply; one on a
// claim always does.
func subscriberKeys(f *graph.RootField, arguments graph.Arguments, claim func(string) ([]byte, bool)) (keys, error) {
	k := keys{values: []string{""}}
	for i := range f.Matches {
		m := &f.Matches[i]
		var text []byte
		var given bool
		switch {
		case m.Arg != "":
			if text, given = arguments.Get(m.Arg); !given || string(text) == "null" {
				continue
			}
		case m.Claim != "":
			text, _ = claim(m.Claim)
		default:
			continue
		}
		k.shape |= 1 << i
		elements := subscriberElements(text, m.Claim != "", m.ArgIsID)
		if len(k.values)*len(elements) > maxKeys {
			return keys{}, fmt.Errorf("the claims of this subscriber combine to more than %d values to match", maxKeys)
		}
		k.values = product(k.values, elements)
	}
	return k, nil
}

func product(prefixes, elements []string) []string {
	values := make([]string, 0, len(prefixes)*len(elements))
	for _, p := range prefixes {
		for _, e := range elements {
			values = append(values, p+e)
		}
	}
	return values
}

// subscriberElements returns the distinct elements that an argument or claim
// matches: its own value, each item of a claim that is an array, and for an ID
// also the number of the same digits.
func subscriberElements(text []byte, isClaim, isID bool) []string {
	var d jsondoc.Document
	if text == nil || d.Parse(text, jsondoc.Options{}) != nil {
		return nil
	}
	var elements []string
	seen := map[string]bool{}
	add := func(n uint32) {
		if e, ok := appendElement(nil, &d, n); ok && !seen[string(e)] {
			seen[string(e)] = true
			elements = append(elements, string(e))
		}
	}
	if isClaim && d.Nodes[0].Kind == jsondoc.Array {
		for n := uint32(1); n < d.Nodes[0].Next; n = d.Nodes[n].Next {
			add(n)
		}
		return elements
	}
	add(0)
	if !isID || d.Nodes[0].Kind != jsondoc.String {
		return elements
	}
	if id := d.AppendString(nil, 0); isInteger(id) {
		number := appendNumber([]byte{'n'}, id)
		elements = append(elements, string(appendLength(number, len(number))))
	}
	return elements
}
