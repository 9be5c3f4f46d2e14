package main

import (
	"fmt"
	"maps"
	"slices"
	"sync"
)

// record is what was published, and what is known of where it lies.
type record struct {
	mu   sync.Mutex
	all  map[string][]number        // by channel, in their order
	at   map[number]map[string]bool // positions; more than one where the bus has lost the first
	loss bool                       // the bus has lost what it had accepted
}

func newRecord() *record {
	return &record{all: map[string][]number{}, at: map[number]map[string]bool{}}
}

func (r *record) published(n number) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.all[n.Channel] = append(r.all[n.Channel], n)
}

// learn takes the positions from what a subscriber got.
func (r *record) learn(s *subscriber) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, d := range s.got {
		if r.at[d.number] == nil {
			r.at[d.number] = map[string]bool{}
		}
		r.at[d.number][d.at] = true
	}
}

// place returns two positions between which a number lies: its own, or those of its
// neighbours. The empty upper one is the end.
func (r *record) place(n number) (lower, upper string, exact bool) {
	if known := r.at[n]; len(known) > 0 {
		at := slices.Min(slices.Collect(maps.Keys(known)))
		return at, at, true
	}
	all := r.all[n.Channel]
	for i := n.N - 1; i >= 0 && lower == ""; i-- {
		for at := range r.at[all[i]] {
			lower = max(lower, at)
		}
	}
	for i := n.N + 1; i < len(all) && upper == ""; i++ {
		for at := range r.at[all[i]] {
			if upper == "" || at < upper {
				upper = at
			}
		}
	}
	return lower, upper, false
}

// holds tells whether a number lies in the gap, as far as it is known.
func (g gap) holds(lower, upper string, exact bool) bool {
	if exact {
		return g.from < lower && lower <= g.to
	}
	return lower < g.to && (upper == "" || g.from < upper)
}

// missing returns the first number that a subscriber neither got nor was told to
// have lost; and how many it was told.
func (r *record) missing(s *subscriber) (first *number, lost int) {
	got := map[number]bool{}
	for _, d := range s.got {
		got[d.number] = true
	}
	for _, all := range r.all {
		for i := range all {
			n := all[i]
			if !s.wants(n) || got[n] {
				continue
			}
			lower, upper, exact := r.place(n)
			if !slices.ContainsFunc(s.gaps, func(g gap) bool { return g.holds(lower, upper, exact) }) {
				return &n, lost
			}
			lost++
		}
	}
	return nil, lost
}

// check holds what a subscriber got against what was published.
func (r *record) check(s *subscriber) (lost, repeated int, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.refused != nil {
		return 0, 0, s.refused
	}
	last := map[string]int{}
	seen := map[number]bool{}
	for _, d := range s.got {
		before, any := last[d.Channel]
		switch {
		case !s.wants(d.number):
			return 0, 0, fmt.Errorf("%s, of part %d, came to the filter %d", d.id(), d.Part, s.part)
		case seen[d.number] && r.loss && len(r.at[d.number]) > 1:
			repeated++ // of the same id: next has looked at it
		case seen[d.number]:
			return 0, 0, fmt.Errorf("%s came twice", d.id())
		case any && d.N <= before:
			return 0, 0, fmt.Errorf("%s came behind %s-%d", d.id(), d.Channel, before)
		}
		last[d.Channel], seen[d.number] = max(before, d.N), true
		for _, g := range s.gaps {
			if g.holds(d.at, d.at, true) && (!g.late || !r.loss) {
				return 0, 0, fmt.Errorf("%s came, and is in the gap of %q to %q at %q", d.id(), g.from, g.to, d.at)
			}
		}
	}
	for _, g := range s.gaps {
		if g.from >= g.to {
			return 0, 0, fmt.Errorf("the gap of %q to %q is none", g.from, g.to)
		}
	}
	first, lost := r.missing(s)
	if first != nil {
		lower, upper, _ := r.place(*first)
		return lost, repeated, fmt.Errorf("%s is missing, which lies at %q to %q; gaps are %v", first.id(), lower, upper, s.gaps)
	}
	return lost, repeated, nil
}
