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
