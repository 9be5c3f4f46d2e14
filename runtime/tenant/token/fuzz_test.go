package token_test

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"math/big"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/runnel-dev/runnel/runtime/tenant"
	"github.com/runnel-dev/runnel/runtime/tenant/token"
)

// verifies is the plainest verification there is, by the standard library.
func verifies(algorithm string, key any, text, signature string) bool {
	raw, err := base64.RawURLEncoding.DecodeString(signature)
	if err != nil {
		return false
	}
	digest := sha256.Sum256([]byte(text))
	switch k := key.(type) {
	case []byte:
		h := hmac.New(sha256.New, k)
		h.Write([]byte(text))
		return bytes.Equal(h.Sum(nil), raw)
	case *rsa.PrivateKey:
		if algorithm == "PS256" {
			return rsa.VerifyPSS(&k.PublicKey, crypto.SHA256, digest[:], raw, nil) == nil
		}
		return rsa.VerifyPKCS1v15(&k.PublicKey, crypto.SHA256, digest[:], raw) == nil
	case *ecdsa.PrivateKey:
		return len(raw) == 64 && ecdsa.Verify(&k.PublicKey, digest[:], new(big.Int).SetBytes(raw[:32]), new(big.Int).SetBytes(raw[32:]))
	case ed25519.PrivateKey:
		return ed25519.Verify(k.Public().(ed25519.PublicKey), []byte(text), raw)
	}
	return false
}

var fuzzed = []string{"HS256", "RS256", "PS256", "ES256", "EdDSA"}

// FuzzToken gives the verifier good tokens that were changed, and any text in
// place of a header or of claims. What it takes, the standard library must have verified,
// encoding/json must read the same in it, and its time must not be over.
func FuzzToken(f *testing.F) {
	k := newKeys()
	stages, good := make([]*stage, len(fuzzed)), make([]string, len(fuzzed)) // of this process: its keys are
	for i, algorithm := range fuzzed {
		stages[i] = newStage(f, token.Config{}, k.by(algorithm))
		good[i] = sign(algorithm, k.of(algorithm), `{"alg":"`+algorithm+`"}`, `{"exp":4102444800,"sub":"u","permissions":["p"],"a":{"b":[1,"c"]}}`)
		f.Add(uint8(i), "", uint16(0), uint16(0), "")
		f.Add(uint8(i), "", uint16(3), uint16(1), "A")
		f.Add(uint8(i), "", uint16(len(good[i])-4), uint16(4), "")
		f.Add(uint8(i), `{"exp":4102444800}`, uint16(0), uint16(0), "")
		f.Add(uint8(i), `{"alg":"`+algorithm+`","kid":"1","typ":"JWT"}`, uint16(0), uint16(0), "")
	}
	f.Fuzz(func(t *testing.T, which uint8, text string, at, cut uint16, insert string) {
		i := int(which) % len(fuzzed)
		algorithm := fuzzed[i]
		key := k.of(algorithm)
		if text == "" {
			text = good[i]
		}
		start := min(int(at), len(text))
		end := min(start+int(cut), len(text))
		candidates := []string{text[:start] + insert + text[end:]}
		// Signed as well, so that what lies behind the signature is reached.
		candidates = append(candidates, sign(algorithm, key, `{"alg":"`+algorithm+`"}`, candidates[0]), sign(algorithm, key, candidates[0], `{"exp":4102444800}`))
		for _, candidate := range candidates {
			id, err := stages[i].verifier.Verify(t.Context(), stages[i].tenant, "Bearer "+candidate)
			if err != nil {
				continue
			}
			parts := strings.Split(strings.Trim(candidate, " "), ".") // spaces belong to the header Authorization
			if len(parts) != 3 || !verifies(algorithm, key, parts[0]+"."+parts[1], parts[2]) {
				t.Fatalf("%s: %q is taken, and is not signed", algorithm, candidate)
			}
			compareClaims(t, id, must(base64.RawURLEncoding.DecodeString(parts[1])))
		}
	})
}

func compareClaims(t *testing.T, id tenant.Identity, payload []byte) {
	t.Helper()
	var want map[string]any
	if err := json.Unmarshal(payload, &want); err != nil {
		t.Fatalf("%q is taken: %v", payload, err)
	}
	exp, ok := want["exp"].(float64)
	if !ok || exp <= float64(time.Now().Unix()-31) {
		t.Fatalf("%q is taken, and has expired", payload)
	}
	for name, value := range want {
		text, ok := id.Claim(name)
		var got any
		if err := json.Unmarshal(text, &got); !ok || err != nil || !reflect.DeepEqual(got, value) {
			t.Fatalf("%q: claim %q is %s, %v", payload, name, text, err)
		}
	}
	if sub, _ := want["sub"].(string); id.Subject() != sub {
		t.Fatalf("%q: subject %q", payload, id.Subject())
	}
	list, _ := want["permissions"].([]any)
	for _, p := range list {
		if !id.Permitted(p.(string)) {
			t.Fatalf("%q: %q is not permitted", payload, p)
		}
	}
}

// FuzzKeys gives the verifier any text in place of a published set of keys. A
// token is taken only where encoding/json finds in the set, under the token's
// name, the key that it was signed with.
func FuzzKeys(f *testing.F) {
	k := newKeys()
	good := sign("EdDSA", k.ed, `{"alg":"EdDSA","kid":"1"}`, `{"exp":4102444800}`)
	point := encode(k.ed.Public().(ed25519.PublicKey))
	set := string(jwks(jwk(k.ed, `"kid":"1","use":"sig"`), jwk(k.edOther, `"kid":"2","alg":"EdDSA"`), jwk(k.secret, `"kid":"1"`)))
	f.Add(set, uint16(0), uint16(0), "")
	f.Add(set, uint16(60), uint16(1), "2")
	f.Add(`{"keys":[{"kty":"OKP","crv":"Ed25519","x":"","kid":"1"}]}`, uint16(41), uint16(0), point)
	f.Fuzz(func(t *testing.T, text string, at, cut uint16, insert string) {
		text = strings.ReplaceAll(text, "POINT", point)
		start := min(int(at), len(text))
		text = text[:start] + insert + text[min(start+int(cut), len(text)):]
		s := newStage(t, token.Config{}, byURL("EdDSA"))
		s.verifier.SetFetch(func(context.Context, string) ([]byte, error) { return []byte(text), nil })
		if _, err := s.verify(good); err != nil {
			return
		}
		var want struct{ Keys []map[string]any }
		if err := json.Unmarshal([]byte(text), &want); err != nil {
			t.Fatalf("%q is taken: %v", text, err)
		}
		for _, key := range want.Keys {
			if key["kid"] == "1" && key["x"] == point && key["d"] == nil && (key["use"] == nil || key["use"] == "" || key["use"] == "sig") {
				return
			}
		}
		t.Fatalf("%q: the token is taken, and its key is not there", text)
	})
}
