package tenant

import (
	"errors"
	"fmt"
	"time"

	"github.com/runnel-dev/runnel/runtime/jsondoc"
)

// maxUnix is the last second of the year 9999.
const maxUnix = 253402300799

// MarshalJSON writes what ParseRevocation reads.
func (r Revocation) MarshalJSON() ([]byte, error) {
	name, value := "sub", r.Subject
	if r.TokenID != "" {
		name, value = "jti", r.TokenID
	}
	b := append([]byte(`{"`+name+`":`), jsondoc.AppendQuoted(nil, value)...)
	b = append(b, `,"before":"`...)
	b = r.Before.UTC().AppendFormat(b, time.RFC3339Nano)
	return append(b, `"}`...), nil
}

// ParseRevocation reads a stored revocation.
func ParseRevocation(text []byte) (Revocation, error) {
	var doc jsondoc.Document
	if err := doc.Parse(text, jsondoc.Options{MaxDepth: 1}); err != nil {
		return Revocation{}, fmt.Errorf("revocation: %w", err)
	}
	if doc.Nodes[0].Kind != jsondoc.Object {
		return Revocation{}, errors.New("revocation: no JSON object")
	}
	var r Revocation
	for n := uint32(1); n < doc.Nodes[0].Next; n = doc.Nodes[n+1].Next {
		name := string(doc.AppendString(nil, n))
		if doc.Nodes[n+1].Kind != jsondoc.String {
			return Revocation{}, fmt.Errorf("revocation: %.40q is no string", name)
		}
		value := string(doc.AppendString(nil, n+1))
		var err error
		switch name {
		case "sub":
			r.Subject = value
		case "jti":
			r.TokenID = value
		case "before":
			r.Before, err = time.Parse(time.RFC3339Nano, value)
		default:
			err = errors.New("is unknown")
		}
		if err != nil {
			return Revocation{}, fmt.Errorf("revocation: %.40q: %w", name, err)
		}
	}
	if err := r.Validate(); err != nil {
		return Revocation{}, fmt.Errorf("revocation: %w", err)
	}
	return r, nil
}
