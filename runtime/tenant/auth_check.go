package tenant

import (
	"bytes"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/runnel-dev/runnel/abi"
)

// Validate gives an *AuthError that names every mistake.
func (a *Auth) Validate() error {
	var c authCheck
	c.origins(a)
	if a.Anonymous {
		c.anonymous(a)
	} else {
		c.verifier(a)
	}
	if c.problems != nil {
		return &AuthError{c.problems}
	}
	return nil
}

// authCheck collects what is wrong.
type authCheck struct{ problems []AuthProblem }

func (c *authCheck) add(member, format string, arguments ...any) {
	c.problems = append(c.problems, AuthProblem{Member: member, Message: member + " " + fmt.Sprintf(format, arguments...)})
}

// anonymous refuses what would be of no use, and may have been meant to be.
func (c *authCheck) anonymous(a *Auth) {
	if len(a.Origins) == 0 {
		c.add("origins", "must list the origins of the pages that may connect, since mode is anonymous")
	}
	for _, m := range []struct {
		name  string
		given bool
	}{
		{"algorithm", a.Algorithm != ""},
		{"secret", len(a.Secret) > 0},
		{"publicKey", a.PublicKey != ""},
		{"jwksUrl", a.JWKSURL != ""},
		{"issuer", a.Issuer != ""},
		{"audience", len(a.Audience) > 0},
		{"maxTokenSeconds", a.TokenAge != 0},
	} {
		if m.given {
			c.add(m.name, "is of no use where mode is anonymous: no token is asked for")
		}
	}
}

func (c *authCheck) verifier(a *Auth) {
	var given []string
	for _, v := range []struct {
		name  string
		given bool
	}{{"secret", len(a.Secret) > 0}, {"publicKey", a.PublicKey != ""}, {"jwksUrl", a.JWKSURL != ""}} {
		if v.given {
			given = append(given, v.name)
		}
	}
	known := slices.Contains(Algorithms(), a.Algorithm)
	switch {
	case len(given) > 1:
		c.add(given[1], "is given besides %s; there is one verifier", given[0])
	case len(given) == 0 && a.Algorithm != "":
		c.add("algorithm", "is given without secret, publicKey or jwksUrl")
	case len(given) == 1 && a.Algorithm == "":
		c.add("algorithm", "is missing; it is one of %s", strings.Join(Algorithms(), ", "))
	case len(given) == 1 && known && (a.Algorithm == "HS256") != (given[0] == "secret"):
		c.add(given[0], "cannot be where algorithm is %s, which takes %s", a.Algorithm, takes(a.Algorithm))
	}
	if a.Algorithm != "" && !known {
		c.add("algorithm", "must be one of %s", strings.Join(Algorithms(), ", "))
	}
	c.keys(a)
	c.expectations(a, len(given) > 0)
}

func takes(algorithm string) string {
	if algorithm == "HS256" {
		return "secret or secretBase64"
	}
	return "publicKey or jwksUrl"
}

func (c *authCheck) keys(a *Auth) {
	if n := len(a.Secret); n > 0 && (n < MinSecretBytes || n > MaxSecretBytes) {
		c.add("secret", "must have %d to %d bytes, not %d", MinSecretBytes, MaxSecretBytes, n)
	}
	if bytes.Contains(a.Secret, []byte("-----BEGIN")) {
		c.add("secret", "is a key in PEM, which everybody may know; give it as publicKey, with its algorithm")
	}
	switch {
	case len(a.PublicKey) > MaxKeyBytes:
		c.add("publicKey", "must not have more than %d bytes", MaxKeyBytes)
	case a.PublicKey != "" && a.Algorithm != "HS256":
		if _, err := a.Key(); err != nil {
			c.add("publicKey", "is refused: %v", err)
		}
	}
	if a.JWKSURL != "" {
		if problem := checkJWKSURL(a.JWKSURL); problem != "" {
			c.add("jwksUrl", "%s", problem)
		}
	}
}

func checkJWKSURL(text string) string {
	if len(text) > MaxJWKSURLBytes {
		return fmt.Sprintf("must not have more than %d bytes", MaxJWKSURLBytes)
	}
	u, err := url.Parse(text)
	switch {
	case err != nil:
		return "is no URL"
	case u.Scheme != "https":
		return "must begin with https://"
	case u.Hostname() == "":
		return "names no host"
	case u.User != nil:
		return "must not hold a user or a password"
	case u.Fragment != "" || strings.Contains(text, "#"):
		return "must not have a fragment"
	}
	return ""
}

// expectations are what a token must be, besides signed.
func (c *authCheck) expectations(a *Auth, verified bool) {
	if a.Issuer != "" {
		c.text("issuer", a.Issuer)
	}
	if len(a.Audience) > MaxAudiences {
		c.add("audience", "must not list more than %d", MaxAudiences)
	}
	for i, audience := range a.Audience {
		c.text(fmt.Sprintf("audience[%d]", i), audience)
	}
	if a.ClockSkew < 0 || a.ClockSkew > MaxClockSkew || a.ClockSkew%time.Second != 0 {
		c.add("clockSkewSeconds", "must be a whole number from 0 to %d", int(MaxClockSkew/time.Second))
	}
	if age := a.TokenAge; age != 0 && (age < MinTokenAge || age > MaxTokenAge || age%time.Second != 0) {
		c.add("maxTokenSeconds", "must be a whole number from %d to %d", int(MinTokenAge/time.Second), int(MaxTokenAge/time.Second))
	}
	if verified || a.Subject != "" {
		c.text("claims.subject", a.Subject)
	}
	if verified || a.Permission != "" {
		c.text("claims.permissions", a.Permission)
	}
}

// text takes names and identifiers: they are shown, and compared with strings of
// tokens.
func (c *authCheck) text(member, s string) {
	control := func(r rune) bool { return r < ' ' }
	if s == "" || len(s) > abi.MaxNameBytes || !utf8.ValidString(s) || strings.ContainsFunc(s, control) {
		c.add(member, "must be 1 to %d bytes of UTF-8 without control characters", abi.MaxNameBytes)
	}
}

func (c *authCheck) origins(a *Auth) {
	if len(a.Origins) > MaxOrigins {
		c.add("origins", "must not list more than %d", MaxOrigins)
	}
	for i, origin := range a.Origins {
		if !validOrigin(origin) {
			c.add(fmt.Sprintf("origins[%d]", i), "must be as browsers send it: https://app.example.com, in lower case, with a port where it is not the scheme's own, without a path")
		}
	}
}

// validOrigin takes exactly what browsers send: they are compared byte by byte.
func validOrigin(s string) bool {
	u, err := url.Parse(s)
	if err != nil || len(s) > MaxJWKSURLBytes || u.Hostname() == "" || u.User != nil || s != u.Scheme+"://"+u.Host || s != strings.ToLower(s) {
		return false
	}
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf || s[i] <= ' ' || s[i] == '*' { // names of other scripts are sent in their xn-- form
			return false
		}
	}
	switch u.Scheme {
	case "https":
		return u.Port() != "443" && !strings.HasSuffix(u.Host, ":")
	case "http":
		return u.Port() != "80" && !strings.HasSuffix(u.Host, ":")
	}
	return false
}
