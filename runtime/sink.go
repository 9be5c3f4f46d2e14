package runtime

import (
	"context"
	"fmt"
	"iter"
	"log/slog"
	"time"

	"github.com/runnel-dev/runnel/abi"
	"github.com/runnel-dev/runnel/runtime/broker"
	"github.com/runnel-dev/runnel/runtime/event"
	"github.com/runnel-dev/runnel/runtime/telemetry"
	"github.com/runnel-dev/runnel/runtime/tenant"
)

// sink takes events from the bus to the subscriptions.
type sink struct {
	server *Server
	ctx    context.Context // of Run
}

// Receive implements event.Sink.
func (k sink) Receive(e *event.Event) (taken bool) {
	s := k.server
	// A tenant that was created anew under an old id gets no event of the other's.
	t, ok := s.tenants.Get(e.Tenant)
	if !ok || broker.Precedes(t, e) {
		return true
	}
	if !t.AwaitEvent(k.ctx) {
		return k.ctx.Err() == nil // else the tenant is gone
	}
	s.metrics.Received(time.Since(e.Time))
	taken = s.broker.Receive(k.ctx, t, e)
	t.HandedOut()
	return taken
}

// Gap implements event.Sink. The events of a tenant that was deleted are nobody's loss.
func (k sink) Gap(id string, gap event.Gap) {
	t, ok := k.server.tenants.Get(id)
	if !ok {
		return
	}
	k.server.config.Logger.LogAttrs(k.ctx, slog.LevelWarn, "events were lost on the bus",
		slog.String("tenant", id), slog.String("from", string(gap.From)), slog.String("to", string(gap.To)))
	k.log(t, abi.LogError, fmt.Sprintf("events were lost on the bus, behind position %s, up to and with %s", gap.From, gap.To))
	k.server.broker.Lose(t, gap)
}

// Skipped implements event.Sink. It is a matter of those who publish for the tenant, and
// they may do so by the thousand: operators see it at level debug, as what modules log.
func (k sink) Skipped(id string, at event.Position, reason error) {
	k.server.config.Logger.LogAttrs(k.ctx, slog.LevelDebug, "event skipped: the bus has something else in its place",
		slog.String("tenant", id), slog.String("position", string(at)), slog.String("error", reason.Error()))
	if t, ok := k.server.tenants.Get(id); ok {
		k.log(t, abi.LogWarn, fmt.Sprintf("malformed event skipped at position %s: %v", at, reason))
		k.server.broker.Pass(t, at)
	}
}

// maxSinkLine bounds a line of a tenant's log that is about the bus.
const maxSinkLine = 1 << 10

// log adds a line of no module to a tenant's log.
func (k sink) log(t *tenant.Tenant, level abi.LogLevel, text string) {
	line := telemetry.Line{Level: level, Text: text[:min(len(text), maxSinkLine)], Truncated: len(text) > maxSinkLine}
	k.server.logs.Of(t).Add(line)
}

// Tenants implements event.Sink.
func (k sink) Tenants() iter.Seq2[string, event.Retention] {
	return func(yield func(string, event.Retention) bool) {
		for _, t := range k.server.tenants.List() {
			limits := t.Limits()
			if !yield(t.ID(), retention(&limits)) {
				return
			}
		}
	}
}

// retention is what the bus keeps of a tenant's events.
func retention(l *tenant.Limits) event.Retention {
	return event.Retention{
		Bytes: l.RetentionBytes, Events: l.RetentionEvents,
		Age: time.Duration(l.RetentionSeconds) * time.Second, IDs: time.Duration(l.IDWindow) * time.Second,
	}
}
