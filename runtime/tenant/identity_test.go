package tenant_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/runnel-dev/runnel/runtime/tenant"
)

func TestIdentity(t *testing.T) {
	sub := json.RawMessage(`"u\u0031"`)
	claims := map[string]json.RawMessage{"sub": sub, "groups": json.RawMessage(` [1, "a b"] `), "none": json.RawMessage("null")}
	permissions := []string{"orders:read", "orders:read"}
	id, err := tenant.NewIdentity(claims, permissions)
	if err != nil {
		t.Fatal(err)
	}
	sub[1], permissions[0] = 'X', "x"
	delete(claims, "groups")
	for name, want := range map[string]string{"sub": `"u\u0031"`, "groups": `[1,"a b"]`, "none": "null"} {
		if got, ok := id.Claim(name); !ok || string(got) != want {
			t.Errorf("claim %s: %s, %t; want %s", name, got, ok, want)
		}
	}
	if _, ok := id.Claim("Sub"); ok {
		t.Error("claims are not case-sensitive")
	}
	if !id.Permitted("orders:read") || id.Permitted("x") || id.Permitted("") {
		t.Error("wrong permissions")
	}
}

func TestAnonymous(t *testing.T) {
	var id tenant.Identity
	if _, ok := id.Claim("sub"); ok || id.Permitted("") || id.Permitted("x") {
		t.Error("the zero Identity has something")
	}
}

func TestIdentityRefuses(t *testing.T) {
	claim := func(name, text string) map[string]json.RawMessage {
		return map[string]json.RawMessage{name: json.RawMessage(text)}
	}
	for name, test := range map[string]struct {
		claims      map[string]json.RawMessage
		permissions []string
		want        string
	}{
		"long claim":       {claim(strings.Repeat("x", 1025), "1"), nil, "claim name of 1025 bytes"},
		"long permission":  {nil, []string{strings.Repeat("x", 1025)}, "permission of 1025 bytes"},
		"no JSON":          {claim("a", "nope"), nil, `claim "a"`},
		"empty text":       {claim("a", ""), nil, `claim "a"`},
		"duplicate keys":   {claim("a", `{"b":1,"b":2}`), nil, "duplicate key"},
		"no name":          {claim("", "1"), nil, "claim name"},
		"bad name":         {claim("\xff", "1"), nil, "claim name"},
		"too large":        {claim("a", `"`+strings.Repeat("x", tenant.MaxIdentityBytes)+`"`), nil, "more than 65536 bytes"},
		"empty permission": {nil, []string{""}, "permission"},
		"bad permission":   {nil, []string{"\xff"}, "permission"},
		"many permissions": {nil, slices.Repeat([]string{strings.Repeat("x", 1024)}, 65), "more than 65536 bytes"},
	} {
		id, err := tenant.NewIdentity(test.claims, test.permissions)
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v", name, err)
		}
		if _, ok := id.Claim("a"); ok {
			t.Errorf("%s: an identity comes with the error", name)
		}
	}
}

func TestParseIdentity(t *testing.T) {
	id, err := tenant.ParseIdentity([]byte(` {"permissions":["a"],"claims":{"sub":"u1","team":{"id":2}}}`))
	if err != nil {
		t.Fatal(err)
	}
	if text, _ := id.Claim("team"); string(text) != `{"id":2}` || !id.Permitted("a") {
		t.Errorf("got %+v", id)
	}
	for _, text := range []string{`{}`, `{"authorization":"Bearer x"}`, `{"AUTHORIZATION":1,"Authorization":2}`} {
		if _, err := tenant.ParseIdentity([]byte(text)); err != nil {
			t.Errorf("%s: %v", text, err)
		}
	}
	for text, want := range map[string]string{
		``:                          "identity: ",
		`[]`:                        "not array",
		`{"claims":[]}`:             "claims must be an object",
		`{"permissions":{}}`:        "permissions must be an array",
		`{"permissions":[1]}`:       "not number",
		`{"permissions":[""]}`:      "permission",
		`{"claim":{}}`:              `unknown member "claim"`,
		`{"claims":{},"claims":{}}`: "duplicate key",
		`{"a":"` + strings.Repeat("x", 2*tenant.MaxIdentityBytes) + `"}`: "more than 65536 bytes",
	} {
		if _, err := tenant.ParseIdentity([]byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.40s: %v, want %q", text, err, want)
		}
	}
}
