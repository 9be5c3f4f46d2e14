package admin

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/runnel-dev/runnel/runtime/jsondoc"
	"github.com/runnel-dev/runnel/runtime/tenant"
)

// maxKeyName bounds the name of a key, in bytes.
const maxKeyName = 100

type createKeyRequest struct {
	Name   string         `json:"name,omitempty"`
	Scopes []tenant.Scope `json:"scopes"`
}

type keyAnswer struct {
	ID      string         `json:"id"`
	Name    string         `json:"name"`
	Scopes  []tenant.Scope `json:"scopes"`
	Created string         `json:"created"`
}

// newKeyAnswer alone has the key itself.
type newKeyAnswer struct {
	keyAnswer
	Key string `json:"key"`
}

type keysAnswer struct {
	Keys []keyAnswer `json:"keys"`
	Next string      `json:"next,omitempty"`
}

func describeKey(k tenant.Key) keyAnswer {
	return keyAnswer{k.ID, k.Name, append([]tenant.Scope{}, k.Scopes...), timestamp(k.Created)}
}

// createKey: POST …/keys {"name"?,"scopes"}.
func (h *handler) createKey(w http.ResponseWriter, r *call) error {
	body, err := h.readJSON(w, r, typeJSON)
	if err != nil {
		return err
	}
	o := object{body: body, known: membersOf(createKeyRequest{})}
	if err := o.read(0, len(body), 0); err != nil {
		return err
	}
	name, _, err := o.text(0)
	if err != nil {
		return err
	}
	if len(name) > maxKeyName || strings.ContainsFunc(name, func(c rune) bool { return c < ' ' || c == utf8.RuneError }) {
		return o.mistakeAt(o.members[0], fmt.Sprintf("name must have at most %d bytes and no control characters", maxKeyName))
	}
	scopes, err := o.scopes(1)
	if err != nil {
		return err
	}
	k, text, err := h.config.Tenants.CreateKey(r.Context(), r.tenant, name, scopes)
	if err != nil {
		return err
	}
	r.target = k.ID
	w.Header().Set("Location", "/v1/tenants/"+r.tenant.ID()+"/keys/"+k.ID)
	return answer(w, http.StatusCreated, newKeyAnswer{describeKey(k), text})
}

// scopes reads the member known[i], which must be there.
func (o *object) scopes(i int) ([]tenant.Scope, error) {
	n := o.members[i]
	if n == 0 {
		return nil, o.missing(i)
	}
	if k := o.doc.Nodes[n].Kind; k != jsondoc.Array {
		return nil, o.mistakeAt(n, fmt.Sprintf("%s must be an array, not %s", o.known[i], k))
	}
	var scopes []tenant.Scope
	for item := n + 1; item < o.doc.Nodes[n].Next; item = o.doc.Nodes[item].Next {
		scope := tenant.Scope("")
		if o.doc.Nodes[item].Kind == jsondoc.String {
			scope = tenant.Scope(o.doc.AppendString(nil, item))
		}
		switch {
		case !slices.Contains(tenant.Scopes(), scope):
			return nil, o.mistakeAt(item, fmt.Sprintf("a scope is one of %s", listed(tenant.Scopes(), ", ")))
		case slices.Contains(scopes, scope):
			return nil, o.mistakeAt(item, fmt.Sprintf("the scope %s is there twice", scope))
		}
		scopes = append(scopes, scope)
	}
	if scopes == nil {
		return nil, o.mistakeAt(n, "at least one scope is wanted: "+listed(tenant.Scopes(), ", "))
	}
	return scopes, nil
}

func listed(scopes []tenant.Scope, separator string) string {
	names := make([]string, len(scopes))
	for i, s := range scopes {
		names[i] = string(s)
	}
	return strings.Join(names, separator)
}

// listKeys: GET …/keys.
func (h *handler) listKeys(w http.ResponseWriter, r *call) error {
	list, next, err := page(r, r.tenant.Keys(), func(k tenant.Key) string { return k.ID })
	if err != nil {
		return err
	}
	answered := keysAnswer{Keys: []keyAnswer{}, Next: next}
	for _, k := range list {
		answered.Keys = append(answered.Keys, describeKey(k))
	}
	return answer(w, http.StatusOK, answered)
}

// deleteKey: DELETE …/keys/{key}.
func (h *handler) deleteKey(w http.ResponseWriter, r *call) error {
	if err := h.config.Tenants.DeleteKey(r.Context(), r.tenant, r.params["key"]); err != nil {
		return err
	}
	return noContent(w)
}
