package telemetry

import "github.com/prometheus/client_golang/prometheus"

const (
	counter = prometheus.CounterValue
	gauge   = prometheus.GaugeValue
)

// family is a metric that is read from a snapshot.
type family[S any] struct {
	name, help string
	kind       prometheus.ValueType
	read       func(*S) float64
}

// counted is a metric with one label, whose values a snapshot has.
type counted[S any] struct {
	name, help, label string
	kind              prometheus.ValueType
	read              func(*S) []Count
}

// nodes are read from the server as a whole.
var nodes = []family[Node]{
	{"runnel_ready", "1 while /readyz says that the server is ready, else 0.", gauge, func(n *Node) float64 { return number(n.Ready) }},
	{"runnel_failing_tenants", "Tenants that are not on this node as the store has them, since they or one of their modules could not be read or loaded; they are tried again.", gauge, func(n *Node) float64 { return float64(n.Failing) }},
	{"runnel_queue_bytes", "Bytes that wait in the queues of all connections.", gauge, func(n *Node) float64 { return float64(n.Waiting) }},
	{"runnel_unacknowledged_sockets", "WebSockets whose client is not known yet.", gauge, func(n *Node) float64 { return float64(n.Arriving) }},
	{"runnel_event_lag_seconds", "Time for which the oldest event that was accepted and not handed out yet has waited, of the tenant where it is longest.", gauge, func(n *Node) float64 { return n.Lag.Seconds() }},
	{"runnel_operations_total", "Operations that were asked for, those refused among them.", counter, func(n *Node) float64 { return float64(n.Operations) }},
	{"runnel_validations_total", "Operations that were validated, because the plan of no equal one was there.", counter, func(n *Node) float64 { return float64(n.Validations) }},
}

var countedNodes = []counted[Node]{
	{"runnel_connections", "Connections of subscribers.", "kind", gauge, func(n *Node) []Count { return n.Connections }},
	{"runnel_disconnects_total", "Connections of subscribers that ended, by reason; slow_consumer is a queue over queueBytes.", "reason", counter, func(n *Node) []Count { return n.Disconnects }},
	{"runnel_subscriptions_ended_total", "Subscriptions that ended, by reason; where the connection ended, by why that did.", "reason", counter, func(n *Node) []Count { return n.Ended }},
	{"runnel_drops_total", "Events of a subscription of which no response left, once for each subscription, by reason; where the connection ended before, by why that did.", "reason", counter, func(n *Node) []Count { return n.Dropped }},
	{"runnel_unfinished_events_total", "Events that were not brought to all whom they reach, once for each field, by reason.", "reason", counter, func(n *Node) []Count { return n.Unfinished }},
}

// sums are added up over all tenants, with those that were deleted.
var sums = []family[Usage]{
	{"fuel_total", "Fuel that runs have used.", counter, func(u *Usage) float64 { return float64(u.Fuel) }},
	{"runs_total", "Runs of resolvers.", counter, func(u *Usage) float64 { return float64(u.Runs) }},
	{"shared_runs_total", "Results that were taken from another's run.", counter, func(u *Usage) float64 { return float64(u.SharedRuns) }},
	{"skipped_events_total", "Events that were not run because the resolver was in quarantine, once for each resolver.", counter, func(u *Usage) float64 { return float64(u.SkippedEvents) }},
	{"malformed_events_total", "Entries that the bus had in an event's place and that are none. What was wrong is in the tenant's log.", counter, func(u *Usage) float64 { return float64(u.Malformed) }},
	{"gaps_total", "Parts of the order of a tenant's events that the bus has lost, of which its subscribers were told.", counter, func(u *Usage) float64 { return float64(u.Gaps) }},
	{"deliveries_total", "Responses that the connections of subscribers took.", counter, func(u *Usage) float64 { return float64(u.Deliveries) }},
	{"work_units_total", "Work of tenants as it counts for their fair share: fuel, and the charges for what else the server did.", counter, func(u *Usage) float64 { return float64(u.Work) }},
	{"turn_wait_seconds_total", "Time that runs, events, validations and re-planning have waited for their turns, added up.", counter, func(u *Usage) float64 { return float64(u.WaitedMicros) / 1e6 }},
	{"delivered_bytes_total", "Bytes of the responses that the connections of subscribers took, as JSON.", counter, func(u *Usage) float64 { return float64(u.DeliveredBytes) }},
	{"skipped_deliveries_total", "Responses of fields with overflow: LATEST that were held back and not sent, since a newer one of their key came.", counter, func(u *Usage) float64 { return float64(u.Skipped) }},
}

// nows are added up over the tenants that there are.
var nows = []family[Usage]{
	{"subscriptions", "Live subscriptions.", gauge, func(u *Usage) float64 { return float64(u.Subscriptions) }},
	{"instances", "Instances that run, or whose run waits for a processor.", gauge, func(u *Usage) float64 { return float64(u.Instances) }},
	{"reserved_memory_bytes", "Memory that the instances which run, or wait to, may grow to.", gauge, func(u *Usage) float64 { return float64(u.MemoryBytes) }},
	{"waiting_events", "Events that this node has from the bus, or has published, and not handed out yet.", gauge, func(u *Usage) float64 { return float64(u.WaitingEvents) }},
	{"waiting_event_bytes", "Bytes that those events take in memory, about.", gauge, func(u *Usage) float64 { return float64(u.WaitingBytes) }},
	{"quarantined_resolvers", "Resolvers in quarantine.", gauge, func(u *Usage) float64 { return float64(u.Quarantined) }},
}

// tenants are those of one tenant, beside sums and nows.
var tenants = []family[Usage]{
	{"events_total", "Events that came from the bus while the tenant had an active module.", counter, func(u *Usage) float64 { return float64(u.Events) }},
	{"event_lag_seconds", "Time for which the oldest event that was accepted and not handed out yet has waited.", gauge, func(u *Usage) float64 { return u.Lag.Seconds() }},
	{"errors_total", "Errors of runs and operations.", counter, func(u *Usage) float64 { return float64(u.errors()) }},
}

func number(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
