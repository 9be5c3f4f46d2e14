package admin

import (
	"errors"
	"net/http"
	"time"

	"github.com/runnel-dev/runnel/runtime/problem"
	"github.com/runnel-dev/runnel/runtime/tenant"
)

// authRequest is for the OpenAPI document: tenant.ParseAuth reads the body.
type authRequest struct {
	Mode             string      `json:"mode,omitempty"`
	Algorithm        string      `json:"algorithm,omitempty"`
	Secret           string      `json:"secret,omitempty"`
	SecretBase64     string      `json:"secretBase64,omitempty"`
	PublicKey        string      `json:"publicKey,omitempty"`
	JWKSURL          string      `json:"jwksUrl,omitempty"`
	Issuer           string      `json:"issuer,omitempty"`
	Audience         any         `json:"audience,omitempty"` // a string or a list of strings
	ClockSkewSeconds int         `json:"clockSkewSeconds,omitempty"`
	MaxTokenSeconds  int         `json:"maxTokenSeconds,omitempty"`
	Claims           *claimNames `json:"claims,omitempty"`
	Origins          []string    `json:"origins,omitempty"`
}

type claimNames struct {
	Subject     string `json:"subject,omitempty"`
	Permissions string `json:"permissions,omitempty"`
}

type authAnswer struct {
	Mode             string     `json:"mode"`
	Algorithm        string     `json:"algorithm,omitempty"`
	SecretSet        bool       `json:"secretSet,omitempty"`
	PublicKey        string     `json:"publicKey,omitempty"`
	JWKSURL          string     `json:"jwksUrl,omitempty"`
	Issuer           string     `json:"issuer,omitempty"`
	Audience         []string   `json:"audience,omitempty"`
	ClockSkewSeconds int        `json:"clockSkewSeconds"`
	MaxTokenSeconds  int        `json:"maxTokenSeconds,omitempty"`
	Claims           claimNames `json:"claims"`
	Origins          []string   `json:"origins,omitempty"`
}

// describeAuth shows the settings without the secret.
func describeAuth(a *tenant.Auth) authAnswer {
	mode := "required"
	if a.Anonymous {
		mode = "anonymous"
	}
	return authAnswer{
		Mode: mode, Algorithm: a.Algorithm, SecretSet: len(a.Secret) > 0, PublicKey: a.PublicKey, JWKSURL: a.JWKSURL,
		Issuer: a.Issuer, Audience: a.Audience, ClockSkewSeconds: int(a.ClockSkew / time.Second), MaxTokenSeconds: int(a.TokenAge / time.Second),
		Claims: claimNames{a.Subject, a.Permission}, Origins: a.Origins,
	}
}

// putAuth: PUT /v1/tenants/{tenant}/auth, with what tenant.ParseAuth reads. The
// settings are replaced whole, and answered without the secret.
func (h *handler) putAuth(w http.ResponseWriter, r *call) error {
	body, err := h.readJSON(w, r, typeJSON)
	if err != nil {
		return err
	}
	auth, err := tenant.ParseAuth(body)
	if err != nil {
		return placeAuth(body, err)
	}
	if err := h.setAuth(r, &auth); err != nil {
		return err
	}
	return answer(w, http.StatusOK, describeAuth(&auth))
}

// getAuth: GET /v1/tenants/{tenant}/auth.
func (h *handler) getAuth(w http.ResponseWriter, r *call) error {
	return answer(w, http.StatusOK, describeAuth(r.tenant.Auth()))
}

// deleteAuth: DELETE /v1/tenants/{tenant}/auth. Every subscriber is refused from
// then on.
func (h *handler) deleteAuth(w http.ResponseWriter, r *call) error {
	auth := tenant.DefaultAuth()
	if err := h.setAuth(r, &auth); err != nil {
		return err
	}
	return noContent(w)
}

func (h *handler) setAuth(r *call, a *tenant.Auth) error {
	return h.config.Tenants.Change(r.Context(), r.tenant, func(s *tenant.Settings) error {
		s.Auth = a
		return nil
	})
}

// placeAuth is the answer to settings that are refused, each mistake with its
// place.
func placeAuth(body []byte, err error) error {
	var refused *tenant.AuthError
	if !errors.As(err, &refused) {
		return err
	}
	p := badRequest("")
	p.Errors = make([]problem.Error, len(refused.Problems))
	for i, one := range refused.Problems {
		p.Errors[i] = place(body, one.Offset, one.Message)
	}
	return p
}
