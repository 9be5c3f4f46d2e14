package admin

import (
	"context"
	"net/http"

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
}

type usageAnswer struct {
	Node        string              `json:"node"`
	Since       string              `json:"since"`
	Usage       usedAnswer          `json:"usage"`
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
	return answer(w, http.StatusOK, usageAnswer{
		Node: h.config.Node, Since: timestamp(u.Since),
		Usage:       usedAnswer{u.Fuel, u.Runs, u.SharedRuns, u.Events, u.SkippedEvents, u.Deliveries, u.DeliveredBytes, u.SkippedDeliveries, u.Errors},
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
