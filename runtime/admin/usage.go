package admin

import (
	"context"
	"net/http"
	"time"

	"github.com/runnel-dev/runnel/abi"
	"github.com/runnel-dev/runnel/runtime/broker"
	"github.com/runnel-dev/runnel/runtime/tenant"
)

// Usage tells what a tenant has used, on all nodes, and what it uses on this one.
type Usage interface {
	// Usage gives tenant.ErrUnknown where the tenant was deleted.
	Usage(ctx context.Context, t *tenant.Tenant) (broker.Usage, error)
	// Gauges tells what is in use now, by the names of the limits on it. What cannot
	// be told is left out.
	Gauges(ctx context.Context, t *tenant.Tenant) map[string]int64
	// Waiting tells what waits on this node.
	Waiting(t *tenant.Tenant) Waiting
}

// Waiting are events that were accepted and not handed out to their subscribers.
type Waiting struct {
	Events int
	Bytes  int           // that they take in memory, about
	Lag    time.Duration // for which the oldest has waited
}

type usageAnswer struct {
	Node        string              `json:"node"`
	Since       string              `json:"since"`
	Usage       usedAnswer          `json:"usage"`
	Waiting     waitingAnswer       `json:"waiting"`
	Limits      []limitAnswer       `json:"limits"`
	Quarantined []quarantinedAnswer `json:"quarantined"`
}

// usedAnswer counts on all nodes, since then.
type usedAnswer struct {
	Fuel           uint64 `json:"fuel"`
	Runs           uint64 `json:"runs"`
	SharedRuns     uint64 `json:"sharedRuns"`
	Events         uint64 `json:"events"`
	SkippedEvents  uint64 `json:"skippedEvents"`
	Deliveries     uint64 `json:"deliveries"`
	DeliveredBytes uint64 `json:"deliveredBytes"`

	SkippedDeliveries uint64 `json:"skippedDeliveries"`

	Errors map[abi.Code]uint64 `json:"errors"`
}

// waitingAnswer is what waits on the node that answers.
type waitingAnswer struct {
	Events int   `json:"events"`
	Bytes  int   `json:"bytes"`
	LagMS  int64 `json:"lagMs"`
}

// limitAnswer is a limit with what is used of it now, where that is one amount.
type limitAnswer struct {
	Name  string `json:"name"`
	Unit  string `json:"unit"`
	Limit int64  `json:"limit"`
	Used  *int64 `json:"used,omitempty"`
}

// getUsage: GET …/usage.
func (h *handler) getUsage(w http.ResponseWriter, r *call) error {
	u, err := h.config.Usage.Usage(r.Context(), r.tenant)
	if err != nil {
		return err
	}
	waiting := h.config.Usage.Waiting(r.tenant)
	return answer(w, http.StatusOK, usageAnswer{
		Node: h.config.Node, Since: timestamp(u.Since),
		Usage:       usedAnswer{u.Fuel, u.Runs, u.SharedRuns, u.Events, u.SkippedEvents, u.Deliveries, u.DeliveredBytes, u.SkippedDeliveries, u.Errors},
		Waiting:     waitingAnswer{waiting.Events, waiting.Bytes, waiting.Lag.Milliseconds()},
		Limits:      describeLimits(r.tenant.Limits(), h.config.Usage.Gauges(r.Context(), r.tenant)),
		Quarantined: describeQuarantined(h.config.Quarantine.Quarantined(r.tenant)),
	})
}

func describeLimits(limits tenant.Limits, gauges map[string]int64) (list []limitAnswer) {
	for _, d := range tenant.Definitions() {
		one := limitAnswer{Name: d.Name, Unit: d.Unit, Limit: d.Value(&limits)}
		if used, ok := gauges[d.Name]; ok {
			one.Used = &used
		}
		list = append(list, one)
	}
	return list
}
