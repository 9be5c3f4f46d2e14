package admin

import (
	"fmt"
	"net/http"

	"github.com/runnel-dev/runnel/runtime/response"
)

// putConfig: PUT …/modules/{module}/config, any JSON value.
func (h *handler) putConfig(w http.ResponseWriter, r *call) error {
	if _, _, err := mediaType(r.Request, typeJSON); err != nil {
		return err
	}
	limit := r.tenant.Limits().ConfigBytes
	over := tooLarge("configBytes", fmt.Sprintf("the config has more than %d bytes, the limit of the tenant", limit))
	text, err := h.readBody(w, r, limit, over)
	if err != nil {
		return err
	}
	if err := h.config.Registry.SetConfig(r.Context(), r.tenant, r.params["module"], text); err != nil {
		return err
	}
	return noContent(w)
}

// getConfig: GET …/modules/{module}/config, as it was sent.
func (h *handler) getConfig(w http.ResponseWriter, r *call) error {
	config, err := h.config.Registry.Config(r.Context(), r.tenant, r.params["module"])
	if err != nil {
		return err
	}
	response.Write(w, http.StatusOK, typeJSON, config.JSON)
	return nil
}

// deleteConfig: DELETE …/modules/{module}/config.
func (h *handler) deleteConfig(w http.ResponseWriter, r *call) error {
	if err := h.config.Registry.DeleteConfig(r.Context(), r.tenant, r.params["module"]); err != nil {
		return err
	}
	return noContent(w)
}
