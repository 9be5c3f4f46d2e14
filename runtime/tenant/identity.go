package tenant

import (
	"encoding/json"
	"fmt"
	"unicode/utf8"

	"github.com/runnel-dev/runnel/abi"
	"github.com/runnel-dev/runnel/runtime/jsondoc"
)

// MaxIdentityBytes bounds the claims and permissions of one identity together.
const MaxIdentityBytes = 64 << 10

// Identity is who a subscriber is: the claims that a resolver or @match may
// read, and the permissions. It is immutable and safe for concurrent use. The
// zero Identity is anonymous: no claim, nothing permitted.
type Identity struct {
	// Subject is the claim "sub" where that is a string, else empty.
	Subject string

	claims      map[string][]byte // compact JSON texts; never written
	permissions map[string]struct{}
}

// NewIdentity checks and copies its arguments: every claim is one strict JSON
// value, every permission a string that is not empty, names are within abi.MaxNameBytes, and
// together they stay
// within MaxIdentityBytes.
func NewIdentity(claims map[string]json.RawMessage, permissions []string) (Identity, error) {
	var id Identity
	var size int
	var doc jsondoc.Document
	for name, text := range claims {
		if err := checkName("claim name", name); err != nil {
			return Identity{}, err
		}
		if size += len(name) + len(text); size > MaxIdentityBytes {
			return Identity{}, errIdentitySize()
		}
		if err := doc.Parse(text, jsondoc.Options{}); err != nil {
			return Identity{}, fmt.Errorf("claim %q: %w", name, err)
		}
		id.setClaim(name, &doc)
	}
	for _, p := range permissions {
		if err := checkName("permission", p); err != nil {
			return Identity{}, err
		}
		if size += len(p); size > MaxIdentityBytes {
			return Identity{}, errIdentitySize()
		}
		id.setPermission(p)
	}
	return id, nil
}

// checkName refuses what no guest could ask for.
func checkName(what, name string) error {
	switch {
	case len(name) > abi.MaxNameBytes:
		return fmt.Errorf("%s of %d bytes: at most %d are allowed", what, len(name), abi.MaxNameBytes)
	case name == "" || !utf8.ValidString(name):
		return fmt.Errorf("%s %q: not a UTF-8 string of at least one character", what, name)
	}
	return nil
}

// Claim returns a claim as compact JSON, borrowed for reading. ok is false
// where the identity has no such claim.
func (id Identity) Claim(name string) (text []byte, ok bool) {
	text, ok = id.claims[name]
	return text, ok
}

// Permitted reports whether the identity holds the permission.
func (id Identity) Permitted(name string) bool {
	_, ok := id.permissions[name]
	return ok
}

// setClaim keeps the text compact, so that equal claims are equal bytes
// however their issuer spaces them.
func (id *Identity) setClaim(name string, doc *jsondoc.Document) {
	if id.claims == nil {
		id.claims = make(map[string][]byte)
	}
	text := jsondoc.AppendCompact(nil, doc.Raw(0))
	id.claims[name] = text[:len(text):len(text)]
	if name == "sub" && doc.Nodes[0].Kind == jsondoc.String {
		id.Subject = string(doc.AppendString(nil, 0))
	}
}

func (id *Identity) setPermission(name string) {
	if id.permissions == nil {
		id.permissions = make(map[string]struct{})
	}
	id.permissions[name] = struct{}{}
}

func errIdentitySize() error {
	return fmt.Errorf("identity: more than %d bytes of claims and permissions", MaxIdentityBytes)
}
