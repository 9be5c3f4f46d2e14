package token

import (
	"crypto"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/go-jose/go-jose/v4"

	"github.com/runnel-dev/runnel/runtime/jsondoc"
	"github.com/runnel-dev/runnel/runtime/tenant"
)

// MaxKeys is how many usable keys of a set are kept.
const MaxKeys = 100

// maxKeysDepth is the nesting of a set of keys: itself, the list, a key, and what
// that may hold.
const maxKeysDepth = 8

// publicKey is a key that an issuer has published.
type publicKey struct {
	kid   string
	named bool
	key   crypto.PublicKey
}

// parseKeys reads a JSON Web Key Set and takes the keys that tokens of the
// algorithm may be verified with. Others are passed over, as RFC 7517 has it:
// other types and sizes, what is meant for encryption, and what is no public key.
// A set without any is an error.
func parseKeys(text []byte, algorithm string) ([]publicKey, error) {
	var doc jsondoc.Document
	if err := doc.Parse(text, jsondoc.Options{MaxDepth: maxKeysDepth}); err != nil {
		return nil, err
	}
	if doc.Nodes[0].Kind != jsondoc.Object {
		return nil, errors.New("no JSON object")
	}
	list, ok := doc.Member(0, "keys")
	if !ok || doc.Nodes[list].Kind != jsondoc.Array {
		return nil, errors.New("it has no list of keys")
	}
	var keys []publicKey
	var refused error
	for n := list + 1; n < doc.Nodes[list].Next && len(keys) < MaxKeys; n = doc.Nodes[n].Next {
		key, err := parseKey(&doc, n, algorithm)
		if err != nil {
			refused = err
			continue
		}
		keys = append(keys, key)
	}
	switch {
	case keys == nil && refused != nil:
		return nil, fmt.Errorf("no key of it can be used, the last since %w", refused)
	case keys == nil:
		return nil, errors.New("it has no keys")
	}
	return keys, nil
}

func parseKey(doc *jsondoc.Document, n uint32, algorithm string) (publicKey, error) {
	if doc.Nodes[n].Kind != jsondoc.Object {
		return publicKey{}, errors.New("it is no JSON object")
	}
	var parsed jose.JSONWebKey
	if err := json.Unmarshal(doc.Raw(n), &parsed); err != nil {
		return publicKey{}, err
	}
	switch {
	case !parsed.IsPublic(): // a secret is not either
		return publicKey{}, errors.New("it is no public key")
	case parsed.Use != "" && parsed.Use != "sig":
		return publicKey{}, fmt.Errorf("its use is %.20q", parsed.Use)
	case parsed.Algorithm != "" && parsed.Algorithm != algorithm:
		return publicKey{}, fmt.Errorf("its alg is %.20q", parsed.Algorithm)
	case !mayVerify(doc, n):
		return publicKey{}, errors.New("its key_ops do not have verify")
	}
	if err := tenant.CheckKey(algorithm, parsed.Key); err != nil {
		return publicKey{}, err
	}
	_, named := doc.Member(n, "kid")
	return publicKey{parsed.KeyID, named, parsed.Key}, nil
}

// mayVerify looks at key_ops, which go-jose leaves aside.
func mayVerify(doc *jsondoc.Document, key uint32) bool {
	ops, ok := doc.Member(key, "key_ops")
	if !ok {
		return true
	}
	if doc.Nodes[ops].Kind != jsondoc.Array {
		return false
	}
	for n := ops + 1; n < doc.Nodes[ops].Next; n = doc.Nodes[n].Next {
		if doc.Nodes[n].Kind == jsondoc.String && doc.StringEquals(n, "verify") {
			return true
		}
	}
	return false
}

// namesakes is how many keys of one name a token is verified with. Issuers have one,
// and a careless one has two for a while. A hostile one could publish 46 of 8192 bits, with
// which each token would cost a tenth of a second that nobody is billed for.
const namesakes = 2

// choose returns the keys of that name, the first ones. A token without a name is taken where there
// is no choice.
func choose(keys []publicKey, kid string, named bool) []any {
	var chosen []any
	for _, k := range keys {
		if len(chosen) == namesakes {
			break
		}
		if named && k.named && k.kid == kid || !named && len(keys) == 1 {
			chosen = append(chosen, k.key)
		}
	}
	return slices.Clip(chosen)
}
