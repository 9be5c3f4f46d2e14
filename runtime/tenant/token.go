package tenant

import (
	"errors"
	"sync"
	"time"
)

// Token is what a verified token says of itself.
type Token struct {
	Subject string    // the claim that Auth.Subject names; may be empty
	ID      string    // jti; may be empty
	Issued  time.Time // iat; zero where there is none
	Expires time.Time // exp and the clock skew: nothing takes the token from then on
}

// Verified is the identity with the token that proves it, under settings that
// Tenant.Auth has returned. Without a token (Token's zero value) it is that of anonymous
// subscribers.
func (id Identity) Verified(a *Auth, token Token) Identity {
	var h held
	if id.held != nil {
		h = *id.held
	}
	h.auth, h.token = a, token
	return Identity{&h}
}

// Subject is who the subscriber is, by a verified token; empty where there is
// none, or where it does not say.
func (id Identity) Subject() string {
	if id.held == nil {
		return ""
	}
	return id.held.token.Subject
}

// Expires is when the identity ends; zero where it does not.
func (id Identity) Expires() time.Time {
	if id.held == nil {
		return time.Time{}
	}
	return id.held.token.Expires
}

// Why Admits refuses an identity that was good.
var (
	ErrExpired     = errors.New("the token has expired")
	ErrRevoked     = errors.New("the token was revoked")
	ErrAuthChanged = errors.New("the tenant's auth settings have changed")
)

// Admits tells whether an identity is still good: nil, or why not. One that no
// verifier gave, as in dev mode, always is.
func (t *Tenant) Admits(id Identity) error {
	if id.held == nil || id.held.auth == nil {
		return nil
	}
	switch token := &id.held.token; {
	case id.held.auth != t.Auth():
		return ErrAuthChanged
	case !token.Expires.IsZero() && !time.Now().Before(token.Expires):
		return ErrExpired
	case t.revoked(token):
		return ErrRevoked
	}
	return nil
}

// rechecks tell those who serve subscribers, or holders of keys, that some may have
// lost their standing.
type rechecks struct {
	sync.Mutex
	next chan struct{}
}

// channel is closed by the next call.
func (r *rechecks) channel() <-chan struct{} {
	r.Lock()
	defer r.Unlock()
	return r.next
}

func (r *rechecks) call() {
	r.Lock()
	defer r.Unlock()
	close(r.next)
	r.next = make(chan struct{})
}

// Rechecked is closed when identities that were good may not be any more, since
// the settings of who may subscribe have changed or a token was revoked. Whoever
// serves some then asks Admits about each, and for the next Rechecked before that.
func (t *Tenant) Rechecked() <-chan struct{} { return t.rechecks.channel() }
