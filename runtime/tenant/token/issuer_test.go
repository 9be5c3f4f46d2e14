package token_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	_ "crypto/sha256"
	_ "crypto/sha512"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"math/big"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/runnel-dev/runnel/runtime/tenant"
	"github.com/runnel-dev/runnel/runtime/tenant/tenanttest"
	"github.com/runnel-dev/runnel/runtime/tenant/token"
)

// keys are what the tests sign with. Signing is by the standard library alone, so
// that no mistake of the verifying library is shared.
type keys struct {
	secret           []byte
	rsa, rsaOther    *rsa.PrivateKey
	rsa1024          *rsa.PrivateKey
	p256, p384, p521 *ecdsa.PrivateKey
	p256Other        *ecdsa.PrivateKey
	ed, edOther      ed25519.PrivateKey
}

var newKeys = sync.OnceValue(func() *keys {
	curve := func(c elliptic.Curve) *ecdsa.PrivateKey { return must(ecdsa.GenerateKey(c, rand.Reader)) }
	ed := func() ed25519.PrivateKey {
		_, key, err := ed25519.GenerateKey(rand.Reader)
		return must(key, err)
	}
	return &keys{
		secret: []byte("a secret of at least thirty-two bytes"),
		rsa:    must(rsa.GenerateKey(rand.Reader, 2048)), rsaOther: must(rsa.GenerateKey(rand.Reader, 2048)), rsa1024: must(rsa.GenerateKey(rand.Reader, 1024)),
		p256: curve(elliptic.P256()), p384: curve(elliptic.P384()), p521: curve(elliptic.P521()), p256Other: curve(elliptic.P256()),
		ed: ed(), edOther: ed(),
	}
})

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// of is the key for an algorithm.
func (k *keys) of(algorithm string) any {
	switch algorithm {
	case "HS256":
		return k.secret
	case "ES256":
		return k.p256
	case "ES384":
		return k.p384
	case "EdDSA":
		return k.ed
	}
	return k.rsa
}

// by is settings that verify the algorithm with its key.
func (k *keys) by(algorithm string) tenant.Auth {
	a := tenant.DefaultAuth()
	a.Algorithm = algorithm
	if algorithm == "HS256" {
		a.Secret = k.secret
	} else {
		a.PublicKey = publicPEM(k.of(algorithm))
	}
	return a
}

func public(private any) crypto.PublicKey { return private.(crypto.Signer).Public() }

func publicPEM(private any) string { return encodePEM(public(private)) }

func encodePEM(key crypto.PublicKey) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: must(x509.MarshalPKIXPublicKey(key))}))
}

func encode(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

// signature signs a text.
func signature(algorithm string, key any, text string) []byte {
	hash := map[string]crypto.Hash{"256": crypto.SHA256, "384": crypto.SHA384, "512": crypto.SHA512}[strings.TrimLeft(algorithm, "HRPES")]
	digest := func() []byte {
		h := hash.New()
		h.Write([]byte(text))
		return h.Sum(nil)
	}
	switch k := key.(type) {
	case []byte:
		h := hmac.New(hash.New, k)
		h.Write([]byte(text))
		return h.Sum(nil)
	case *rsa.PrivateKey:
		if algorithm[0] == 'P' {
			return must(rsa.SignPSS(rand.Reader, k, hash, digest(), &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash}))
		}
		return must(rsa.SignPKCS1v15(nil, k, hash, digest()))
	case *ecdsa.PrivateKey:
		r, s, err := ecdsa.Sign(rand.Reader, k, digest())
		size := (k.Params().BitSize + 7) / 8
		return append(must(r, err).FillBytes(make([]byte, size)), s.FillBytes(make([]byte, size))...)
	case ed25519.PrivateKey:
		return ed25519.Sign(k, []byte(text))
	}
	panic(fmt.Sprintf("no key of %s: %T", algorithm, key))
}

// sign makes a token of a header and claims as they are.
func sign(algorithm string, key any, header, claims string) string {
	text := encode([]byte(header)) + "." + encode([]byte(claims))
	return text + "." + encode(signature(algorithm, key, text))
}

// issue makes a good token with the claims, which are members of an object.
func (k *keys) issue(algorithm, claims string) string {
	return sign(algorithm, k.of(algorithm), `{"alg":"`+algorithm+`","typ":"JWT"}`, hour(claims))
}

// hour is claims that hold for an hour.
func hour(claims string) string {
	now := time.Now().Unix()
	if claims != "" {
		claims = "," + claims
	}
	return fmt.Sprintf(`{"exp":%d,"iat":%d%s}`, now+3600, now, claims)
}

// stage is a tenant with a verifier.
type stage struct {
	testing.TB
	tenants  *tenant.Directory
	tenant   *tenant.Tenant
	verifier *token.Verifier
}

func newStage(tb testing.TB, config token.Config, a tenant.Auth) *stage {
	tb.Helper()
	s := &stage{TB: tb, tenants: tenanttest.Directory(), verifier: token.New(config)}
	tb.Cleanup(s.verifier.Close)
	s.tenant = tenanttest.Create(tb, s.tenants, "acme")
	s.set(a)
	return s
}

func (s *stage) set(a tenant.Auth) {
	s.Helper()
	if err := s.tenants.Change(s.Context(), s.tenant, func(all *tenant.Settings) error { all.Auth = &a; return nil }); err != nil {
		s.Fatal(err)
	}
}

func (s *stage) verify(text string) (tenant.Identity, error) {
	return s.verifier.Verify(s.Context(), s.tenant, "Bearer "+text)
}

// refuses holds that a token is refused for that reason, and gives no identity.
func (s *stage) refuses(name, text, reason string) {
	s.Helper()
	id, err := s.verify(text)
	if err == nil || !strings.Contains(err.Error(), reason) {
		s.Errorf("%s: %v, want %q", name, err, reason)
	}
	if _, ok := id.Claim("exp"); ok || id.Subject() != "" || id.Permitted("p") {
		s.Errorf("%s: an identity comes with the error", name)
	}
}

// jwk is a published key, with further members.
func jwk(key any, more string) string {
	var members string
	switch k := key.(type) {
	case *rsa.PrivateKey:
		members = fmt.Sprintf(`"kty":"RSA","n":%q,"e":%q`, encode(k.N.Bytes()), encode(big.NewInt(int64(k.E)).Bytes()))
	case *ecdsa.PrivateKey:
		point := must(k.PublicKey.Bytes())[1:]
		half := len(point) / 2
		members = fmt.Sprintf(`"kty":"EC","crv":%q,"x":%q,"y":%q`, k.Params().Name, encode(point[:half]), encode(point[half:]))
	case ed25519.PrivateKey:
		members = fmt.Sprintf(`"kty":"OKP","crv":"Ed25519","x":%q`, encode(k.Public().(ed25519.PublicKey)))
	case []byte:
		members = fmt.Sprintf(`"kty":"oct","k":%q`, encode(k))
	}
	if more != "" {
		members += "," + more
	}
	return "{" + members + "}"
}

func jwks(keys ...string) []byte { return []byte(`{"keys":[` + strings.Join(keys, ",") + `]}`) }

// claim is the text of a claim.
func claim(id tenant.Identity, name string) string {
	text, _ := id.Claim(name)
	return string(text)
}

func quote(s string) string { return string(must(json.Marshal(s))) }
