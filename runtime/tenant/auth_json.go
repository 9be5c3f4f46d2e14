package tenant

import (
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/runnel-dev/runnel/runtime/jsondoc"
)

// maxAuthDepth is the nesting of settings: the object, and claims, audience and
// origins in it.
const maxAuthDepth = 2

// ParseAuth reads settings as PUT …/auth takes them and AppendStored writes
// them: a JSON object, in which a member of null is one that is absent. Every
// mistake is named, with its place, in an *AuthError.
func ParseAuth(text []byte) (Auth, error) {
	r := authReader{auth: DefaultAuth(), places: map[string]int{}}
	if err := r.doc.Parse(text, jsondoc.Options{MaxDepth: maxAuthDepth}); err != nil {
		var syntax *jsondoc.SyntaxError
		errors.As(err, &syntax)
		return Auth{}, &AuthError{[]AuthProblem{{Message: "auth: " + syntax.Message, Offset: syntax.Offset}}}
	}
	if k := r.doc.Nodes[0].Kind; k != jsondoc.Object {
		return Auth{}, &AuthError{[]AuthProblem{{Message: "auth: a JSON object is wanted, not " + k.String(), Offset: int(r.doc.Nodes[0].Start)}}}
	}
	r.object(0, "", authMembers)
	if err := r.auth.Validate(); err != nil {
		r.validated(err.(*AuthError))
	}
	if r.problems != nil {
		slices.SortStableFunc(r.problems, func(a, b AuthProblem) int { return a.Offset - b.Offset })
		return Auth{}, &AuthError{r.problems}
	}
	return r.auth, nil
}

// authReader fills settings from a text.
type authReader struct {
	doc      jsondoc.Document
	auth     Auth
	places   map[string]int // of the members that are there
	problems []AuthProblem
}

// authMember is a member of settings. read returns what is wrong with its value,
// or "".
type authMember struct {
	name string
	read func(r *authReader, n uint32, path string) string
}

var authMembers, claimMembers []authMember

func init() { // for they refer to one another
	authMembers = []authMember{
		{"mode", (*authReader).mode},
		{"algorithm", text(func(a *Auth) *string { return &a.Algorithm })},
		{"secret", (*authReader).secret},
		{"secretBase64", (*authReader).secretBase64},
		{"publicKey", text(func(a *Auth) *string { return &a.PublicKey })},
		{"jwksUrl", text(func(a *Auth) *string { return &a.JWKSURL })},
		{"issuer", text(func(a *Auth) *string { return &a.Issuer })},
		{"audience", (*authReader).audience},
		{"clockSkewSeconds", seconds(func(a *Auth) *time.Duration { return &a.ClockSkew })},
		{"maxTokenSeconds", seconds(func(a *Auth) *time.Duration { return &a.TokenAge })},
		{"claims", (*authReader).claims},
		{"origins", (*authReader).origins},
	}
	claimMembers = []authMember{
		{"subject", text(func(a *Auth) *string { return &a.Subject })},
		{"permissions", text(func(a *Auth) *string { return &a.Permission })},
	}
}

func (r *authReader) object(object uint32, prefix string, members []authMember) {
	for n := object + 1; n < r.doc.Nodes[object].Next; n = r.doc.Nodes[n+1].Next {
		i := slices.IndexFunc(members, func(m authMember) bool { return r.doc.StringEquals(n, m.name) })
		if i < 0 {
			name := prefix + string(r.doc.AppendString(nil, n))
			r.problem(n, name, fmt.Sprintf("unknown member %.64q; there are %s", name, memberNames(members)))
			continue
		}
		path := prefix + members[i].name
		r.places[path] = int(r.doc.Nodes[n+1].Start)
		if r.doc.Nodes[n+1].Kind == jsondoc.Null {
			continue
		}
		if wrong := members[i].read(r, n+1, path); wrong != "" {
			r.problem(n+1, path, path+" "+wrong)
		}
	}
}

func memberNames(members []authMember) string {
	names := make([]string, len(members))
	for i := range members {
		names[i] = members[i].name
	}
	return strings.Join(names, ", ")
}

func (r *authReader) problem(n uint32, member, message string) {
	r.problems = append(r.problems, AuthProblem{member, message, int(r.doc.Nodes[n].Start)})
}

// validated gives the problems of the whole their places. What could not be read
// has had its word already.
func (r *authReader) validated(err *AuthError) {
	unread := r.problems
	for _, p := range err.Problems {
		if slices.ContainsFunc(unread, func(q AuthProblem) bool { return q.Member == p.Member }) {
			continue
		}
		at, ok := r.places[p.Member]
		if base, _, indexed := strings.Cut(p.Member, "["); !ok && indexed {
			at, ok = r.places[base] // audience may be a single string
		}
		if p.Member == "secret" && !ok {
			at = r.places["secretBase64"]
		}
		p.Offset = at
		r.problems = append(r.problems, p)
	}
}

func (r *authReader) must(n uint32, k jsondoc.Kind) string {
	if got := r.doc.Nodes[n].Kind; got != k {
		return fmt.Sprintf("must be %s, not %s", k, got)
	}
	return ""
}

func (r *authReader) string(n uint32) string { return string(r.doc.AppendString(nil, n)) }

func text(field func(*Auth) *string) func(*authReader, uint32, string) string {
	return func(r *authReader, n uint32, _ string) string {
		if wrong := r.must(n, jsondoc.String); wrong != "" {
			return wrong
		}
		s := r.string(n)
		*field(&r.auth) = s
		if s == "" {
			return "must not be empty; leave it out, or give null"
		}
		return ""
	}
}

func seconds(field func(*Auth) *time.Duration) func(*authReader, uint32, string) string {
	return func(r *authReader, n uint32, _ string) string {
		v, err := strconv.ParseInt(string(r.doc.Raw(n)), 10, 32) // of no more digits than a Duration holds
		if r.doc.Nodes[n].Kind != jsondoc.Number || err != nil {
			return "must be a whole number of seconds"
		}
		*field(&r.auth) = time.Duration(v) * time.Second
		return ""
	}
}

func (r *authReader) mode(n uint32, _ string) string {
	if r.doc.Nodes[n].Kind == jsondoc.String {
		switch r.string(n) {
		case "required":
			return ""
		case "anonymous":
			r.auth.Anonymous = true
			return ""
		}
	}
	return `must be "required" or "anonymous"`
}

func (r *authReader) secret(n uint32, _ string) string {
	if wrong := r.must(n, jsondoc.String); wrong != "" {
		return wrong
	}
	if r.auth.Secret != nil {
		return "is given besides secretBase64; there is one secret"
	}
	if r.auth.Secret = r.doc.AppendString([]byte{}, n); len(r.auth.Secret) == 0 {
		return "must not be empty"
	}
	return ""
}

func (r *authReader) secretBase64(n uint32, _ string) string {
	if wrong := r.must(n, jsondoc.String); wrong != "" {
		return wrong
	}
	if r.auth.Secret != nil {
		return "is given besides secret; there is one secret"
	}
	// Of the two alphabets, with or without padding: no text is valid in two of these
	// forms and means different bytes.
	s := strings.NewReplacer("-", "+", "_", "/").Replace(strings.TrimRight(r.string(n), "="))
	secret, err := base64.RawStdEncoding.Strict().DecodeString(s)
	if err != nil || strings.ContainsAny(s, "\r\n") || len(secret) == 0 {
		return "must be base64; a secret that is text goes into secret"
	}
	r.auth.Secret = secret
	return ""
}

func (r *authReader) audience(n uint32, path string) string {
	if r.doc.Nodes[n].Kind == jsondoc.String {
		r.auth.Audience = []string{r.string(n)}
		return ""
	}
	if r.doc.Nodes[n].Kind != jsondoc.Array {
		return "must be a string or a list of strings"
	}
	return r.list(n, path, &r.auth.Audience)
}

func (r *authReader) origins(n uint32, path string) string {
	if r.doc.Nodes[n].Kind != jsondoc.Array {
		return "must be a list of strings"
	}
	return r.list(n, path, &r.auth.Origins)
}

func (r *authReader) list(array uint32, path string, dst *[]string) string {
	for n, i := array+1, 0; n < r.doc.Nodes[array].Next; n, i = r.doc.Nodes[n].Next, i+1 {
		at := fmt.Sprintf("%s[%d]", path, i)
		r.places[at] = int(r.doc.Nodes[n].Start)
		if wrong := r.must(n, jsondoc.String); wrong != "" {
			r.problem(n, at, at+" "+wrong)
			*dst = append(*dst, "") // it keeps its place
			continue
		}
		*dst = append(*dst, r.string(n))
	}
	return ""
}

func (r *authReader) claims(n uint32, path string) string {
	if wrong := r.must(n, jsondoc.Object); wrong != "" {
		return wrong
	}
	r.object(n, path+".", claimMembers)
	return ""
}
