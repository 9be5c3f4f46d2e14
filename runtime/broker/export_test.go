package broker

// PlansMade is how many operations were validated under a version.
func PlansMade(v *Version) int {
	v.plans.mu.Lock()
	defer v.plans.mu.Unlock()
	return v.plans.made
}

// LiveMembers is how many subscriptions a tenant has, and how many entries its
// index.
func (b *Broker) LiveMembers() (live, members int) {
	b.mu.RLock()
	defer b.mu.RUnlock()
	for _, st := range b.mu.tenants {
		st.mu.Lock()
		live += st.mu.live.taken
		_, _, _, _, n := st.mu.index.sizes()
		members += n
		st.mu.Unlock()
	}
	return live, members
}

// SharedOperations is how many operations a tenant's subscriptions hold.
func (b *Broker) SharedOperations() (n int) {
	b.mu.RLock()
	defer b.mu.RUnlock()
	for _, st := range b.mu.tenants {
		st.mu.Lock()
		n += len(st.mu.index.operations)
		st.mu.Unlock()
	}
	return n
}

// PageEvents is how many past events a replay reads at a time.
const PageEvents = pageEvents

// UrgentPageEvents is how many it reads while the live events wait.
const UrgentPageEvents = urgentPageEvents

// ShareByTree has no subscriber take what another of its group got without asking the
// tree of reads; ShareNothing has each resolver run for each.
func (b *Broker) ShareByTree()  { b.sharing = sharingByTree }
func (b *Broker) ShareNothing() { b.sharing = sharingNothing }

// Groups is how many buckets of many members tenants have, how many groups these, and
// how many members are to be taken out of them yet.
func (b *Broker) Groups() (crowds, groups, leaving int) {
	b.mu.RLock()
	defer b.mu.RUnlock()
	for _, st := range b.mu.tenants {
		st.mu.Lock()
		for _, x := range []*index{st.mu.index, st.mu.replays} {
			leaving += len(x.leaving)
			for _, c := range x.crowds() {
				crowds++
				for _, d := range c.divisions {
					groups += len(d.groups)
				}
			}
		}
		st.mu.Unlock()
	}
	return crowds, groups, leaving
}

// crowds returns the buckets of many.
func (x *index) crowds() (all []*crowd) {
	for _, fields := range x.channels {
		for _, fi := range fields {
			for _, shape := range fi.shapes {
				for _, b := range shape.buckets {
					if c := b.crowd(); c != nil {
						all = append(all, c)
					}
				}
			}
		}
	}
	return all
}
