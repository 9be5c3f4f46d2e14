package admin

import (
	"crypto/sha256"
	"crypto/subtle"
	"net/http"
	"strings"

	"github.com/runnel-dev/runnel/abi"
	"github.com/runnel-dev/runnel/runtime/problem"
)

// authorize lets the admin token pass. Digests are compared, so that the time
// tells nothing of the token, its length included.
func (h *handler) authorize(w http.ResponseWriter, r *http.Request) error {
	if h.config.Dev {
		return nil
	}
	presented, ok := bearer(r.Header)
	digest := sha256.Sum256([]byte(presented))
	same := subtle.ConstantTimeCompare(digest[:], h.token[:]) == 1
	if ok && same && h.config.Token != "" {
		return nil
	}
	w.Header().Set("WWW-Authenticate", `Bearer realm="runnel"`)
	return problem.New(http.StatusUnauthorized, abi.CodeUnauthenticated, "the header Authorization must carry the admin token: Bearer …")
}

// bearer returns the token of the one Authorization header.
func bearer(h http.Header) (token string, ok bool) {
	values := h.Values("Authorization")
	if len(values) != 1 {
		return "", false
	}
	scheme, token, _ := strings.Cut(values[0], " ")
	token = strings.Trim(token, " ")
	return token, strings.EqualFold(scheme, "Bearer") && token != ""
}
