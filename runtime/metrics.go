package runtime

import (
	"errors"
	"time"

	"github.com/runnel-dev/runnel/runtime/event"
	"github.com/runnel-dev/runnel/runtime/registry"
	"github.com/runnel-dev/runnel/runtime/sandbox"
	"github.com/runnel-dev/runnel/runtime/telemetry"
	"github.com/runnel-dev/runnel/runtime/tenant"
)

// uploaded counts what became of an upload.
func (s *Server) uploaded(created bool, err error) {
	var refused *registry.Error
	switch isError := errors.As(err, &refused); {
	case created:
		s.metrics.Uploaded(telemetry.Created)
	case err == nil:
		s.metrics.Uploaded(telemetry.Known)
	case isError && refused.Reason == registry.Busy:
		s.metrics.Uploaded(telemetry.Busy)
	case isError && refused.Reason != registry.Unavailable:
		s.metrics.Uploaded(telemetry.Refused)
	default:
		s.metrics.Uploaded(telemetry.Failed)
	}
}

// compiled counts a compilation.
func (s *Server) compiled(took time.Duration, err error) {
	var refused *sandbox.AdmissionError
	switch {
	case err == nil:
		s.metrics.Compiled(telemetry.Created, took)
	case errors.As(err, &refused):
		s.metrics.Compiled(telemetry.Refused, took)
	default:
		s.metrics.Compiled(telemetry.Failed, took)
	}
}

// reasonClient is that of what ends with a client's message complete.
const reasonClient = "client_complete"

// counted labels numbers with the names of what they count.
func counted[K interface {
	comparable
	String() string
}](numbers map[K]uint64) (counts []telemetry.Count) {
	for key, n := range numbers {
		counts = append(counts, telemetry.Count{Label: key.String(), Value: n})
	}
	return counts
}

// source is what metrics are read from.
type source struct{ *Server }

// Node implements telemetry.Source.
func (s source) Node() telemetry.Node {
	connections, counts := s.transport.Stats(), s.broker.Counts()
	n := telemetry.Node{
		Ready: s.Ready() == nil, Failing: int64(len(s.follower.failing())),
		Connections: []telemetry.Count{{Label: "websocket", Value: uint64(connections.WebSockets)}, {Label: "sse", Value: uint64(connections.Streams)}},
		Arriving:    int64(connections.Unauthenticated), Waiting: connections.WaitingBytes,
		Operations: counts.Operations, Validations: counts.Validations,
	}
	for _, t := range s.tenants.List() {
		n.Lag = max(n.Lag, lag(s.bus.Backlog(t.ID())))
	}
	n.Disconnects = counted(connections.Endings)
	// A reason that both know, which is the tenant's deletion, is one.
	ended := map[string]uint64{reasonClient: connections.Completed}
	for ending, count := range connections.Closed {
		ended[ending.String()] += count
	}
	for ending, count := range counts.Endings {
		ended[ending.String()] += count
	}
	for reason, count := range ended {
		n.Ended = append(n.Ended, telemetry.Count{Label: reason, Value: count})
	}
	n.Dropped = append(counted(connections.Lost),
		telemetry.Count{Label: reasonClient, Value: connections.Unwanted}, telemetry.Count{Label: "quarantine", Value: counts.Quarantined},
		telemetry.Count{Label: "latest", Value: counts.Superseded})
	n.Unfinished = []telemetry.Count{{Label: "ended", Value: counts.Interrupted}, {Label: "internal", Value: counts.Broken}}
	return n
}

// lag is for how long the oldest event of a backlog has waited.
func lag(b event.Backlog) time.Duration {
	if b.Oldest.IsZero() {
		return 0
	}
	return max(0, time.Since(b.Oldest))
}

// Usage implements telemetry.Source.
func (s source) Usage() []telemetry.Usage {
	tenants := s.tenants.List()
	list := make([]telemetry.Usage, len(tenants))
	for i, t := range tenants {
		list[i] = s.usageOf(t)
	}
	return list
}

func (s source) usageOf(t *tenant.Tenant) telemetry.Usage {
	used := s.broker.Usage(t)
	u := telemetry.Usage{
		Tenant: t.ID(), Incarnation: t.Incarnation(),
		Fuel: used.Fuel, Runs: used.Runs, SharedRuns: used.SharedRuns, Events: used.Events, SkippedEvents: used.SkippedEvents, Malformed: used.Malformed, Gaps: used.Gaps,
		Work: used.Work, WaitedMicros: uint64(used.Waited.Microseconds()),
		Deliveries: used.Deliveries, DeliveredBytes: used.DeliveredBytes, Skipped: used.SkippedDeliveries, Errors: make(map[string]uint64, len(used.Errors)),
		Subscriptions: used.Subscriptions, Instances: used.Instances, MemoryBytes: used.MemoryBytes,
		Quarantined: int64(len(s.broker.Quarantined(t))),
	}
	waiting := s.bus.Backlog(t.ID())
	u.WaitingEvents, u.WaitingBytes, u.Lag = int64(waiting.Events), int64(waiting.Bytes), lag(waiting)
	for code, n := range used.Errors {
		u.Errors[string(code)] = n
	}
	return u
}
