package admin

import (
	"context"
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

// The actors of the audit log.
const (
	actorAdmin = "admin"
	actorDev   = "dev"
	actorKey   = "key:" // and its id
)

// authorize returns who asks for a route, which is nil where there is none at
// that path. The admin token passes everywhere; a key only on routes of its own
// tenant for which it has a scope. To everyone else all is alike, be the
// tenant there or not: 401. absent is why t is nil: where the tenant cannot be read,
// nobody can tell whose key a key is.
func (h *handler) authorize(r *http.Request, found *route, t *tenant.Tenant, absent error) (actor string, err error) {
	if h.config.Dev {
		return actorDev, nil
	}
	presented, ok := bearer(r.Header)
	if ok && h.token.is(presented) {
		return actorAdmin, nil
	}
	if ok && t != nil {
		if k, ok := t.Key(presented); ok {
			return actorKey + k.ID, allow(k, found)
		}
	}
	if ok && errors.Is(absent, tenant.ErrUnread) {
		return "", absent
	}
	return "", problem.New(http.StatusUnauthorized, abi.CodeUnauthenticated, "the header Authorization must carry the admin token, or a key of this tenant: Bearer …")
}

// again judges a call anew, after what took its time: the key may have been revoked
// meanwhile, and the tenant deleted. The answer is that to a call that begins now.
func (h *handler) again(r *call) error {
	t := r.tenant
	if t != nil {
		if now, _ := h.config.Tenants.Get(t.ID()); now != t {
			t = nil // be it that its id is another's by now
		}
	}
	if _, err := h.authorize(r.Request, r.route, t, nil); err != nil {
		return err
	}
	if t != r.tenant {
		return noTenant()
	}
	return nil
}

// whileAllowed has the context of a call end with its answer when its key is
// revoked, so that what waits, such as an upload for its turn, does not take effect
// any more. Events are too many to be watched each, and wait for nothing. The
// caller calls end.
func (h *handler) whileAllowed(r *call) (end func()) {
	if !strings.HasPrefix(r.actor, actorKey) || r.route.path == EventsRoute {
		return func() {}
	}
	ctx, cancel := context.WithCancelCause(r.Context())
	r.Request = r.WithContext(ctx)
	watched := *r
	go func() {
		for {
			changed := r.tenant.KeysChanged()
			if err := h.again(&watched); err != nil {
				cancel(err)
				return
			}
			select {
			case <-changed:
			case <-ctx.Done():
				return
			}
		}
	}()
	return func() { cancel(nil) }
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
