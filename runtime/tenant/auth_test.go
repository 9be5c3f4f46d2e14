package tenant_test

import (
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/runnel-dev/runnel/runtime/tenant"
	"github.com/runnel-dev/runnel/runtime/tenant/tenanttest"
)

const (
	secret32 = "0123456789abcdef0123456789abcdef"
	edKey    = "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=\n-----END PUBLIC KEY-----\n"
)

func TestParseAuth(t *testing.T) {
	standard := func(change func(*tenant.Auth)) tenant.Auth {
		a := tenant.DefaultAuth()
		change(&a)
		return a
	}
	for text, want := range map[string]tenant.Auth{
		`{}`:                  tenant.DefaultAuth(),
		`{"mode":"required"}`: tenant.DefaultAuth(),
		`{"mode":null,"algorithm":null,"secret":null,"issuer":null,"audience":null,"clockSkewSeconds":null,"claims":null,"origins":null}`: tenant.DefaultAuth(),
		`{"algorithm":"HS256","secret":"` + secret32 + `"}`: standard(func(a *tenant.Auth) { a.Algorithm, a.Secret = "HS256", []byte(secret32) }),
		// The same bytes in each form of base64.
		`{"algorithm":"HS256","secretBase64":"` + strings.Repeat("+/+/", 11) + `"}`:   standard(func(a *tenant.Auth) { a.Algorithm, a.Secret = "HS256", bytes33 }),
		`{"algorithm":"HS256","secretBase64":"` + strings.Repeat("-_-_", 11) + `"}`:   standard(func(a *tenant.Auth) { a.Algorithm, a.Secret = "HS256", bytes33 }),
		`{"algorithm":"EdDSA","publicKey":` + quoted(edKey) + `,"audience":"api"}`:    standard(func(a *tenant.Auth) { a.Algorithm, a.PublicKey, a.Audience = "EdDSA", edKey, []string{"api"} }),
		`{"algorithm":"RS256","jwksUrl":"https://a.example:8443/k?x=1","issuer":"i"}`: standard(func(a *tenant.Auth) { a.Algorithm, a.JWKSURL, a.Issuer = "RS256", "https://a.example:8443/k?x=1", "i" }),
		`{"audience":["a","b"],"clockSkewSeconds":0,"maxTokenSeconds":3600,"claims":{"subject":"uid","permissions":"scope"}}`: standard(func(a *tenant.Auth) {
			a.Audience, a.ClockSkew, a.TokenAge, a.Subject, a.Permission = []string{"a", "b"}, 0, time.Hour, "uid", "scope"
		}),
		`{"mode":"anonymous","origins":["https://a.example","http://localhost:3000","https://xn--bcher-kva.example","http://[::1]:8080"]}`: standard(func(a *tenant.Auth) {
			a.Anonymous, a.Origins = true, []string{"https://a.example", "http://localhost:3000", "https://xn--bcher-kva.example", "http://[::1]:8080"}
		}),
	} {
		got, err := tenant.ParseAuth([]byte(text))
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %+v, %v\nwant %+v", text, got, err, want)
			continue
		}
		back, err := tenant.ParseAuth(got.AppendStored(nil))
		if err != nil || !reflect.DeepEqual(back, got) || !back.Equal(&got) {
			t.Errorf("%s: stored as %s, which is %+v, %v", text, got.AppendStored(nil), back, err)
		}
		var shown map[string]any
		if err := json.Unmarshal(mustJSON(t, got), &shown); err != nil {
			t.Error(err)
		}
		if set, _ := shown["secretSet"].(bool); shown["secret"] != nil || shown["secretBase64"] != nil || set != (got.Secret != nil) {
			t.Errorf("%s: shown as %s", text, mustJSON(t, got))
		}
	}
}

var bytes33 = []byte(strings.Repeat("\xfb\xff\xbf", 11))

func quoted(s string) string {
	b, _ := json.Marshal(s)
	return string(b)
}

// TestParseAuthRefuses holds each mistake, with the part of the text that its
// place begins.
func TestParseAuthRefuses(t *testing.T) {
	hs := `"algorithm":"HS256","secret":"` + secret32 + `"`
	for text, want := range map[string][]string{ // message, place, and so on
		``:                                       {"auth: unexpected end of text", ""},
		`[]`:                                     {"auth: a JSON object is wanted, not array", "[]"},
		`{"mode":"required",}`:                   {"auth: expected a key in quotes", "}"},
		`{"mode":"required","mode":1}`:           {`auth: duplicate key "mode"`, `"mode":1`},
		`{"claims":{"subject":[]}}`:              {"auth: more than 2 levels of nesting", "[]"},
		`{"mode":"open"}`:                        {`mode must be "required" or "anonymous"`, `"open"`},
		`{"mode":true}`:                          {`mode must be "required" or "anonymous"`, `true`},
		`{"Mode":"required"}`:                    {`unknown member "Mode"; there are mode, algorithm, secret, secretBase64, publicKey, jwksUrl`, `"Mode"`},
		`{"claims":{"sub":"x"}}`:                 {`unknown member "claims.sub"; there are subject, permissions`, `"sub"`},
		`{"algorithm":"none"}`:                   {"algorithm is given without", `"none"`, "algorithm must be one of HS256", `"none"`},
		`{"algorithm":7}`:                        {"algorithm must be string, not number", "7"},
		`{"algorithm":""}`:                       {"algorithm must not be empty", `""`},
		`{"secret":"` + secret32 + `"}`:          {"algorithm is missing", `{"secret"`},
		`{"algorithm":"HS256"}`:                  {"algorithm is given without secret, publicKey or jwksUrl", `"HS256"`},
		`{"algorithm":"HS256","secret":"short"}`: {"secret must have 32 to 1024 bytes, not 5", `"short"`},
		`{"algorithm":"HS256","secretBase64":"c2hvcnQ="}`:                                       {"secret must have 32 to 1024 bytes, not 5", `"c2hvcnQ="`},
		`{"algorithm":"HS256","secretBase64":"not base 64"}`:                                    {"algorithm is given without", `"HS256"`, "secretBase64 must be base64", `"not base`},
		`{` + hs + `,"secretBase64":"` + strings.Repeat("AAAA", 11) + `"}`:                      {"secretBase64 is given besides secret", `"AAAA`},
		`{` + hs + `,"jwksUrl":"https://a.example/"}`:                                           {"jwksUrl is given besides secret", `"https://a`},
		`{"algorithm":"RS256","jwksUrl":"http://a.example/"}`:                                   {"jwksUrl must begin with https://", `"http://a`},
		`{"algorithm":"RS256","jwksUrl":"https://u:p@a.example/"}`:                              {"jwksUrl must not hold a user", `"https://u`},
		`{"algorithm":"RS256","jwksUrl":"https:///keys"}`:                                       {"jwksUrl names no host", `"https:///`},
		`{"algorithm":"RS256","jwksUrl":"https://a.example/#x"}`:                                {"jwksUrl must not have a fragment", `"https://a`},
		`{"algorithm":"RS256","jwksUrl":"https://a.example/` + strings.Repeat("x", 2048) + `"}`: {"jwksUrl must not have more than 2048 bytes", `"https://a`},
		`{"algorithm":"RS256","publicKey":"x"}`:                                                 {"publicKey is refused: no key in PEM", `"x"`},
		`{"algorithm":"RS256","publicKey":` + quoted(edKey) + `}`:                               {"publicKey is refused: RS256 takes an RSA key, not an Ed25519 key", `"-----`},
		`{"clockSkewSeconds":301}`:                                                              {"clockSkewSeconds must be a whole number from 0 to 300", "301"},
		`{"clockSkewSeconds":-1}`:                                                               {"clockSkewSeconds must be a whole number from 0 to 300", "-1"},
		`{"clockSkewSeconds":1.5}`:                                                              {"clockSkewSeconds must be a whole number of seconds", "1.5"},
		`{"clockSkewSeconds":"30"}`:                                                             {"clockSkewSeconds must be a whole number of seconds", `"30"`},
		`{"maxTokenSeconds":59}`:                                                                {"maxTokenSeconds must be a whole number from 60", "59"},
		`{"maxTokenSeconds":99999999999999999999}`:                                              {"maxTokenSeconds must be a whole number of seconds", "9999"},
		`{"issuer":"a\u0000b"}`:                                                                 {"issuer must be 1 to 1024 bytes of UTF-8 without control characters", `"a\u`},
		`{"audience":7}`:                                                                        {"audience must be a string or a list of strings", "7"},
		`{"audience":["a",7,"",null]}`:                                                          {"audience[1] must be string, not number", "7", "audience[2] must be 1 to", `""`, "audience[3] must be string, not null", "null"},
		`{"audience":""}`:                                                                       {"audience[0] must be 1 to", `""`},
		`{"claims":[]}`:                                                                         {"claims must be object, not array", "[]"},
		`{` + hs + `,"claims":{"subject":"","permissions":7}}`:                                  {"claims.subject must not be empty", `""`, "claims.permissions must be string", "7"},
		`{"mode":"anonymous"}`:                                                                  {"origins must list the origins", `{"mode"`},
		`{"mode":"anonymous","origins":[]}`:                                                     {"origins must list the origins", `[]`},
		`{"mode":"anonymous","origins":["https://a.example"],` + hs + `}`:                       {"algorithm is of no use where mode is anonymous", `"HS256"`, "secret is of no use", `"0123`},
		`{"origins":"https://a.example"}`:                                                       {"origins must be a list of strings", `"https`},
		`{"origins":["https://a.example/","https://A.example","https://a.example:443","http://a.example:80","https://a.example:","*","null","https://*.example","https://bücher.example","https://u@a.example","a.example","wss://a.example","https://"]}`: {
			"origins[0] must be as browsers send it", `"https://a.example/"`, "origins[1]", `"https://A`, "origins[2]", `"https://a.example:443"`, "origins[3]", `"http://a.example:80`, "origins[4]", `"https://a.example:"`,
			"origins[5]", `"*"`, "origins[6]", `"null"`, "origins[7]", `"https://*`, "origins[8]", `"https://b`, "origins[9]", `"https://u@`, "origins[10]", `"a.example"`, "origins[11]", `"wss`, "origins[12]", `"https://"`,
		},
	} {
		a, err := tenant.ParseAuth([]byte(text))
		var refused *tenant.AuthError
		if !errors.As(err, &refused) {
			t.Errorf("%s: %+v, %v", text, a, err)
			continue
		}
		if !reflect.DeepEqual(a, tenant.Auth{}) {
			t.Errorf("%s: settings come with the error", text)
		}
		if len(refused.Problems) != len(want)/2 {
			t.Errorf("%s: %q, want %d mistakes", text, err, len(want)/2)
			continue
		}
		for i, p := range refused.Problems {
			if !strings.HasPrefix(p.Message, want[2*i]) || !strings.HasPrefix(text[p.Offset:], want[2*i+1]) {
				t.Errorf("%s: %q at %q\nwant %q at %q", text, p.Message, text[p.Offset:], want[2*i], want[2*i+1])
			}
		}
		if strings.Contains(err.Error(), secret32) {
			t.Errorf("%s: the error shows the secret: %v", text, err)
		}
	}
}

func TestAuthListsAreBounded(t *testing.T) {
	list := func(n int, format string) string { return `["` + strings.Repeat(format+`","`, n-1) + format + `"]` }
	for text, want := range map[string]string{
		`{"audience":` + list(16, "a") + `}`:                 "",
		`{"audience":` + list(17, "a") + `}`:                 "audience must not list more than 16",
		`{"origins":` + list(100, "https://a.example") + `}`: "",
		`{"origins":` + list(101, "https://a.example") + `}`: "origins must not list more than 100",
	} {
		if _, err := tenant.ParseAuth([]byte(text)); (err == nil) != (want == "") || err != nil && err.Error() != want {
			t.Errorf("%.40s: %v, want %q", text, err, want)
		}
	}
}

func TestAllowOrigin(t *testing.T) {
	a := tenant.DefaultAuth()
	listed := tenant.Auth{Origins: []string{"https://a.example", "https://b.example"}}
	for origin, want := range map[string]bool{
		"https://a.example": true, "https://b.example": true,
		"https://a.example.evil": false, "https://evil-a.example": false, "http://a.example": false, "https://a.example:444": false, "null": false, "": false, "https://A.example": false,
	} {
		if !a.AllowOrigin(origin) {
			t.Errorf("%q is refused where none is listed", origin)
		}
		if listed.AllowOrigin(origin) != want {
			t.Errorf("%q: want %t", origin, want)
		}
	}
	if (&tenant.Auth{Anonymous: true}).AllowOrigin("https://a.example") {
		t.Error("an origin may reach an anonymous tenant that lists none")
	}
}

// TestAuthIsKept has a directory that begins anew find the settings in the store,
// secret included, and nobody see the secret.
func TestAuthIsKept(t *testing.T) {
	d := tenanttest.Directory()
	x := tenanttest.Create(t, d, "a")
	a, err := tenant.ParseAuth([]byte(`{"algorithm":"HS256","secret":"` + secret32 + `"}`))
	if err != nil {
		t.Fatal(err)
	}
	set := func(a *tenant.Auth) error {
		return d.Change(t.Context(), x, func(s *tenant.Settings) error { s.Auth = a; return nil })
	}
	if err := set(&a); err != nil {
		t.Fatal(err)
	}
	held := x.Auth()
	if now, _, err := d.Refresh(t.Context(), "a"); err != nil || now.Auth() != held || !held.Equal(&a) {
		t.Errorf("read anew: %+v, %v", now.Auth(), err)
	}
	var refused *tenant.AuthError
	if err := set(&tenant.Auth{Anonymous: true}); !errors.As(err, &refused) || x.Auth() != held {
		t.Errorf("settings that are wrong: %v", err)
	}
	if text := string(mustJSON(t, x.Auth())); strings.Contains(text, secret32) || !strings.Contains(text, `"secretSet":true`) {
		t.Errorf("shown as %s", text)
	}
}
