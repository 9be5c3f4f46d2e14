package tenant

import (
	"encoding/base64"
	"strconv"
	"time"

	"github.com/runnel-dev/runnel/runtime/jsondoc"
)

// MarshalJSON writes the settings for people to see: where there is a secret, the
// member secretSet says so, and nothing shows it.
func (a Auth) MarshalJSON() ([]byte, error) { return a.append(nil, false), nil }

// AppendStored appends the settings as ParseAuth reads them, secret included: for
// the store alone.
func (a *Auth) AppendStored(dst []byte) []byte { return a.append(dst, true) }

func (a *Auth) append(dst []byte, secret bool) []byte {
	mode := "required"
	if a.Anonymous {
		mode = "anonymous"
	}
	dst = append(dst, `{"mode":"`+mode+`"`...)
	dst = appendText(dst, "algorithm", a.Algorithm)
	switch {
	case len(a.Secret) == 0:
	case secret:
		dst = appendText(dst, "secretBase64", base64.StdEncoding.EncodeToString(a.Secret))
	default:
		dst = append(dst, `,"secretSet":true`...)
	}
	dst = appendText(dst, "publicKey", a.PublicKey)
	dst = appendText(dst, "jwksUrl", a.JWKSURL)
	dst = appendText(dst, "issuer", a.Issuer)
	dst = appendTexts(dst, "audience", a.Audience)
	dst = append(dst, `,"clockSkewSeconds":`...)
	dst = strconv.AppendInt(dst, int64(a.ClockSkew/time.Second), 10)
	if a.TokenAge != 0 {
		dst = append(dst, `,"maxTokenSeconds":`...)
		dst = strconv.AppendInt(dst, int64(a.TokenAge/time.Second), 10)
	}
	if a.Subject != "" && a.Permission != "" {
		dst = append(dst, `,"claims":{"subject":`...)
		dst = jsondoc.AppendQuoted(dst, a.Subject)
		dst = append(dst, `,"permissions":`...)
		dst = jsondoc.AppendQuoted(dst, a.Permission)
		dst = append(dst, '}')
	}
	dst = appendTexts(dst, "origins", a.Origins)
	return append(dst, '}')
}

// appendText appends a member, where there is one.
func appendText(dst []byte, name, value string) []byte {
	if value == "" {
		return dst
	}
	dst = append(dst, `,"`+name+`":`...)
	return jsondoc.AppendQuoted(dst, value)
}

func appendTexts(dst []byte, name string, values []string) []byte {
	if len(values) == 0 {
		return dst
	}
	dst = append(dst, `,"`+name+`":[`...)
	for i, value := range values {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = jsondoc.AppendQuoted(dst, value)
	}
	return append(dst, ']')
}
