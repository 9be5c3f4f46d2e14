package token

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/runnel-dev/runnel/runtime/jsondoc"
	"github.com/runnel-dev/runnel/runtime/tenant"
)

// MaxDepth is the nesting of a token's claims, the object itself included.
const MaxDepth = 32

// claims are those of a verified token, by name.
type claims struct {
	doc    jsondoc.Document
	values map[string]uint32
}

// readClaims holds what was signed against the settings and the clock, and makes
// an identity of it.
func readClaims(a *tenant.Auth, payload []byte, now time.Time) (tenant.Identity, error) {
	c := claims{values: map[string]uint32{}}
	if err := c.doc.Parse(payload, jsondoc.Options{MaxDepth: MaxDepth}); err != nil {
		return tenant.Identity{}, err
	}
	if c.doc.Nodes[0].Kind != jsondoc.Object {
		return tenant.Identity{}, errors.New("the claims are no JSON object")
	}
	texts := map[string]json.RawMessage{}
	for n := uint32(1); n < c.doc.Nodes[0].Next; n = c.doc.Nodes[n+1].Next {
		name := string(c.doc.AppendString(nil, n))
		c.values[name] = n + 1
		texts[name] = c.doc.Raw(n + 1)
	}
	token, err := c.token(a, now)
	if err != nil {
		return tenant.Identity{}, err
	}
	if err := c.meant(a); err != nil {
		return tenant.Identity{}, err
	}
	permissions, err := c.permissions(a.Permission)
	if err != nil {
		return tenant.Identity{}, err
	}
	id, err := tenant.NewIdentity(texts, permissions)
	if err != nil {
		return tenant.Identity{}, err
	}
	return id.Verified(a, token), nil
}

// token reads what a token says of itself, and checks its times.
func (c *claims) token(a *tenant.Auth, now time.Time) (t tenant.Token, err error) {
	times := map[string]time.Time{}
	for _, name := range []string{"exp", "nbf", "iat"} {
		if times[name], err = c.time(name); err != nil {
			return t, err
		}
	}
	if t.Subject, err = c.text(a.Subject); err != nil {
		return t, err
	}
	if t.ID, err = c.text("jti"); err != nil {
		return t, err
	}
	exp, nbf, iat := times["exp"], times["nbf"], times["iat"]
	t.Issued, t.Expires = iat, exp.Add(a.ClockSkew)
	latest := now.Add(a.ClockSkew)
	switch {
	case exp.IsZero():
		return t, errors.New("exp is missing")
	case !now.Before(t.Expires):
		return t, tenant.ErrExpired
	case nbf.After(latest):
		return t, errors.New("nbf is in the future")
	case iat.After(latest):
		return t, errors.New("iat is in the future")
	case a.TokenAge != 0 && iat.IsZero():
		return t, errors.New("iat is missing, and maxTokenSeconds asks for it")
	case a.TokenAge != 0 && exp.Sub(iat) > a.TokenAge:
		return t, errors.New("from iat to exp it is longer than maxTokenSeconds")
	}
	return t, nil
}

// maxSeconds is the end of the year 9999. What lies beyond is a mistake, such as
// a time in milliseconds.
const maxSeconds = 253402300799

// time reads a NumericDate; the zero time where there is none.
func (c *claims) time(name string) (time.Time, error) {
	n, ok := c.values[name]
	if !ok {
		return time.Time{}, nil
	}
	if k := c.doc.Nodes[n].Kind; k != jsondoc.Number {
		return time.Time{}, fmt.Errorf("%s is %s, not a number", name, k)
	}
	seconds, err := strconv.ParseFloat(string(c.doc.Raw(n)), 64)
	if err != nil || seconds < 0 || seconds > maxSeconds {
		return time.Time{}, fmt.Errorf("%s is no number of seconds from 1970 to 9999", name)
	}
	whole, part := math.Modf(seconds)
	return time.Unix(int64(whole), int64(part*1e9)), nil
}

// text reads a claim that is a string; empty where there is none.
func (c *claims) text(name string) (string, error) {
	n, ok := c.values[name]
	if !ok {
		return "", nil
	}
	if k := c.doc.Nodes[n].Kind; k != jsondoc.String {
		return "", fmt.Errorf("%.64q is %s, not a string", name, k)
	}
	s := string(c.doc.AppendString(nil, n))
	if strings.Contains(s, "\x00") { // which a revocation could not name
		return "", fmt.Errorf("%.64q has a zero byte", name)
	}
	return s, nil
}

// meant checks by whom and for whom a token was made. One for somebody else is
// refused even where the settings expect nobody: RFC 7519, 4.1.3.
func (c *claims) meant(a *tenant.Auth) error {
	issuer, err := c.text("iss")
	if err != nil {
		return err
	}
	if a.Issuer != "" && issuer != a.Issuer {
		return fmt.Errorf("iss is %.100q, not the issuer of the settings", issuer)
	}
	n, ok := c.values["aud"]
	if !ok {
		if len(a.Audience) > 0 {
			return errors.New("aud is missing")
		}
		return nil
	}
	audience, err := c.strings("aud", n)
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(audience, func(s string) bool { return slices.Contains(a.Audience, s) }) {
		return fmt.Errorf("aud is %.100q, which is not in the settings", audience)
	}
	return nil
}

// permissions reads a list of strings, or a string that lists them with spaces
// between, as scope does.
func (c *claims) permissions(name string) ([]string, error) {
	n, ok := c.values[name]
	if !ok {
		return nil, nil
	}
	if c.doc.Nodes[n].Kind == jsondoc.String {
		return strings.FieldsFunc(string(c.doc.AppendString(nil, n)), func(r rune) bool { return r == ' ' }), nil
	}
	return c.strings(name, n)
}

// strings reads a string, or a list of them.
func (c *claims) strings(name string, n uint32) ([]string, error) {
	doc := &c.doc
	switch doc.Nodes[n].Kind {
	case jsondoc.String:
		return []string{string(doc.AppendString(nil, n))}, nil
	case jsondoc.Array:
		list := []string{}
		for at := n + 1; at < doc.Nodes[n].Next; at = doc.Nodes[at].Next {
			if k := doc.Nodes[at].Kind; k != jsondoc.String {
				return nil, fmt.Errorf("%.64q holds %s, not strings alone", name, k)
			}
			list = append(list, string(doc.AppendString(nil, at)))
		}
		return list, nil
	}
	return nil, fmt.Errorf("%.64q is %s, not a list of strings", name, doc.Nodes[n].Kind)
}
