package telemetry

import "time"

// Source is what a server has counted itself. It is safe for concurrent use.
type Source interface {
	// Node returns what concerns the server as a whole.
	Node() Node
	// Usage returns what each tenant has used. The caller owns the slice.
	Usage() []Usage
}

// Node is a snapshot of a whole server.
type Node struct {
	Ready       bool
	Failing     int64   // tenants that are not on this node as the store has them, now
	Connections []Count // by kind, now
	Arriving    int64   // sockets that are not acknowledged yet, now
	Waiting     int64   // bytes in the queues of connections, now
	Disconnects []Count // by reason, so far
	Ended       []Count // subscriptions by reason, so far
	Dropped     []Count // events and responses of subscriptions by reason, so far
	Unfinished  []Count // events by reason, so far

	Lag time.Duration // for which the oldest event that was not handed out has waited

	Operations  uint64 // that were asked for, so far
	Validations uint64 // of operations, so far
}

// Count is a number under a label.
type Count struct {
	Label string
	Value uint64
}

// Usage is a snapshot of what one tenant has used so far, and uses now, on this
// node.
type Usage struct {
	Tenant      string
	Incarnation string // another for a tenant that gets the id of one that was deleted

	Fuel           uint64
	Runs           uint64
	SharedRuns     uint64
	Events         uint64
	Malformed      uint64
	Gaps           uint64
	SkippedEvents  uint64
	Deliveries     uint64
	DeliveredBytes uint64
	Skipped        uint64            // deliveries, for newer ones
	Errors         map[string]uint64 // by code
	Work           uint64            // units that count for the fair share
	WaitedMicros   uint64            // for turns to work

	Subscriptions int64 // now, as what follows
	Instances     int64
	MemoryBytes   int64
	Quarantined   int64
	WaitingEvents int64
	WaitingBytes  int64         // of those events
	Lag           time.Duration // for which the oldest of them has waited
}

// add adds what was counted between two snapshots.
func (u *Usage) add(now, before *Usage) {
	u.Fuel += since(now.Fuel, before.Fuel)
	u.Runs += since(now.Runs, before.Runs)
	u.SharedRuns += since(now.SharedRuns, before.SharedRuns)
	u.Events += since(now.Events, before.Events)
	u.Malformed += since(now.Malformed, before.Malformed)
	u.Gaps += since(now.Gaps, before.Gaps)
	u.SkippedEvents += since(now.SkippedEvents, before.SkippedEvents)
	u.Deliveries += since(now.Deliveries, before.Deliveries)
	u.DeliveredBytes += since(now.DeliveredBytes, before.DeliveredBytes)
	u.Skipped += since(now.Skipped, before.Skipped)
	u.Work += since(now.Work, before.Work)
	u.WaitedMicros += since(now.WaitedMicros, before.WaitedMicros)
	if u.Errors == nil {
		u.Errors = map[string]uint64{}
	}
	for code, n := range now.Errors {
		u.Errors[code] += since(n, before.Errors[code])
	}
}

// since is what a count has grown by; one that fell was begun anew.
func since(now, before uint64) uint64 {
	if now < before {
		return now
	}
	return now - before
}

// work is how busy a tenant kept the server between two snapshots: a unit of
// fuel counts as much as a byte that was delivered.
func work(now, before *Usage) float64 {
	return float64(since(now.Fuel, before.Fuel)) + float64(since(now.DeliveredBytes, before.DeliveredBytes))
}

func (u *Usage) errors() uint64 {
	var sum uint64
	for _, n := range u.Errors {
		sum += n
	}
	return sum
}
