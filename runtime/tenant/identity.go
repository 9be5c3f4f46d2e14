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
// read, and the permissions. It is immutable and safe for concurrent use, and a
// copy of it takes one word. The zero Identity is anonymous: no claim, nothing
// permitted.
type Identity struct {
	held *held // never written once there is an Identity
}

type held struct {
	claims      map[string][]byte // compact JSON texts
	permissions map[string]struct{}

	auth  *Auth // the settings that its verification went by; nil where there was none
	token Token
}

// NewIdentity checks and copies its arguments: every claim is one strict JSON
// value, every permission a string that is not empty, names are within abi.MaxNameBytes, and
// together they stay
// within MaxIdentityBytes.
func NewIdentity(claims map[string]json.RawMessage, permissions []string) (Identity, error) {
	var h held
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
		h.setClaim(name, &doc)
	}
	for _, p := range permissions {
		if err := checkName("permission", p); err != nil {
			return Identity{}, err
		}
		if size += len(p); size > MaxIdentityBytes {
			return Identity{}, errIdentitySize()
		}
		h.setPermission(p)
	}
	return Identity{&h}, nil
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
	if id.held == nil {
		return nil, false
	}
	text, ok = id.held.claims[name]
	return text, ok
}

// Permitted reports whether the identity holds the permission.
func (id Identity) Permitted(name string) bool {
	if id.held == nil {
		return false
	}
	_, ok := id.held.permissions[name]
	return ok
}

// setClaim keeps the text compact, so that equal claims are equal bytes
// however their issuer spaces them.
func (h *held) setClaim(name string, doc *jsondoc.Document) {
	if h.claims == nil {
		h.claims = make(map[string][]byte)
	}
	text := jsondoc.AppendCompact(nil, doc.Raw(0))
	h.claims[name] = text[:len(text):len(text)]
}

func (h *held) setPermission(name string) {
	if h.permissions == nil {
		h.permissions = make(map[string]struct{})
	}
	h.permissions[name] = struct{}{}
}

func errIdentitySize() error {
	return fmt.Errorf("identity: more than %d bytes of claims and permissions", MaxIdentityBytes)
}
