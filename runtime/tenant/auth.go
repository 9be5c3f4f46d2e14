package tenant

import (
	"bytes"
	"slices"
	"strings"
	"time"
)

// The bounds of Auth, and its defaults.
const (
	MinSecretBytes   = 32   // of an HMAC secret; a shorter one can be guessed
	MaxSecretBytes   = 1024 // likewise
	MaxKeyBytes      = 16 << 10
	MaxJWKSURLBytes  = 2048
	MaxAudiences     = 16
	MaxOrigins       = 100
	MaxClockSkew     = 300 * time.Second
	DefaultClockSkew = 30 * time.Second
	MinTokenAge      = time.Minute
	MaxTokenAge      = 400 * 24 * time.Hour
)

// Auth says who may subscribe to a tenant: its verifier of tokens, or that it asks
// for none. The zero Auth refuses every subscriber.
type Auth struct {
	// Anonymous lets everybody in, without claims and without permissions, from
	// Origins, which must be listed then. No verifier is given.
	Anonymous bool

	// Algorithm is what tokens are signed with, one of Algorithms. It never comes
	// from a token. It is set where there is a verifier, which is one of:
	Algorithm string
	Secret    []byte // of HS256
	PublicKey string // in PEM
	JWKSURL   string // where the issuer publishes its keys, by https

	Issuer     string        // what iss must be; empty asks for nothing
	Audience   []string      // of which aud must name one; a token with aud is refused where there is none
	ClockSkew  time.Duration // by which exp, nbf and iat may be wrong; whole seconds
	TokenAge   time.Duration // the most from iat to exp, in whole seconds, and iat must be there; 0 asks for neither
	Subject    string        // the claim that names the subscriber
	Permission string        // the claim that lists what is permitted

	// Origins are those of pages that may connect, as browsers send them. None
	// means all.
	Origins []string
}

// DefaultAuth is Auth without a verifier, with the defaults of what a verifier
// needs besides.
func DefaultAuth() Auth {
	return Auth{ClockSkew: DefaultClockSkew, Subject: "sub", Permission: "permissions"}
}

// HasVerifier tells whether a token can be verified at all.
func (a *Auth) HasVerifier() bool { return len(a.Secret) > 0 || a.PublicKey != "" || a.JWKSURL != "" }

// AllowOrigin tells whether a page of that origin may connect.
func (a *Auth) AllowOrigin(origin string) bool {
	return len(a.Origins) == 0 && !a.Anonymous || slices.Contains(a.Origins, origin)
}

// Equal tells whether two settings are the same.
func (a *Auth) Equal(b *Auth) bool {
	return bytes.Equal(a.AppendStored(nil), b.AppendStored(nil))
}

// AuthProblem is one thing that is wrong with settings.
type AuthProblem struct {
	Member  string // such as "issuer", "claims.subject" or "origins[2]"; empty where it is the whole
	Message string
	Offset  int // of the member in the text that was parsed; 0 where there was none
}

// AuthError tells why settings are refused, and names every mistake in them.
type AuthError struct {
	Problems []AuthProblem // at least one
}

// Error joins the problems' messages. None quotes a secret.
func (e *AuthError) Error() string {
	messages := make([]string, len(e.Problems))
	for i, p := range e.Problems {
		messages[i] = p.Message
	}
	return strings.Join(messages, "; ")
}
