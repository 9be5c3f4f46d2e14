package tenant

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"strings"
	"sync"
	"time"

	"github.com/runnel-dev/runnel/abi"
)

// MaxRevocations is how many revocations a tenant has at most.
const MaxRevocations = 10_000

// ErrTooManyRevocations is what Directory.Revoke gives where MaxRevocations are
// kept and none of them can be forgotten yet.
var ErrTooManyRevocations = errors.New("too many revocations")

// Revocation ends what tokens of one subscriber, or one token, have opened, and
// refuses those tokens from then on. It is a plain value.
type Revocation struct {
	Subject string // whose tokens; or
	TokenID string // which token, by its claim jti
	// Before is a time: tokens that were issued earlier are refused. Where it is in
	// the future, none is taken that is issued until then. A token without iat is
	// refused always.
	Before time.Time
}

// Validate tells what is wrong with a revocation.
func (r Revocation) Validate() error {
	name := r.Subject + r.TokenID
	switch {
	case (r.Subject == "") == (r.TokenID == ""):
		return errors.New("either sub or jti is wanted")
	case len(name) > abi.MaxNameBytes:
		return fmt.Errorf("sub or jti has %d bytes: at most %d are allowed", len(name), abi.MaxNameBytes)
	case strings.Contains(name, "\x00"):
		return errors.New("sub or jti has a zero byte")
	case r.Before.Unix() < 0 || r.Before.Unix() > maxUnix:
		return errors.New("before must be a time from 1970 to 9999")
	}
	return nil
}

func (r Revocation) named() bool { return r.Subject != "" || r.TokenID != "" }

// key names what is revoked.
func (r Revocation) key() string {
	if r.TokenID != "" {
		return "jti " + r.TokenID
	}
	return "sub " + r.Subject
}

// id is that of the record in the store.
func (r Revocation) id() string {
	digest := sha256.Sum256([]byte(r.key()))
	return hex.EncodeToString(digest[:])
}

// over tells whether every token that the revocation could concern has expired.
// That is known where settings bound the age of tokens.
func (r Revocation) over(a *Auth, now time.Time) bool {
	return a.TokenAge != 0 && now.After(r.Before.Add(a.TokenAge+a.ClockSkew))
}

// revocations are those of one tenant.
type revocations struct {
	sync.RWMutex
	all map[string]Revocation // by Key; never written, but replaced
}

// setRevocations replaces all revocations. Calls are not made at the same time.
func (t *Tenant) setRevocations(all []Revocation) {
	s := &t.revocations
	next := make(map[string]Revocation, len(all))
	for _, r := range all {
		next[r.key()] = r
	}
	same := maps.EqualFunc(next, s.all, func(a, b Revocation) bool { return a.Before.Equal(b.Before) })
	s.Lock()
	s.all = next
	s.Unlock()
	if !same {
		t.rechecks.call()
	}
}

// revoked tells whether a token was revoked.
func (t *Tenant) revoked(token *Token) bool {
	s := &t.revocations
	s.RLock()
	defer s.RUnlock()
	for _, r := range [...]Revocation{{Subject: token.Subject}, {TokenID: token.ID}} {
		found, ok := s.all[r.key()]
		if ok && r.named() && (token.Issued.IsZero() || token.Issued.Before(found.Before)) {
			return true
		}
	}
	return false
}
