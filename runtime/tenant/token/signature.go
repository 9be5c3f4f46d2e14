package token

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/go-jose/go-jose/v4"

	"github.com/runnel-dev/runnel/runtime/jsondoc"
)

// MaxBytes bounds a token.
const MaxBytes = 8 << 10

// maxHeaderDepth is the nesting of a token's header: itself, a key in it, and a
// list of certificates in that. None of these is used.
const maxHeaderDepth = 4

// types are what typ may say, in lower case. A token made for another use, such
// as one that ends sessions (logout+jwt), is no proof of who somebody is.
var types = []string{"jwt", "at+jwt", "application/at+jwt", "application/jwt"}

// payload verifies a token's signature and returns what was signed. It looks at
// the header for nothing but which of the settings' keys to take.
func (e *entry) payload(ctx context.Context, text string) ([]byte, error) {
	if len(text) > MaxBytes {
		return nil, fmt.Errorf("token of %d bytes: at most %d are taken", len(text), MaxBytes)
	}
	head, err := split(text)
	if err != nil {
		return nil, err
	}
	kid, named, err := readHeader(head, e.auth.Algorithm)
	if err != nil {
		return nil, fmt.Errorf("token header: %w", err)
	}
	keys := []any{e.key}
	if e.jwks != nil {
		if keys, err = e.jwks.find(ctx, kid, named); err != nil {
			return nil, err
		}
	}
	signed, err := jose.ParseSignedCompact(text, []jose.SignatureAlgorithm{jose.SignatureAlgorithm(e.auth.Algorithm)})
	if err != nil {
		return nil, fmt.Errorf("token: %w", err)
	}
	for _, key := range keys {
		if payload, err := signed.Verify(key); err == nil {
			return payload, nil
		}
	}
	return nil, errors.New("token: the signature is not of the issuer's key")
}

// split checks the form of a token: three parts, each in the one base64url form
// that its bytes have. It returns the first, decoded.
func split(text string) (head []byte, err error) {
	parts := strings.Split(text, ".")
	if len(parts) != 3 {
		return nil, fmt.Errorf("token of %d parts: three are wanted", len(parts))
	}
	for i, part := range parts {
		// DecodeString passes over ends of lines.
		decoded, err := base64.RawURLEncoding.Strict().DecodeString(part)
		if err != nil || len(decoded) == 0 || strings.ContainsAny(part, "\r\n") {
			return nil, fmt.Errorf("token: part %d is not base64url without padding", i+1)
		}
		if i == 0 {
			head = decoded
		}
	}
	return head, nil
}

// readHeader checks a header, and returns the name of the key in it. What it says
// of where keys are (jwk, jku, x5u, x5c) is passed over.
func readHeader(head []byte, algorithm string) (kid string, named bool, err error) {
	var doc jsondoc.Document
	if err := doc.Parse(head, jsondoc.Options{MaxDepth: maxHeaderDepth}); err != nil {
		return "", false, err
	}
	if doc.Nodes[0].Kind != jsondoc.Object {
		return "", false, errors.New("no JSON object")
	}
	signed := false
	for n := uint32(1); n < doc.Nodes[0].Next; n = doc.Nodes[n+1].Next {
		name := string(doc.AppendString(nil, n))
		switch name {
		case "crit", "b64", "enc", "zip":
			return "", false, fmt.Errorf("%s asks for what is not understood here", name)
		case "alg", "kid", "typ":
		default:
			continue
		}
		if doc.Nodes[n+1].Kind != jsondoc.String {
			return "", false, fmt.Errorf("%s is no string", name)
		}
		value := string(doc.AppendString(nil, n+1))
		switch {
		case name == "kid":
			kid, named = value, true
		case name == "typ" && !slices.Contains(types, strings.ToLower(value)):
			return "", false, fmt.Errorf("typ %.40q is not that of a token for subscribers", value)
		case name == "alg" && value != algorithm:
			return "", false, fmt.Errorf("alg is %.40q, and by the settings it is %s", value, algorithm)
		case name == "alg":
			signed = true
		}
	}
	if !signed {
		return "", false, errors.New("no alg")
	}
	return kid, named, nil
}
