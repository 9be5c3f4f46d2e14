package tenant

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/runnel-dev/runnel/runtime/jsondoc"
)

// ParseIdentity reads `{"claims":{…},"permissions":[…]}`, both members
// optional. A member "authorization", in any case, is passed over, other members are refused,
// as is JSON that is not strict.
func ParseIdentity(text []byte) (Identity, error) {
	if len(text) > 2*MaxIdentityBytes {
		return Identity{}, errIdentitySize()
	}
	var doc jsondoc.Document
	if err := doc.Parse(text, jsondoc.Options{}); err != nil {
		return Identity{}, fmt.Errorf("identity: %w", err)
	}
	if doc.Nodes[0].Kind != jsondoc.Object {
		return Identity{}, fmt.Errorf("identity: a JSON object is wanted, not %s", doc.Nodes[0].Kind)
	}
	var claims map[string]json.RawMessage
	var permissions []string
	var err error
	for n := uint32(1); n < doc.Nodes[0].Next && err == nil; n = doc.Nodes[n+1].Next {
		switch name := string(doc.AppendString(nil, n)); {
		case name == "claims":
			claims, err = readClaims(&doc, n+1)
		case name == "permissions":
			permissions, err = readPermissions(&doc, n+1)
		case strings.EqualFold(name, "authorization"): // a client's token, which is not asked for
		default:
			err = fmt.Errorf("identity: unknown member %.40q; there are claims and permissions", name)
		}
	}
	if err != nil {
		return Identity{}, err
	}
	return NewIdentity(claims, permissions)
}

func readClaims(doc *jsondoc.Document, object uint32) (map[string]json.RawMessage, error) {
	if k := doc.Nodes[object].Kind; k != jsondoc.Object {
		return nil, fmt.Errorf("identity: claims must be an object, not %s", k)
	}
	claims := make(map[string]json.RawMessage)
	for n := object + 1; n < doc.Nodes[object].Next; n = doc.Nodes[n+1].Next {
		claims[string(doc.AppendString(nil, n))] = doc.Raw(n + 1)
	}
	return claims, nil
}

func readPermissions(doc *jsondoc.Document, array uint32) ([]string, error) {
	if k := doc.Nodes[array].Kind; k != jsondoc.Array {
		return nil, fmt.Errorf("identity: permissions must be an array of strings, not %s", k)
	}
	var permissions []string
	for n := array + 1; n < doc.Nodes[array].Next; n = doc.Nodes[n].Next {
		if k := doc.Nodes[n].Kind; k != jsondoc.String {
			return nil, fmt.Errorf("identity: permissions must be strings, not %s", k)
		}
		permissions = append(permissions, string(doc.AppendString(nil, n)))
	}
	return permissions, nil
}
