package admin

import (
	"errors"
	"fmt"
	"net/http"

	"github.com/runnel-dev/runnel/runtime/registry"
	"github.com/runnel-dev/runnel/runtime/response"
	"github.com/runnel-dev/runnel/runtime/tenant"
)

// versionAnswer is what uploads and activations answer.
type versionAnswer struct {
	Name      string   `json:"name"`
	Digest    string   `json:"digest"`
	Bytes     int      `json:"bytes"`
	Resolvers []string `json:"resolvers"`
	Active    bool     `json:"active"`
}

// keptAnswer is a version in the description of its module.
type keptAnswer struct {
	Digest    string   `json:"digest"`
	Bytes     int      `json:"bytes"`
	Resolvers []string `json:"resolvers"`
	Created   string   `json:"created"`
	Active    bool     `json:"active"`
}

type modulesAnswer struct {
	Modules []moduleAnswer `json:"modules"`
	Next    string         `json:"next,omitempty"`
}

type activateRequest struct {
	Digest string `json:"digest"`
}

type moduleAnswer struct {
	Name     string       `json:"name"`
	Active   *string      `json:"active"`            // a digest, or null
	Previous *string      `json:"previous"`          // what rollback activates, or null
	Config   *string      `json:"config"`            // the digest of its config, or null
	Versions []keptAnswer `json:"versions"`          // newest first
	Problem  string       `json:"problem,omitempty"` // why the active version does not serve on this node
}

func describeVersion(v registry.Version) versionAnswer {
	return versionAnswer{v.Name, v.Digest, v.Bytes, append([]string{}, v.Resolvers...), v.Active}
}

func describeModule(m registry.Module) moduleAnswer {
	a := moduleAnswer{Name: m.Name, Versions: []keptAnswer{}, Problem: m.Problem}
	for _, v := range m.Versions {
		if v.Active {
			a.Active = &v.Digest
		}
		a.Versions = append(a.Versions, keptAnswer{v.Digest, v.Bytes, append([]string{}, v.Resolvers...), timestamp(v.Uploaded), v.Active})
	}
	if m.Previous != "" {
		a.Previous = &m.Previous
	}
	if m.Config != "" {
		a.Config = &m.Config
	}
	return a
}

// putModule: PUT …/modules/{module}?activate=true. 201 for a new version, 200
// for bytes that the module has.
func (h *handler) putModule(w http.ResponseWriter, r *call) error {
	name := r.params["module"]
	if !tenant.ValidName(name) {
		return badRequest(fmt.Sprintf("a module's name must be 1 to %d of the characters a-z 0-9 -", tenant.MaxNameBytes))
	}
	activate := false
	switch value := r.URL.Query().Get("activate"); {
	case value == "true":
		activate = true
	case value != "false" && r.URL.Query().Has("activate"):
		return badRequest(fmt.Sprintf("activate must be true or false, not %q", cut(value)))
	}
	wasm, err := h.readModule(w, r)
	if err != nil {
		return err
	}
	v, created, err := h.config.Registry.Upload(r.Context(), r.tenant, name, wasm, activate)
	if err != nil {
		var refused *registry.Error
		if errors.As(err, &refused) && refused.Reason == registry.Busy {
			w.Header().Set("Retry-After", "5") // about what a large module takes
		}
		return err
	}
	status := http.StatusOK
	if created {
		status = http.StatusCreated
	}
	return answer(w, status, describeVersion(v))
}

// listModules: GET …/modules.
func (h *handler) listModules(w http.ResponseWriter, r *call) error {
	modules, err := h.config.Registry.List(r.Context(), r.tenant)
	if err != nil {
		return err
	}
	list := []moduleAnswer{}
	for _, m := range modules {
		list = append(list, describeModule(m))
	}
	list, next, err := page(r, list, func(m moduleAnswer) string { return m.Name })
	if err != nil {
		return err
	}
	return answer(w, http.StatusOK, modulesAnswer{list, next})
}

// getModule: GET …/modules/{module}.
func (h *handler) getModule(w http.ResponseWriter, r *call) error {
	m, err := h.config.Registry.Get(r.Context(), r.tenant, r.params["module"])
	if err != nil {
		return err
	}
	return answer(w, http.StatusOK, describeModule(m))
}

// activateModule: POST …/modules/{module}/activate {"digest"}.
func (h *handler) activateModule(w http.ResponseWriter, r *call) error {
	body, err := h.readJSON(w, r, typeJSON)
	if err != nil {
		return err
	}
	o := object{body: body, known: membersOf(activateRequest{})}
	if err := o.read(0, len(body), 0); err != nil {
		return err
	}
	digest, err := o.mustText(0)
	if err != nil {
		return err
	}
	if !validDigest(digest) {
		return o.mistakeAt(o.members[0], "digest must be sha256: and 64 hex digits in lower case, as an upload answers it")
	}
	v, err := h.config.Registry.Activate(r.Context(), r.tenant, r.params["module"], digest)
	if err != nil {
		return err
	}
	return answer(w, http.StatusOK, describeVersion(v))
}

func validDigest(s string) bool {
	const prefix, digits = "sha256:", 64
	if len(s) != len(prefix)+digits || s[:len(prefix)] != prefix {
		return false
	}
	for _, c := range []byte(s[len(prefix):]) {
		if (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}

// rollbackModule: POST …/modules/{module}/rollback, without a body.
func (h *handler) rollbackModule(w http.ResponseWriter, r *call) error {
	v, err := h.config.Registry.Rollback(r.Context(), r.tenant, r.params["module"])
	if err != nil {
		return err
	}
	return answer(w, http.StatusOK, describeVersion(v))
}

// deleteModule: DELETE …/modules/{module}, with all its versions.
func (h *handler) deleteModule(w http.ResponseWriter, r *call) error {
	if err := h.config.Registry.Delete(r.Context(), r.tenant, r.params["module"]); err != nil {
		return err
	}
	return noContent(w)
}

// deleteVersion: DELETE …/modules/{module}/versions/{version}, unless it is active.
func (h *handler) deleteVersion(w http.ResponseWriter, r *call) error {
	if err := h.config.Registry.DeleteVersion(r.Context(), r.tenant, r.params["module"], r.params["version"]); err != nil {
		return err
	}
	return noContent(w)
}

// getSchema: GET …/schema, the composed SDL.
func (h *handler) getSchema(w http.ResponseWriter, r *call) error {
	schema, err := h.config.Registry.Schema(r.Context(), r.tenant)
	switch {
	case err != nil:
		return err
	case schema == nil:
		return notFound("the tenant has no schema: no module is active; PUT …/modules/{module} uploads one")
	}
	response.Write(w, http.StatusOK, typeText, []byte(schema.SDL()))
	return nil
}
