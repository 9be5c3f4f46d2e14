// Package token verifies the JSON Web Tokens that subscribers show, by their
// tenant's settings.
//
// A token is believed in nothing until its signature has been verified, with a
// key and an algorithm that the settings name. Then its claims are held against
// the settings and the clock, and become an identity. Keys that an issuer
// publishes are fetched from nowhere but the settings' URL, rarely, and never from
// an address of this machine or of its network.
package token

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"strings"
	"sync"
	"time"

	"github.com/runnel-dev/runnel/runtime/tenant"
)

// ErrUnavailable is what Verify's error wraps where the issuer's keys were never
// fetched, so that nobody can tell whether a token is good.
var ErrUnavailable = errors.New("the issuer's keys could not be fetched")

// Config holds a Verifier's settings.
type Config struct {
	// Allow are the networks that keys may be fetched from although they are not
	// public.
	Allow []netip.Prefix
	// Roots are the authorities that may vouch for those who publish keys. Nil means
	// the system's.
	Roots *x509.CertPool
	// Logger receives what is wrong with published keys. Nil discards.
	Logger *slog.Logger
}

// Verifier verifies the tokens of all tenants. It is safe for concurrent use.
type Verifier struct {
	logger  *slog.Logger
	fetch   func(ctx context.Context, url string) ([]byte, error)
	context context.Context // of fetches
	cancel  context.CancelFunc
	flights sync.WaitGroup

	mu struct {
		sync.Mutex
		closed  bool
		tenants map[*tenant.Tenant]*entry
	}
}

// entry is what is kept for one tenant's settings. It is immutable.
type entry struct {
	auth *tenant.Auth
	key  any     // a secret or a public key; nil where there is a source
	jwks *source // which outlives a change of other settings
}

// New returns a Verifier. Close ends it.
func New(config Config) *Verifier {
	if config.Logger == nil {
		config.Logger = slog.New(slog.DiscardHandler)
	}
	v := &Verifier{logger: config.Logger, fetch: newFetcher(config).fetch}
	v.context, v.cancel = context.WithCancel(context.Background())
	v.mu.tenants = map[*tenant.Tenant]*entry{}
	return v
}

// Close gives up what is being fetched, and returns when nothing is.
func (v *Verifier) Close() {
	v.mu.Lock()
	v.mu.closed = true
	v.mu.Unlock()
	v.cancel()
	v.flights.Wait()
}

// Forget drops what is kept of a tenant that is gone.
func (v *Verifier) Forget(t *tenant.Tenant) {
	v.mu.Lock()
	defer v.mu.Unlock()
	delete(v.mu.tenants, t)
}

// Verify returns who a subscriber is, given the value of an Authorization header.
// An error refuses him, says why, for a log, and quotes nothing secret. Where it
// wraps ErrUnavailable, and where ctx has ended, it may be worth trying again.
// An identity may have ended by the time it is put to use: see tenant.Admits.
func (v *Verifier) Verify(ctx context.Context, t *tenant.Tenant, authorization string) (tenant.Identity, error) {
	auth := t.Auth()
	switch {
	case auth.Anonymous:
		return tenant.Identity{}.Verified(auth, tenant.Token{}), nil
	case !auth.HasVerifier():
		return tenant.Identity{}, errors.New("the tenant has no verifier")
	}
	text, err := bearer(authorization)
	if err != nil {
		return tenant.Identity{}, err
	}
	e, err := v.entry(t, auth)
	if err != nil {
		return tenant.Identity{}, err
	}
	payload, err := e.payload(ctx, text)
	if err != nil {
		return tenant.Identity{}, err
	}
	id, err := readClaims(auth, payload, time.Now())
	if err != nil {
		return tenant.Identity{}, fmt.Errorf("token: %w", err)
	}
	if err := t.Admits(id); err != nil {
		return tenant.Identity{}, fmt.Errorf("token: %w", err)
	}
	return id, nil
}

// bearer takes the token out of "Bearer …".
func bearer(authorization string) (string, error) {
	if authorization == "" {
		return "", errors.New("no token")
	}
	scheme, text, _ := strings.Cut(authorization, " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return "", errors.New("authorization is not of the form Bearer …")
	}
	return strings.Trim(text, " "), nil
}

// entry returns what is kept for the settings, and makes it where they are new.
func (v *Verifier) entry(t *tenant.Tenant, auth *tenant.Auth) (*entry, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	old := v.mu.tenants[t]
	if old != nil && old.auth == auth {
		return old, nil
	}
	e := &entry{auth: auth}
	switch {
	case len(auth.Secret) > 0:
		e.key = auth.Secret
	case auth.PublicKey != "":
		key, err := auth.Key()
		if err != nil {
			return nil, fmt.Errorf("public key: %w", err)
		}
		e.key = key
	case old != nil && old.jwks != nil && old.auth.JWKSURL == auth.JWKSURL && old.auth.Algorithm == auth.Algorithm:
		e.jwks = old.jwks
	default:
		e.jwks = &source{verifier: v, tenant: t.ID(), url: auth.JWKSURL, algorithm: auth.Algorithm}
	}
	select {
	case <-t.Gone(): // Forget has been called, or will be
	default:
		if auth == t.Auth() { // else these are settings of before
			v.mu.tenants[t] = e
		}
	}
	return e, nil
}
