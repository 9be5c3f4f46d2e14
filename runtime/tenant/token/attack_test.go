package token_test

import (
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"math/big"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/runnel-dev/runnel/runtime/tenant"
	"github.com/runnel-dev/runnel/runtime/tenant/token"
)

func TestEveryAlgorithm(t *testing.T) {
	k := newKeys()
	for _, algorithm := range tenant.Algorithms() {
		s := newStage(t, token.Config{}, k.by(algorithm))
		for _, authorization := range []string{"Bearer ", "bearer ", "BEARER   "} {
			id, err := s.verifier.Verify(t.Context(), s.tenant, authorization+k.issue(algorithm, `"sub":"u1","permissions":["p","q"],"team":{"id":7}`))
			if err != nil {
				t.Errorf("%s: %v", algorithm, err)
				continue
			}
			if id.Subject() != "u1" || !id.Permitted("p") || !id.Permitted("q") || id.Permitted("r") || claim(id, "sub") != `"u1"` || claim(id, "team") != `{"id":7}` {
				t.Errorf("%s: the identity is %v", algorithm, id)
			}
			if left := time.Until(id.Expires()); left < 3600*time.Second || left > 3631*time.Second {
				t.Errorf("%s: it expires in %v, want an hour and the clock skew", algorithm, left)
			}
		}
	}
}

// TestAttacks holds each known attack on JSON Web Tokens against settings that
// trust one key, and the reason for which it fails.
func TestAttacks(t *testing.T) {
	k := newKeys()
	good := hour(`"sub":"u1"`)
	const (
		hs, rs, ps, es, ed = "HS256", "RS256", "PS256", "ES256", "EdDSA"
		notSigned          = "the signature is not of the issuer's key"
	)
	header := func(algorithm, more string) string { return `{"alg":"` + algorithm + `"` + more + `}` }
	claims := func(text string) func(string) string {
		return func(algorithm string) string { return sign(algorithm, k.of(algorithm), header(algorithm, ""), text) }
	}
	headed := func(more string) func(string) string {
		return func(algorithm string) string {
			return sign(algorithm, k.of(algorithm), header(algorithm, more), good)
		}
	}
	// changed takes a good token apart.
	changed := func(change func(parts []string) string) func(string) string {
		return func(algorithm string) string {
			return change(strings.Split(k.issue(algorithm, `"sub":"u1"`), "."))
		}
	}
	signedBy := func(key any) func(string) string {
		return func(algorithm string) string { return sign(algorithm, key, header(algorithm, ""), good) }
	}
	unsigned := func(header string) func(string) string {
		return func(string) string { return encode([]byte(header)) + "." + encode([]byte(good)) + "." }
	}
	signedWith := func(bytes []byte) func(string) string {
		return changed(func(p []string) string { return p[0] + "." + p[1] + "." + encode(bytes) })
	}
	now := time.Now().Unix()
	within := func(name, value string) string { return fmt.Sprintf(`{"exp":%d,%q:%s}`, now+3600, name, value) }
	n := func(c byte, count int) string { return strings.Repeat(string(c), count) }
	order := k.p256.Params().N

	for _, attack := range []struct {
		name       string
		algorithms []string // of the settings
		token      func(algorithm string) string
		reason     string
	}{
		// No signature.
		{"alg none, no signature", tenant.Algorithms(), unsigned(`{"alg":"none"}`), "part 3"},
		{"alg None", tenant.Algorithms(), func(string) string { return sign(hs, k.secret, `{"alg":"None"}`, good) }, `alg is "None"`},
		{"alg NONE", tenant.Algorithms(), func(string) string { return sign(hs, k.secret, `{"alg":"NONE"}`, good) }, `alg is "NONE"`},
		{"alg nOnE", tenant.Algorithms(), func(string) string { return sign(hs, k.secret, `{"alg":"nOnE"}`, good) }, `alg is "nOnE"`},
		{"alg none, signed", tenant.Algorithms(), func(a string) string { return sign(a, k.of(a), `{"alg":"none"}`, good) }, `alg is "none"`},
		{"alg empty", tenant.Algorithms(), func(a string) string { return sign(a, k.of(a), `{"alg":""}`, good) }, `alg is ""`},
		{"alg missing", tenant.Algorithms(), func(a string) string { return sign(a, k.of(a), `{"typ":"JWT"}`, good) }, "no alg"},
		{"alg null", tenant.Algorithms(), func(a string) string { return sign(a, k.of(a), `{"alg":null}`, good) }, "alg is no string"},
		{"alg in a list", tenant.Algorithms(), func(a string) string { return sign(a, k.of(a), `{"alg":["`+a+`"]}`, good) }, "alg is no string"},
		{"alg in small letters", tenant.Algorithms(), func(a string) string { return sign(a, k.of(a), `{"alg":"`+swapCase(a)+`"}`, good) }, "by the settings it is"},
		{"Alg besides", tenant.Algorithms(), func(a string) string { return sign(a, k.of(a), `{"Alg":"`+a+`"}`, good) }, "no alg"},
		{"alg twice", tenant.Algorithms(), func(a string) string { return sign(a, k.of(a), `{"alg":"none","alg":"`+a+`"}`, good) }, "duplicate key"},
		{"alg twice, escaped", tenant.Algorithms(), func(a string) string { return sign(a, k.of(a), `{"alg":"none","\u0061lg":"`+a+`"}`, good) }, "duplicate key"},
		{"no third part", []string{hs, es}, changed(func(p []string) string { return p[0] + "." + p[1] }), "2 parts"},
		{"signature empty", []string{hs, es}, changed(func(p []string) string { return p[0] + "." + p[1] + "." }), "part 3"},

		// Another algorithm or key than that of the settings.
		{"HS256 with the public key in PEM", []string{rs, ps, es, ed}, func(a string) string { return sign(hs, []byte(publicPEM(k.of(a))), header(hs, ""), good) }, `alg is "HS256"`},
		{"HS256 with the public key in PEM, under the settings' alg", []string{rs, ps, es, ed}, func(a string) string { return sign(hs, []byte(publicPEM(k.of(a))), header(a, ""), good) }, notSigned},
		{"HS256 with the public key in DER", []string{rs, ps, es, ed}, func(a string) string {
			return sign(hs, must(x509.MarshalPKIXPublicKey(public(k.of(a)))), header(a, ""), good)
		}, notSigned},
		{"HS256 with an empty secret", []string{hs, rs}, func(a string) string { return sign(hs, []byte{}, header(a, ""), good) }, notSigned},
		{"RS256 for PS256", []string{ps}, func(a string) string { return sign(rs, k.rsa, header(a, ""), good) }, notSigned},
		{"PS256 for RS256", []string{rs}, func(a string) string { return sign(ps, k.rsa, header(a, ""), good) }, notSigned},
		{"RS384 for RS256", []string{rs}, func(string) string { return sign("RS384", k.rsa, header("RS384", ""), good) }, `alg is "RS384"`},
		{"another RSA key", []string{rs, ps}, signedBy(k.rsaOther), notSigned},
		{"another EC key", []string{es}, signedBy(k.p256Other), notSigned},
		{"another Ed25519 key", []string{ed}, signedBy(k.edOther), notSigned},
		{"another secret", []string{hs}, signedBy([]byte("another secret of thirty-two bytes!")), notSigned},
		{"ES384 under the alg ES256", []string{es}, func(string) string { return sign("ES384", k.p384, header(es, ""), good) }, notSigned},
		{"ES512", []string{es}, func(string) string { return sign("ES512", k.p521, header("ES512", ""), good) }, `alg is "ES512"`},
		{"RSA of 1024 bits", []string{rs, ps}, signedBy(k.rsa1024), notSigned},

		// Signatures that are none.
		{"r and s are 0 (psychic)", []string{es}, signedWith(make([]byte, 64)), notSigned},
		{"r and s are 1", []string{es}, signedWith(slices.Concat(make([]byte, 31), []byte{1}, make([]byte, 31), []byte{1})), notSigned},
		{"r and s are the order", []string{es}, signedWith(append(order.Bytes(), order.Bytes()...)), notSigned},
		{"r is 0", []string{es}, signedWith(append(make([]byte, 32), order.Bytes()...)), notSigned},
		{"an EC signature in ASN.1", []string{es}, changed(func(p []string) string {
			raw := must(base64.RawURLEncoding.DecodeString(p[2]))
			return p[0] + "." + p[1] + "." + encode(asn1Signature(raw))
		}), notSigned},
		{"all zero", []string{hs, rs, ed}, signedWith(make([]byte, 256)), notSigned},
		{"truncated", tenant.Algorithms(), changed(func(p []string) string {
			raw := must(base64.RawURLEncoding.DecodeString(p[2]))
			return p[0] + "." + p[1] + "." + encode(raw[:len(raw)-1])
		}), notSigned},
		{"half", tenant.Algorithms(), changed(func(p []string) string {
			raw := must(base64.RawURLEncoding.DecodeString(p[2]))
			return p[0] + "." + p[1] + "." + encode(raw[:len(raw)/2])
		}), notSigned},
		{"longer", tenant.Algorithms(), changed(func(p []string) string {
			return p[0] + "." + p[1] + "." + encode(append(must(base64.RawURLEncoding.DecodeString(p[2])), 0))
		}), notSigned},
		{"of other claims", tenant.Algorithms(), changed(func(p []string) string { return p[0] + "." + encode([]byte(hour(`"sub":"admin"`))) + "." + p[2] }), notSigned},
		{"of another header", tenant.Algorithms(), func(a string) string {
			p := strings.Split(k.issue(a, ""), ".")
			return encode([]byte(header(a, ""))) + "." + p[1] + "." + p[2]
		}, notSigned},

		// Keys that come with the token.
		{"embedded jwk", []string{rs, ps}, func(a string) string { return sign(a, k.rsaOther, header(a, `,"jwk":`+jwk(k.rsaOther, "")), good) }, notSigned},
		{"embedded jwk with a secret", []string{hs}, func(a string) string {
			own := []byte("the attacker's own secret, long enough")
			return sign(a, own, header(a, `,"jwk":`+jwk(own, "")), good)
		}, "token: "},
		{"jku", []string{rs}, func(a string) string {
			return sign(a, k.rsaOther, header(a, `,"jku":"https://attacker.example/jwks.json","kid":"1"`), good)
		}, notSigned},
		{"x5u", []string{rs}, func(a string) string {
			return sign(a, k.rsaOther, header(a, `,"x5u":"https://attacker.example/cert.pem"`), good)
		}, notSigned},
		{"kid as a path", []string{hs}, func(a string) string { return sign(a, []byte{0}, header(a, `,"kid":"../../../../dev/null"`), good) }, notSigned},
		{"kid as SQL", []string{hs}, func(a string) string {
			return sign(a, []byte("chosen"), header(a, `,"kid":"x' UNION SELECT 'chosen"`), good)
		}, notSigned},
		{"kid is a number", []string{hs}, headed(`,"kid":1`), "kid is no string"},

		// Headers that ask for something.
		{"crit", []string{hs, rs}, headed(`,"crit":["exp"],"exp":1`), "crit"},
		{"crit, empty", []string{hs}, headed(`,"crit":[]`), "crit"},
		{"crit with b64", []string{hs}, headed(`,"crit":["b64"],"b64":true`), "crit"},
		{"b64 without crit", []string{hs}, headed(`,"b64":false`), "b64"},
		{"an encrypted token's header", []string{hs}, headed(`,"enc":"A128GCM"`), "enc"},
		{"zip", []string{hs}, headed(`,"zip":"DEF"`), "zip"},
		{"another kind of token", []string{hs, es}, headed(`,"typ":"logout+jwt"`), "typ"},
		{"typ is no string", []string{hs}, headed(`,"typ":{}`), "typ"},
		{"five parts, as encrypted ones have", []string{hs}, func(string) string { return "e30.e30.e30.e30.e30" }, "5 parts"},
		{"the JSON serialization", []string{hs}, changed(func(p []string) string {
			return `{"protected":"` + p[0] + `","payload":"` + p[1] + `","signature":"` + p[2] + `"}`
		}), "1 parts"},

		// Texts that two readers could read in two ways.
		{"padding", tenant.Algorithms(), changed(func(p []string) string { return p[0] + "." + p[1] + "." + p[2] + "==" }), "part 3"},
		{"padding in the claims", []string{hs}, changed(func(p []string) string { return p[0] + "." + p[1] + "=." + p[2] }), "part 2"},
		{"the other alphabet", []string{hs}, func(a string) string { return swapAlphabet(k.issue(a, `"x":"???>>>"`)) }, "part 2"},
		{"bits that mean nothing", []string{hs}, changed(func(p []string) string { return p[0] + "." + p[1] + "." + looseEnd(p[2]) }), "part 3"},
		{"an end of line within", []string{hs}, changed(func(p []string) string { return p[0] + ".\n" + p[1] + "." + p[2] }), "part 2"},
		{"an end of line after", []string{hs}, changed(func(p []string) string { return strings.Join(p, ".") + "\n" }), "part 3"},
		{"text after it", []string{hs}, changed(func(p []string) string { return strings.Join(p, ".") + " x" }), "part 3"},
		{"a fourth part", []string{hs}, changed(func(p []string) string { return strings.Join(p, ".") + ".x" }), "4 parts"},
		{"two tokens", []string{hs}, changed(func(p []string) string { return strings.Join(p, ".") + ", Bearer " + strings.Join(p, ".") }), "5 parts"},
		{"bytes after the header", []string{hs}, func(a string) string { return sign(a, k.secret, header(a, "")+"x", good) }, "text after the value"},
		{"bytes after the claims", []string{hs}, claims(good + "{}"), "text after the value"},
		{"a claim twice", []string{hs}, claims(fmt.Sprintf(`{"exp":%d,"sub":"a","sub":"b"}`, now+3600)), `duplicate key "sub"`},
		{"a claim twice, escaped", []string{hs}, claims(fmt.Sprintf(`{"exp":%d,"sub":"a","\u0073ub":"b"}`, now+3600)), `duplicate key "sub"`},
		{"exp twice", []string{hs}, claims(fmt.Sprintf(`{"exp":1,"exp":%d}`, now+3600)), "duplicate key"},
		{"a member twice within a claim", []string{hs}, claims(within("a", `{"b":1,"b":2}`)), "duplicate key"},
		{"no UTF-8", []string{hs}, claims(within("a", "\"\xff\"")), "UTF-8"},
		{"half a surrogate", []string{hs}, claims(within("a", `"\ud800"`)), "surrogate"},
		{"a zero byte in sub", []string{hs}, claims(within("sub", `"a\u0000b"`)), "zero byte"},
		{"a byte order mark", []string{hs}, claims("\ufeff" + good), "expected a value"},
		{"a list of claims", []string{hs}, claims("[" + good + "]"), "no JSON object"},
		{"claims that are a token", []string{hs}, func(a string) string { return sign(a, k.secret, header(a, `,"cty":"JWT"`), k.issue(a, "")) }, "expected a value"},
		{"a header that is a string", []string{hs}, func(a string) string { return sign(a, k.secret, `"`+a+`"`, good) }, "no JSON object"},

		// Size.
		{"huge", []string{hs}, claims(hour(`"x":"` + n('x', 8<<10) + `"`)), "at most 8192"},
		{"huge and no token", []string{hs}, func(string) string { return n('x', 1<<20) }, "at most 8192"},
		{"nested deep", []string{hs}, claims(within("a", n('[', 32)+n(']', 32))), "levels of nesting"},
		{"a header nested deep", []string{hs}, headed(`,"x":` + n('[', 4) + n(']', 4)), "levels of nesting"},
		{"many names of claims that are too long", []string{hs}, claims(within(n('x', 1025), "1")), "claim name of 1025 bytes"},

		// Time.
		{"exp missing", tenant.Algorithms(), claims(`{"sub":"u1"}`), "exp is missing"},
		{"exp null", []string{hs}, claims(`{"exp":null}`), "exp is null"},
		{"exp as a string", []string{hs}, claims(fmt.Sprintf(`{"exp":"%d"}`, now+3600)), "exp is string"},
		{"exp true", []string{hs}, claims(`{"exp":true}`), "exp is boolean"},
		{"exp negative", []string{hs}, claims(`{"exp":-1}`), "exp is no number of seconds"},
		{"exp enormous", []string{hs}, claims(`{"exp":1e400}`), "exp is no number of seconds"},
		{"exp past all times", []string{hs}, claims(`{"exp":9223372036854775807}`), "exp is no number of seconds"},
		{"exp in milliseconds", []string{hs}, claims(fmt.Sprintf(`{"exp":%d000}`, now+3600)), "exp is no number of seconds"},
		{"Exp besides", []string{hs}, claims(fmt.Sprintf(`{"Exp":%d}`, now+3600)), "exp is missing"},
		{"expired", tenant.Algorithms(), claims(fmt.Sprintf(`{"exp":%d}`, now-3600)), "the token has expired"},
		{"exp 0", []string{hs}, claims(`{"exp":0}`), "the token has expired"},
		{"not yet valid", []string{hs}, claims(within("nbf", fmt.Sprint(now+3600))), "nbf is in the future"},
		{"nbf as a string", []string{hs}, claims(within("nbf", `"0"`)), "nbf is string"},
		{"issued in the future", []string{hs}, claims(within("iat", fmt.Sprint(now+3600))), "iat is in the future"},

		// Whose, and for whom.
		{"aud where the settings have none", []string{hs}, claims(within("aud", `"somebody else"`)), "not in the settings"},
		{"sub is a number", []string{hs}, claims(within("sub", "7")), `"sub" is number`},
		{"sub is a list", []string{hs}, claims(within("sub", `["u1"]`)), `"sub" is array`},
		{"jti is a number", []string{hs}, claims(within("jti", "7")), `"jti" is number`},
		{"permissions as an object", []string{hs}, claims(within("permissions", `{"p":true}`)), `"permissions" is object`},
		{"permissions that are no strings", []string{hs}, claims(within("permissions", `["p",1]`)), `"permissions" holds number`},
		{"an empty permission", []string{hs}, claims(within("permissions", `[""]`)), "permission"},
	} {
		for _, algorithm := range attack.algorithms {
			s := newStage(t, token.Config{}, k.by(algorithm))
			s.refuses(attack.name+" against "+algorithm, attack.token(algorithm), attack.reason)
		}
	}
}

// TestAttacksAtTheirBounds has what just is no attack.
func TestAttacksAtTheirBounds(t *testing.T) {
	k := newKeys()
	s := newStage(t, token.Config{}, k.by("HS256"))
	const head = `{"alg":"HS256"}`
	deep := hour(`"a":` + strings.Repeat("[", 31) + strings.Repeat("]", 31))
	long := func(n int) string { return sign("HS256", k.secret, head, hour(`"x":"`+strings.Repeat("x", n)+`"`)) }
	n := 0
	for len(long(n)) <= token.MaxBytes {
		n++
	}
	for name, text := range map[string]string{
		"nested":                 sign("HS256", k.secret, head, deep),
		"a nested header":        sign("HS256", k.secret, `{"alg":"HS256","x":[[[]]]}`, hour("")),
		"8 KB":                   long(n - 1),
		"other headers":          sign("HS256", k.secret, `{"alg":"HS256","kid":"any","jku":"https://a.example","typ":"at+jwt","cty":"json"}`, hour("")),
		"a part of a second":     sign("HS256", k.secret, head, fmt.Sprintf(`{"exp":%d.5}`, time.Now().Unix()+60)),
		"in the form of science": sign("HS256", k.secret, head, `{"exp":2.5e11}`),
	} {
		if _, err := s.verify(text); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if got := len(long(n - 1)); got < token.MaxBytes-1 {
		t.Errorf("the longest token has %d bytes", got)
	}
}

// TestSettingsRefuseKeys holds the attacks that begin with the settings: keys
// that must not verify anything.
func TestSettingsRefuseKeys(t *testing.T) {
	k := newKeys()
	huge := k.rsa.PublicKey
	huge.N = new(big.Int).Add(new(big.Int).Lsh(big.NewInt(1), 8200), big.NewInt(1))
	weak := k.rsa.PublicKey
	weak.E = 1
	private := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: must(x509.MarshalPKCS8PrivateKey(k.rsa))})
	for name, c := range map[string]struct {
		algorithm, secret, key, reason string
	}{
		"none":                     {"none", "", publicPEM(k.rsa), "algorithm must be one of HS256, RS256"},
		"hs256":                    {"hs256", string(k.secret), "", "algorithm must be one of"},
		"31 bytes":                 {"HS256", strings.Repeat("x", 31), "", "secret must have 32 to 1024 bytes, not 31"},
		"a public key as a secret": {"HS256", publicPEM(k.rsa), "", "secret is a key in PEM"},
		"a public key for HS256":   {"HS256", "", publicPEM(k.rsa), "publicKey cannot be where algorithm is HS256"},
		"a secret for RS256":       {"RS256", string(k.secret), "", "secret cannot be where algorithm is RS256"},
		"EC for RS256":             {"RS256", "", publicPEM(k.p256), "RS256 takes an RSA key, not one of the curve P-256"},
		"RSA for ES256":            {"ES256", "", publicPEM(k.rsa), "ES256 takes a key of the curve P-256, not an RSA key"},
		"P-384 for ES256":          {"ES256", "", publicPEM(k.p384), "ES256 takes a key of the curve P-256, not one of the curve P-384"},
		"P-521 for ES384":          {"ES384", "", publicPEM(k.p521), "not one of the curve P-521"},
		"ES512":                    {"ES512", "", publicPEM(k.p521), "algorithm must be one of"},
		"Ed25519 for ES256":        {"ES256", "", publicPEM(k.ed), "not an Ed25519 key"},
		"EC for EdDSA":             {"EdDSA", "", publicPEM(k.p256), "EdDSA takes an Ed25519 key"},
		"RSA of 1024 bits":         {"RS256", "", publicPEM(k.rsa1024), "an RSA key of 2048 to 8192 bits, not of 1024"},
		"RSA of 8201 bits":         {"PS512", "", encodePEM(&huge), "not of 8201"},
		"an exponent of 1":         {"RS256", "", encodePEM(&weak), "odd exponent"},
		"a private key":            {"RS256", "", string(private), "a private key"},
		"no PEM":                   {"RS256", "", "MIIB", "no key in PEM"},
		"two keys":                 {"RS256", "", publicPEM(k.rsa) + publicPEM(k.rsa), "something after the key"},
		"a certificate":            {"RS256", "", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: []byte{0}})), "PEM of the type"},
		"two verifiers":            {"RS256", string(k.secret), publicPEM(k.rsa), "publicKey is given besides secret"},
	} {
		a := tenant.DefaultAuth()
		a.Algorithm, a.Secret, a.PublicKey = c.algorithm, []byte(c.secret), c.key
		if err := a.Validate(); err == nil || !strings.Contains(err.Error(), c.reason) {
			t.Errorf("%s: %v, want %q", name, err, c.reason)
		}
	}
}

func TestNoToken(t *testing.T) {
	k := newKeys()
	s := newStage(t, token.Config{}, k.by("HS256"))
	good := k.issue("HS256", "")
	for authorization, reason := range map[string]string{
		"":                "no token",
		"Bearer":          "1 parts",
		"Bearer ":         "1 parts",
		good:              "not of the form",
		"Basic " + good:   "not of the form",
		"Bearer\t" + good: "not of the form",
	} {
		if _, err := s.verifier.Verify(t.Context(), s.tenant, authorization); err == nil || !strings.Contains(err.Error(), reason) {
			t.Errorf("%.20q: %v, want %q", authorization, err, reason)
		}
	}
	s.set(tenant.DefaultAuth())
	s.refuses("no verifier", good, "no verifier")
	s.set(tenant.Auth{})
	s.refuses("the zero settings", good, "no verifier")
	s.set(tenant.Auth{Anonymous: true, Origins: []string{"https://a.example"}})
	for _, authorization := range []string{"", "Bearer " + good, "Bearer x"} {
		id, err := s.verifier.Verify(t.Context(), s.tenant, authorization)
		if _, claims := id.Claim("exp"); err != nil || claims || id.Subject() != "" || id.Permitted("p") || !id.Expires().IsZero() {
			t.Errorf("anonymous, %.10q: %v, %v", authorization, id, err)
		}
	}
}

func swapCase(s string) string {
	if lower := strings.ToLower(s); lower != s {
		return lower
	}
	return strings.ToUpper(s)
}

func swapAlphabet(text string) string { return strings.NewReplacer("-", "+", "_", "/").Replace(text) }

// looseEnd is a text of base64 that stands for the same bytes to a reader that is
// not strict.
func looseEnd(text string) string {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	last := strings.IndexByte(alphabet, text[len(text)-1])
	return text[:len(text)-1] + string(alphabet[last|1])
}

// asn1Signature is another form of an EC signature.
func asn1Signature(raw []byte) []byte {
	number := func(b []byte) []byte {
		b = append([]byte{0}, b...)
		return append([]byte{2, byte(len(b))}, b...)
	}
	half := len(raw) / 2
	body := append(number(raw[:half]), number(raw[half:])...)
	return append([]byte{0x30, byte(len(body))}, body...)
}
