package admin

import (
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/runnel-dev/runnel/abi"
	"github.com/runnel-dev/runnel/runtime/problem"
	"github.com/runnel-dev/runnel/runtime/tenant"
)

// The actors of the audit log that are no keys.
const (
	actorAdmin = "admin"
	actorDev   = "dev"
)

// authorize returns who asks for a route, which is nil where there is none at
// that path. The admin token passes everywhere; a key only on routes of its own
// tenant for which it has a scope. To everyone else all is alike, be the
// tenant there or not: 401. absent is why t is nil: where the tenant cannot be read,
// nobody can tell whose key a key is.
func (h *handler) authorize(w http.ResponseWriter, r *http.Request, found *route, t *tenant.Tenant, absent error) (actor string, err error) {
	if h.config.Dev {
		return actorDev, nil
	}
	presented, ok := bearer(r.Header)
	if ok && h.token.is(presented) {
		return actorAdmin, nil
	}
	if ok && t != nil {
		if k, ok := t.Key(presented); ok {
			return "key:" + k.ID, allow(k, found)
		}
	}
	if ok && errors.Is(absent, tenant.ErrUnread) {
		return "", absent
	}
	w.Header().Set("WWW-Authenticate", challenge)
	return "", problem.New(http.StatusUnauthorized, abi.CodeUnauthenticated, "the header Authorization must carry the admin token, or a key of this tenant: Bearer …")
}

// allow refuses what a key is not for.
func allow(k tenant.Key, found *route) error {
	switch {
	case found == nil || slices.ContainsFunc(found.scopes, k.Allows):
		return nil
	case found.scopes == nil:
		return problem.New(http.StatusForbidden, abi.CodeForbidden, "no key may do this; the admin token may")
	}
	return problem.New(http.StatusForbidden, abi.CodeForbidden,
		fmt.Sprintf("this needs a key of scope %s, and the key's are %s", listed(found.scopes, " or "), listed(k.Scopes, ", ")))
}

const challenge = `Bearer realm="runnel"`

// Guard lets requests that carry the admin token pass to next.
func Guard(token string, next http.Handler) http.Handler {
	want := newSecret(token)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if presented, ok := bearer(r.Header); !ok || !want.is(presented) {
			w.Header().Set("WWW-Authenticate", challenge)
			problem.Write(w, problem.New(http.StatusUnauthorized, abi.CodeUnauthenticated, "the header Authorization must carry the admin token: Bearer …"))
			return
		}
		next.ServeHTTP(w, r)
	})
}

// secret is the digest of a token. The zero value is nobody's.
type secret struct {
	digest [sha256.Size]byte
	set    bool
}

func newSecret(token string) secret { return secret{sha256.Sum256([]byte(token)), token != ""} }

// is compares digests, so that the time tells nothing of the token, its length
// included.
func (s *secret) is(presented string) bool {
	digest := sha256.Sum256([]byte(presented))
	return subtle.ConstantTimeCompare(digest[:], s.digest[:]) == 1 && s.set
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
