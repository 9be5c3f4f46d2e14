package broker

import (
	"context"
	"log/slog"
	"runtime/debug"
	"slices"
	"sync"

	"github.com/runnel-dev/runnel/runtime/event"
	"github.com/runnel-dev/runnel/runtime/graph"
	"github.com/runnel-dev/runnel/runtime/jsondoc"
	"github.com/runnel-dev/runnel/runtime/tenant"
)

// matched is a field with the places of that moment that an event reaches
// through it.
type matched struct {
	field  *graph.RootField
	places []*place
}

// Receive brings an event to the subscriptions of a tenant, and returns when
// all of it is handed out. Events of one channel are received one after the
// other, by the caller's care. ctx ends runs that wait, at shutdown.
func (b *Broker) Receive(ctx context.Context, t *tenant.Tenant, e *event.Event) {
	st := b.state(t, false)
	if st == nil {
		return
	}
	var payload jsondoc.Document
	if err := payload.Parse(e.Payload, jsondoc.Options{}); err != nil {
		b.config.Logger.LogAttrs(ctx, slog.LevelError, "event skipped: malformed payload",
			slog.String("tenant", e.Tenant), slog.String("channel", e.Channel), slog.String("event", e.ID), slog.String("error", err.Error()))
		return
	}
	st.usage.events.Add(1)
	version, fields := st.match(e.Channel, &payload)
	defer st.release(version)
	if len(fields) == 0 {
		return
	}
	common := inputs{id: e.ID, payload: e.Payload, meta: e.AppendMeta(nil)}
	var groups sync.WaitGroup
	for _, m := range fields[1:] {
		groups.Go(func() { b.fanOut(ctx, st, version, m, common) })
	}
	b.fanOut(ctx, st, version, fields[0], common)
	groups.Wait()
}

// match collects whom an event reaches, and the version that it runs under.
func (st *state) match(channel string, payload *jsondoc.Document) (*Version, []*matched) {
	st.mu.Lock()
	defer st.mu.Unlock()
	version := st.useLocked()
	var fields []*matched
	st.mu.index.match(channel, payload, func(fi *fieldIndex, b *bucket) {
		if len(fields) == 0 || fields[len(fields)-1].field != fi.field {
			fields = append(fields, &matched{field: fi.field})
		}
		m := fields[len(fields)-1]
		n := b.members()
		m.places = slices.Grow(m.places, n)
		for i := range n {
			m.places = append(m.places, b.member(i).place)
		}
	})
	return version, fields
}

// recovered keeps a bug that one event of one field meets from ending the
// server for all tenants.
func (b *Broker) recovered(ctx context.Context, m *matched, in *inputs) {
	if bug := recover(); bug != nil {
		b.config.Logger.LogAttrs(ctx, slog.LevelError, "event given up: this is a bug of the server",
			slog.String("resolver", m.field.Resolver), slog.String("event", in.id), slog.Any("panic", bug), slog.String("stack", string(debug.Stack())))
	}
}
