package admin

import (
	"net/http"

	"github.com/runnel-dev/runnel/runtime/broker"
	"github.com/runnel-dev/runnel/runtime/tenant"
)

// Quarantine shows and releases the resolvers that are not run since they failed
// for everybody. *broker.Broker does.
type Quarantine interface {
	Quarantined(t *tenant.Tenant) []broker.Quarantined
	Release(t *tenant.Tenant, module string)
}

type quarantinedAnswer struct {
	Module        string `json:"module"`
	Resolver      string `json:"resolver"`
	Digest        string `json:"digest"`
	Failures      int    `json:"failures"`
	SkippedEvents uint64 `json:"skippedEvents"`
	Until         string `json:"until"`
	PauseMs       int64  `json:"pauseMs"`
}

func describeQuarantined(list []broker.Quarantined) []quarantinedAnswer {
	answers := []quarantinedAnswer{}
	for _, q := range list {
		answers = append(answers, quarantinedAnswer{q.Module, q.Resolver, q.Digest, q.Failures, q.Skipped, timestamp(q.Until), q.Pause.Milliseconds()})
	}
	return answers
}

// releaseModule: DELETE …/modules/{module}/quarantine.
func (h *handler) releaseModule(w http.ResponseWriter, r *call) error {
	name := r.params["module"]
	if _, err := h.config.Registry.Get(r.Context(), r.tenant, name); err != nil {
		return err
	}
	h.config.Quarantine.Release(r.tenant, name)
	return noContent(w)
}
