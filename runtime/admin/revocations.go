package admin

import (
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/runnel-dev/runnel/abi"
	"github.com/runnel-dev/runnel/runtime/problem"
	"github.com/runnel-dev/runnel/runtime/tenant"
)

// revocationRequest is for the OpenAPI document.
type revocationRequest struct {
	Sub    string `json:"sub,omitempty"`
	JTI    string `json:"jti,omitempty"`
	Before string `json:"before,omitempty"`
}

// postRevocation: POST /v1/tenants/{tenant}/revocations {"sub" or "jti","before"?}.
// Without before it is the time of the request.
func (h *handler) postRevocation(w http.ResponseWriter, r *call) error {
	now := time.Now()
	body, err := h.readJSON(w, r, typeJSON)
	if err != nil {
		return err
	}
	o := object{body: body, known: []string{"sub", "jti", "before"}}
	if err := o.read(0, len(body), 1); err != nil {
		return err
	}
	revocation, err := o.revocation(now)
	if err != nil {
		return err
	}
	if err := revocation.Validate(); err != nil {
		return o.mistakeAt(0, err.Error())
	}
	r.target = cut(revocation.Subject + revocation.TokenID)
	err = h.config.Tenants.Revoke(r.Context(), r.tenant, revocation)
	if errors.Is(err, tenant.ErrTooManyRevocations) {
		return problem.New(http.StatusConflict, abi.CodeLimitExceeded, fmt.Sprintf(
			"the tenant has %d revocations, which is the most; they are forgotten when their tokens have expired, which is known where PUT …/auth sets maxTokenSeconds", tenant.MaxRevocations))
	}
	if err != nil {
		return err
	}
	return noContent(w)
}

func (o *object) revocation(now time.Time) (r tenant.Revocation, err error) {
	for i, field := range []*string{&r.Subject, &r.TokenID} {
		var given bool
		if *field, given, err = o.text(i); err != nil {
			return r, err
		}
		if given && *field == "" {
			return r, o.mistakeAt(o.members[i], o.known[i]+" must not be empty")
		}
	}
	before, given, err := o.text(2)
	if err != nil {
		return r, err
	}
	r.Before = now
	if given {
		if r.Before, err = time.Parse(time.RFC3339, before); err != nil {
			return r, o.mistakeAt(o.members[2], "before must be a time such as 2026-01-31T12:00:00Z")
		}
	}
	return r, nil
}
