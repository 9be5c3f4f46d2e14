package admin

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/runnel-dev/runnel/abi"
	"github.com/runnel-dev/runnel/runtime/event"
	"github.com/runnel-dev/runnel/runtime/jsondoc"
	"github.com/runnel-dev/runnel/runtime/problem"
	"github.com/runnel-dev/runnel/runtime/tenant"
)

type tenantAnswer struct {
	ID            string        `json:"id"`
	Created       string        `json:"created"`
	Introspection bool          `json:"introspection"`
	Debug         bool          `json:"debug"`
	Limits        tenant.Limits `json:"limits"`
}

type tenantsAnswer struct {
	Tenants []tenantAnswer `json:"tenants"`
	Next    string         `json:"next,omitempty"`
}

// limitsRequest changes the limits that it names; null stands for the default.
type limitsRequest map[string]*int64

type createTenantRequest struct {
	ID            string        `json:"id"`
	Limits        limitsRequest `json:"limits,omitempty"`
	Introspection bool          `json:"introspection,omitempty"`
	Debug         bool          `json:"debug,omitempty"`
}

type patchTenantRequest struct {
	Limits        limitsRequest `json:"limits,omitempty"`
	Introspection bool          `json:"introspection,omitempty"`
	Debug         bool          `json:"debug,omitempty"`
}

func describeTenant(t *tenant.Tenant) tenantAnswer {
	s := t.Settings()
	return tenantAnswer{t.ID(), timestamp(t.Created()), s.Introspection, s.Debug, s.Limits}
}

// createTenant: POST /v1/tenants {"id","limits"?,"introspection"?,"debug"?}.
func (h *handler) createTenant(w http.ResponseWriter, r *call) error {
	body, err := h.readJSON(w, r, typeJSON)
	if err != nil {
		return err
	}
	o := object{body: body, known: membersOf(createTenantRequest{})}
	if err := o.read(0, len(body), 0); err != nil {
		return err
	}
	id, err := o.mustText(0)
	if err != nil {
		return err
	}
	if !tenant.ValidName(id) {
		return o.mistakeAt(o.members[0], fmt.Sprintf("id must be 1 to %d of the characters a-z 0-9 -", tenant.MaxNameBytes))
	}
	settings := tenant.DefaultSettings()
	if err := o.settings(1, &settings); err != nil {
		return err
	}
	t, err := h.config.Tenants.Create(r.Context(), id, settings)
	if err != nil {
		return err
	}
	r.target = id
	w.Header().Set("Location", "/v1/tenants/"+id)
	return answer(w, http.StatusCreated, describeTenant(t))
}

// listTenants: GET /v1/tenants.
func (h *handler) listTenants(w http.ResponseWriter, r *call) error {
	list, next, err := page(r, h.config.Tenants.List(), (*tenant.Tenant).ID)
	if err != nil {
		return err
	}
	answered := tenantsAnswer{Tenants: []tenantAnswer{}, Next: next}
	for _, t := range list {
		answered.Tenants = append(answered.Tenants, describeTenant(t))
	}
	return answer(w, http.StatusOK, answered)
}

// getTenant: GET /v1/tenants/{tenant}.
func (h *handler) getTenant(w http.ResponseWriter, r *call) error {
	return answer(w, http.StatusOK, describeTenant(r.tenant))
}

// patchTenant: PATCH /v1/tenants/{tenant} {"limits"?,"introspection"?,"debug"?}. What
// is named changes, all of it or nothing; a limit of null stands for the default.
func (h *handler) patchTenant(w http.ResponseWriter, r *call) error {
	body, err := h.readJSON(w, r, typeJSON, typeMergePatch)
	if err != nil {
		return err
	}
	o := object{body: body, known: membersOf(patchTenantRequest{})}
	if err := o.read(0, len(body), 0); err != nil {
		return err
	}
	if o.members[0] == 0 && o.members[1] == 0 && o.members[2] == 0 {
		return o.mistakeAt(0, "limits, introspection and debug are missing: nothing is to be changed")
	}
	err = h.config.Tenants.Change(r.Context(), r.tenant, func(s *tenant.Settings) error { return o.settings(0, s) })
	if err != nil {
		return err
	}
	return answer(w, http.StatusOK, describeTenant(r.tenant))
}

// settings changes what the members limits, introspection and debug name, which
// are known from index first on.
func (o *object) settings(first int, s *tenant.Settings) (err error) {
	if n := o.members[first]; n != 0 {
		if s.Limits, err = s.Limits.Merge(o.doc.Raw(n)); err != nil {
			return o.placeLimits(n, err)
		}
	}
	for i, field := range []*bool{&s.Introspection, &s.Debug} {
		value, given, err := o.boolean(first + 1 + i)
		if err != nil {
			return err
		}
		if given {
			*field = value
		}
	}
	return nil
}

// deleteTenant: DELETE /v1/tenants/{tenant}. Its events are gone before the tenant is, and it is
// gone for everyone before what serves it ends.
func (h *handler) deleteTenant(w http.ResponseWriter, r *call) error {
	var first func(context.Context) error
	var failed error
	if before := h.config.BeforeDelete; before != nil {
		first = func(ctx context.Context) error {
			failed = before(ctx, r.tenant)
			return failed
		}
	}
	err := h.config.Tenants.Delete(r.Context(), r.tenant, first)
	if failed != nil && (errors.Is(failed, event.ErrUnavailable) || isEnded(failed)) {
		w.Header().Set("Retry-After", retryUnavailable)
		return problem.New(http.StatusServiceUnavailable, abi.CodeInternal, "the bus can't be reached, which has events of the tenant; it was not deleted, try again later")
	}
	if err != nil {
		return err
	}
	if h.config.OnDelete != nil {
		if err := h.config.OnDelete(r.tenant); err != nil {
			return fmt.Errorf("delete tenant %s: %w", r.tenant.ID(), err)
		}
	}
	return noContent(w)
}

// placeLimits is the answer to limits that are refused, each with the place of
// its name in the body.
func (o *object) placeLimits(limits uint32, err error) error {
	var refused *tenant.LimitsError
	if !errors.As(err, &refused) {
		return err
	}
	p := refusedLimits(refused)
	for i, one := range refused.Problems {
		at := limits
		if value, ok := o.limit(limits, one.Limit); ok {
			at = value - 1
		}
		p.Errors[i] = place(o.body, o.base+int(o.doc.Nodes[at].Start), one.Message)
	}
	return p
}

func (o *object) limit(limits uint32, name string) (value uint32, ok bool) {
	if name == "" || o.doc.Nodes[limits].Kind != jsondoc.Object {
		return 0, false
	}
	return o.doc.Member(limits, name)
}
