package broker

import "math/rand/v2"

// slots are the live subscriptions of a tenant. One keeps its slot as long as it
// lives, so that whoever walks through them in several steps meets each that
// stays once. It is guarded by the tenant's lock.
type slots struct {
	all    []*Subscription // nil where a slot is free
	free   []uint32        // those that were left, with some beyond the end of all
	taken  int
	serial uint32 // of the subscription that came last; never 0 for one
}

// newSlots has serials begin anywhere, so that an id which another node or an
// earlier process has told is nobody's here.
func newSlots() slots { return slots{serial: rand.Uint32()} }

// put gives a subscription a slot.
func (l *slots) put(s *Subscription) {
	if l.serial++; l.serial == 0 {
		l.serial++
	}
	s.serial = l.serial
	l.taken++
	for n := len(l.free); n > 0; n = len(l.free) {
		s.slot = l.free[n-1]
		l.free = l.free[:n-1]
		if int(s.slot) < len(l.all) {
			l.all[s.slot] = s
			return
		}
	}
	s.slot = uint32(len(l.all))
	l.all = append(l.all, s)
}

// has tells whether a subscription is live: it had a slot, and has it still.
func (l *slots) has(s *Subscription) bool {
	return int(s.slot) < len(l.all) && l.all[s.slot] == s
}

// remove frees the slot of a live subscription.
func (l *slots) remove(s *Subscription) {
	l.all[s.slot] = nil
	l.free = append(l.free, s.slot)
	last := len(l.all)
	for last > 0 && l.all[last-1] == nil {
		last--
	}
	l.all = l.all[:last]
	if l.taken--; l.taken == 0 {
		l.all, l.free = nil, nil
	}
}
