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

// source is what metrics are read from.
type source struct{ *Server }

// Node implements telemetry.Source.
func (s source) Node() telemetry.Node {
	connections, counts := s.transport.Stats(), s.broker.Counts()
	n := telemetry.Node{
		Ready: s.Ready() == nil, Failing: int64(len(s.follower.failing())),
		Connections: []telemetry.Count{{Label: "websocket", Value: uint64(connections.WebSockets)}, {Label: "sse", Value: uint64(connections.Streams)}},
		Arriving:    int64(connections.Unauthenticated), Waiting: connections.WaitingBytes, Dropped: connections.Dropped,
		Operations: counts.Operations, Validations: counts.Validations,
	}
	for _, t := range s.tenants.List() {
		n.Lag = max(n.Lag, lag(s.bus.Backlog(t.ID())))
	}
	for ending, count := range connections.Endings {
		n.Disconnects = append(n.Disconnects, telemetry.Count{Label: ending.String(), Value: count})
	}
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
