package broker

import "sync/atomic"

// Counts are what a Broker has done for all tenants so far.
type Counts struct {
	Operations  uint64 // that were asked for, those refused among them
	Validations uint64 // of operation texts that no equal one was known of, at activations too
}

// counters is safe for concurrent use.
type counters struct{ operations, validations atomic.Uint64 }

// Counts returns a snapshot.
func (b *Broker) Counts() Counts {
	return Counts{Operations: b.counters.operations.Load(), Validations: b.counters.validations.Load()}
}
